"""``jackfield config``: show, validate, path, schema, init."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from jackfield.cli.output import document, emit, harmless, say
from jackfield.cli.source import Source, source_options
from jackfield.errors import ConfigError, Fault

FILE = "jackfield.toml"
BUILT_IN = "no configuration file is found: the built-in default holds"


@click.group()
@source_options
def config() -> None:
    """Show the configuration, or tell what is wrong with it."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@source_options
@click.pass_context
def show(context: click.Context, *, as_json: bool) -> None:
    """Print the configuration as TOML: after profile and environment, with all limits, without secrets."""
    from jackfield.cli.toml import to_toml
    from jackfield.config.show import show as plain
    from jackfield.registry import Registry

    loaded = context.ensure_object(Source).load()
    data = plain(loaded.settings, Registry().settings)
    if as_json:
        document(data)
    elif loaded.settings.backends or not loaded.faults:
        emit(to_toml(data))
    if loaded.faults:
        raise ConfigError(loaded.faults)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@source_options
@click.pass_context
def validate(context: click.Context, *, as_json: bool) -> None:
    """Check the configuration, with each of its profiles, and the settings of every plugin that it names.

    Secrets are not read.
    """
    source = context.ensure_object(Source)
    loaded = source.load()
    found: dict[tuple[Any, ...], Fault] = {}
    for profile in dict.fromkeys((source.profile, *loaded.profiles)):
        try:
            Source(source.config, profile).client().close()
        except ConfigError as error:
            for fault in error.faults:  # a guess at what was meant may be another in each profile
                about = (fault.file, fault.line, fault.path, fault.expected)
                found.setdefault(about, fault if profile == source.profile else _within(profile, fault))
    faults = list(ConfigError(list(found.values())).faults)
    if as_json:
        document({"valid": not faults, "faults": [_fault(fault) for fault in faults]})
        context.exit(1 if faults else 0)
    if faults:
        raise ConfigError(faults)
    emit(f"{harmless(_names(loaded.settings.files), one_line=True)}: valid\n")


@config.command()
@source_options
@click.pass_context
def path(context: click.Context) -> None:
    """Print the path of the configuration file in use; fails where there is none."""
    from jackfield.config.find import discover, read

    source = context.ensure_object(Source)
    found = discover(os.environ) if source.config is None else read(source.config)
    if found is None:
        say(BUILT_IN)
        context.exit(1)
    for file in found.files:
        emit(f"{Path(file).absolute()}\n")
    if found.faults:
        raise ConfigError(found.faults)


@config.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the file, with the settings of all plugins that are installed, for editors.

    Write it beside the file, and begin the file with the line `#:schema ./jackfield.schema.json`. All plugins are
    imported; one that is broken is left out, and told on stderr.
    """
    from jackfield.catalogue import catalogue
    from jackfield.config.schema import schema
    from jackfield.registry import Registry

    found = catalogue(Registry())
    document(schema(found.providers, found.middleware, found.sections))
    for fault in found.faults:
        say(fault)


@config.command()
@click.option("--path", "file", metavar="FILE", help="The file to write; else jackfield.toml here.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_context
def init(context: click.Context, *, file: str | None, force: bool) -> None:
    """Write a first configuration file, with remarks on all that is installed.

    It is valid as it is. It names what the built-in default does: openai, where OPENAI_API_KEY is set, and the local
    model, where it is installed. What the environment has that may be secret is not copied, and told. A file that is
    there is not replaced unless you say so.
    """
    from jackfield.catalogue import catalogue
    from jackfield.cli.newfile import write_new
    from jackfield.cli.starter import lacking, left_out, starter
    from jackfield.cli.template import template
    from jackfield.registry import Registry

    target = file or context.ensure_object(Source).config or FILE
    found = catalogue(Registry())
    tree = starter(os.environ, found)
    notes = left_out(os.environ, found)
    text = template(tree, found, notes)
    try:
        write_new(target, text, force=force)
    except FileExistsError:
        raise click.ClickException(f"{target} is there already; --force replaces it") from None
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from None
    for line in (*found.faults, *notes):
        say(line)
    for distribution in lacking(os.environ, found):
        say(f"OPENAI_API_KEY is set, and {distribution} is not installed: pip install {distribution}")
    emit(f"{harmless(target, one_line=True)}\n")
    say("Editors complete it with: jackfield config schema > jackfield.schema.json")


def _names(files: Sequence[str]) -> str:
    return ", ".join(files) or "the built-in default"


def _within(profile: str | None, fault: Fault) -> Fault:
    """A fault that is there with a profile only, and says so; what stands in the profile does by its path."""
    if fault.path.startswith("profiles."):
        return fault
    return fault.but(expected=f"with profile {profile}: {fault.expected}")


def _fault(fault: Fault) -> dict[str, Any]:
    names = ("file", "line", "path", "expected", "hint")
    return {name: getattr(fault, name) for name in names}
