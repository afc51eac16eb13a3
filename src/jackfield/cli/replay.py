"""``jackfield replay``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from jackfield.cli.output import document, say, table
from jackfield.cli.recording import absolute, checked, plugin
from jackfield.cli.source import Source, source_options
from jackfield.http import target_of

HEAD = ("", "method", "path", "model", "status", "blocks", "outcome")


@click.command()
@click.argument("file")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="Without COMMAND: print one JSON document.")
@click.option("--repeat", is_flag=True, help="Use an exchange again when all that fit are used.")
@click.option("--pace", type=click.FloatRange(min=0), help="Multiply the recorded pauses; else there are none.")
@click.option("--ignore", multiple=True, metavar="PATH", help="A path in a body, as tools[*].id, that is not compared.")
@source_options
@click.pass_context
def replay(
    context: click.Context,
    file: str,
    command: tuple[str, ...],
    *,
    as_json: bool,
    repeat: bool,
    pace: float | None,
    ignore: tuple[str, ...],
) -> None:
    """Run a program on what was recorded, without a network; or list what is in FILE.

    Write -- before COMMAND. Requests that were not recorded, and exchanges that were not used, are told at the end. The
    exit code is the program's, or 1 where a request was not recorded.
    """
    path = absolute(file)
    recordings = plugin()
    checked(recordings.Replay, file=path, ignore=ignore)
    exchanges, torn = recordings.load_tape(path)
    if torn:
        say(f"the last exchange in {file} is not whole, and left out")
    if not command:
        _show(exchanges, as_json=as_json)
        return
    if as_json:
        raise click.UsageError("--json is for the list, without COMMAND", context)
    from jackfield.cli.child import run

    options = {"repeat": repeat, "pace": pace, "ignore": list(ignore)}
    layer = {"use": "replay", "file": path, **{name: value for name, value in options.items() if value}}
    with _report() as report:
        code = run(command, {**layer, "unused": "ignore", "report": report}, context.ensure_object(Source))
        used, missed = _told(report)
    _sum_up(exchanges, used, missed)
    context.exit(code or int(bool(missed)))


def _show(exchanges: Sequence[Any], *, as_json: bool) -> None:
    rows = [_row(number, exchange) for number, exchange in enumerate(exchanges, start=1)]
    if as_json:
        document(rows)
    else:
        table(HEAD, [["" if row[name] is None else str(row[name]) for name in row] for row in rows])


def _row(number: int, exchange: Any) -> dict[str, Any]:
    response = exchange.response
    return {
        "number": number,
        "method": exchange.request.method,
        "path": target_of(exchange.request.url),
        "model": exchange.model if exchange.backend is None else f"{exchange.backend}/{exchange.model or ''}",
        "status": None if response is None else response.status,
        "blocks": None if response is None else len(response.blocks),
        "outcome": exchange.outcome,
    }


@contextmanager
def _report() -> Iterator[str]:
    """A file that the program tells in what it used; gone afterwards."""
    import tempfile

    file, path = tempfile.mkstemp(prefix="jackfield-replay-")
    os.close(file)
    try:
        yield path
    finally:
        os.unlink(path)


def _told(report: str) -> tuple[set[int], list[str]]:
    """Numbers of the exchanges that were used, and the misses; of all processes that the program had."""
    with open(report, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return {line["used"] for line in lines if "used" in line}, [line["miss"] for line in lines if "miss" in line]


def _sum_up(exchanges: Sequence[Any], used: set[int], missed: list[str]) -> None:
    say(f"{len(used)} of {len(exchanges)} exchanges used")
    for number, exchange in enumerate(exchanges, start=1):
        if number not in used:
            request = exchange.request
            say(f"not used: {number}, {request.method} {target_of(request.url)} {exchange.model or ''}")
    for miss in missed:
        say(f"not recorded: {miss}")
