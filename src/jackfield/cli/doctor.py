"""``jackfield doctor``."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import click

from jackfield.cli.output import document, emit, harmless, say, table
from jackfield.cli.params import ModelName, Seconds
from jackfield.cli.source import Source, source_options

if TYPE_CHECKING:
    from jackfield.checkup.row import Row, Status

HEAD = ("STATUS", "ABOUT", "WHAT", "DETAIL", "REMEDY")
MARKS: Mapping[Status, str] = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "\N{EN DASH}"}
PLAIN_MARKS: Mapping[Status, str] = {"ok": "+", "warning": "!", "failed": "x", "skipped": "-"}
STYLES = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}


@click.command()
@click.option("--live", is_flag=True, help="Ask each backend for one token too, of the model that leads to it.")
@click.option("--offline", is_flag=True, help="Use no network, and run no command of a secret.")
@click.option(
    "--backend", "backends", metavar="NAME", multiple=True, help="Look at this backend only; may be repeated."
)
@click.option("-m", "--model", type=ModelName(), help="Look at the backend of this model only, and ask it for that.")
@click.option("--timeout", type=Seconds(), help="Give up on a look after so many seconds; else 5, and 60 for a call.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@source_options
@click.pass_context
def doctor(
    context: click.Context,
    *,
    live: bool,
    offline: bool,
    backends: tuple[str, ...],
    model: str | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Look at all that stands between this machine and an answer, and tell what to do about it.

    The configuration, its plugins and secrets; then for each backend name, port, TLS, an answer, the clock. Each
    backend is looked at by itself, without the layers around all of them. Only --live costs tokens. Exit code 1 where
    something failed. Columns: status, about, what, detail, remedy.
    """
    if live and offline:
        raise click.UsageError("--live needs the network, which --offline does not use", context)
    from jackfield.checkup import Scope, checkup

    source = context.ensure_object(Source)
    source.hush()
    scope = Scope(live=live, offline=offline, backends=backends, model=model, timeout=timeout)
    rows: list[Row] = []
    for row in checkup(source.config, profile=source.profile, scope=scope):
        rows.append(row)
        if not as_json:
            _show(row)
    counts = Counter(row.status for row in rows)
    if as_json:
        document({"failed": counts["failed"], "rows": [attrs.asdict(row) for row in rows]})
    else:
        say(", ".join(f"{counts[status]} {status}" for status in MARKS))
    context.exit(1 if counts["failed"] else 0)


def _show(row: Row) -> None:
    """One row, as soon as it is there: a line with a mark on a terminal, below it the remedy."""
    if not sys.stdout.isatty():
        table(HEAD, [(row.status, row.about, row.what, row.detail, row.remedy or "")])
        return
    from rich.console import Console
    from rich.text import Text

    mark = (MARKS if _can_show(MARKS["ok"]) else PLAIN_MARKS)[row.status]
    drab = bool(os.environ.get("NO_COLOR"))  # rich takes away the colours only
    line = Text.assemble((mark, "" if drab else STYLES[row.status]), f" {': '.join(map(_safe, _words(row)))}")
    if row.remedy is not None:
        line.append(f"\n    {_safe(row.remedy)}", "" if drab else "bold")
    console = Console(file=sys.stdout, highlight=False)
    with console.capture() as captured:
        console.print(line)
    emit(captured.get())


def _words(row: Row) -> tuple[str, str, str]:
    return row.about, row.what, row.detail


def _safe(text: str) -> str:
    return harmless(text, one_line=True)


def _can_show(mark: str) -> bool:
    try:
        mark.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
