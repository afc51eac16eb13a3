"""The group of all commands: its options, and how a command ends that failed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from jackfield.chain import scrub_chain
from jackfield.cli import others
from jackfield.cli.chat import chat
from jackfield.cli.completion import completion
from jackfield.cli.config import config
from jackfield.cli.doctor import doctor
from jackfield.cli.explain import explain
from jackfield.cli.main import INTERRUPTED
from jackfield.cli.models import models
from jackfield.cli.output import emit, say, told
from jackfield.cli.plugins import plugins
from jackfield.cli.record import record
from jackfield.cli.replay import replay
from jackfield.cli.source import source_options
from jackfield.errors import JackfieldError


class Root(click.Group):
    """A group whose commands may raise what jackfield raises: the user sees one message, never a traceback.

    Commands of other distributions are found by their entry points; none of them can take the place of one of its own.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the alphabet."""
        return sorted({*super().list_commands(ctx), *others.names()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, its own first."""
        return super().get_command(ctx, cmd_name) or others.command(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ``click.ClickException`` or ``click.exceptions.Exit`` for what went wrong."""
        try:
            return super().invoke(ctx)
        except JackfieldError as error:
            raise click.ClickException(told(error)) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - a plugin's mistake, say, or an output that is gone, which click knows
            raise scrub_chain(error)  # noqa: B904 - it is the same error

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run with these arguments; see ``click.Group.main``."""
        if sys.stdout is None:  # it was closed: what is opened next would get its number, and the results
            say("Error: there is no standard output")
            raise SystemExit(1)
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:  # what the terminal's encoding cannot show must not end the answer
            reconfigure(errors="backslashreplace")
        return super().main(args, *rest, **extra)


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    import platform

    import jackfield
    from jackfield.registry import installed

    own = f"jackfield {jackfield.__version__}"
    brought = {found.distribution for found in installed()} | others.distributions()
    emit("\n".join([f"{own} (Python {platform.python_version()})", *sorted(brought - {own})]) + "\n")
    context.exit()


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@source_options
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the versions of jackfield and of its plugins, and exit.",
)
def root() -> None:
    """Patch this terminal to any LLM backend that is configured.

    The configuration is jackfield.toml in this directory or one above it, or what JACKFIELD_CONFIG names; see
    `jackfield config path`. Exit codes: 0, 1 failure, 2 wrong use, 130 interrupted.
    """


for command in (chat, models, plugins, config, explain, doctor, record, replay, completion):
    root.add_command(command)
