"""The examples of a Markdown page: its fenced blocks, in order.

A comment directly above a block, which no reader sees, tells what is special about it:

``<!-- file: NAME -->``
    it is the content of a file, written into the page's working directory;
``<!-- output -->``
    it is what the example before it prints;
``<!-- not run: REASON -->``
    it cannot be run here, for a reason that a reader of the source can judge.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```\s*$", re.MULTILINE | re.DOTALL
)
_NOTE = re.compile(r"<!-- (?P<kind>file|output|not run)(?:: (?P<value>.+?))? -->\s*\Z")


@attrs.frozen
class Example:
    """A fenced block.

    Attributes:
        page: the file it is in.
        line: number of its first line in the page.
        language: what stands behind the opening fence.
        text: what is in it.
        file: the name of the file that it is.
        output: it is what the example before it prints.
        not_run: why it is not run.
    """

    page: Path
    line: int
    language: str
    text: str
    file: str | None = None
    output: bool = False
    not_run: str | None = None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(page: Path) -> list[Example]:
    """The fenced blocks of a page, in order; directives of MyST (``{name}``) are none."""
    source = page.read_text(encoding="utf-8")
    return [_example(page, source, match) for match in _FENCE.finditer(source) if not match["language"].startswith("{")]


def _example(page: Path, source: str, match: re.Match[str]) -> Example:
    note = _NOTE.search(source[: match.start()])
    kind, value = (None, None) if note is None else (note["kind"], note["value"])
    indent = match["indent"]
    return Example(
        page=page,
        line=source.count("\n", 0, match.start()) + 2,
        language=match["language"].strip(),
        text="".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True)),
        file=value if kind == "file" else None,
        output=kind == "output",
        not_run=value if kind == "not run" else None,
    )


def section(page: Path, heading: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    source = page.read_text(encoding="utf-8")
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", source, re.MULTILINE | re.DOTALL)
    assert match is not None, f"{page.name} has no section {heading!r}"

    return match[1]
