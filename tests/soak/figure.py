"""Figure: what was measured, and what it has to be."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class Figure:
    """One figure.

    Attributes:
        what: was measured.
        promise: what it has to be, in words; empty where it only informs.
        value: what it was, in words.
        holds: whether the promise does.
    """

    what: str
    promise: str
    value: str
    holds: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.value}; promised: {self.promise}"


def none(what: str, found: int, examples: Sequence[str] = ()) -> Figure:
    """A figure that has to be 0; the examples say what it was."""
    told = f" ({'; '.join(examples)})" if found and examples else ""
    return Figure(what, "0", f"{found:,}{told}", holds=found == 0)


def table(columns: Sequence[tuple[str, Sequence[Figure]]]) -> str:
    """A table in Markdown, one column for each run: they have the same figures."""
    lines = [f"| | promised | {' | '.join(name for name, _ in columns)} |", "|---|---|" + "--:|" * len(columns)]
    for row in zip(*(figures for _, figures in columns), strict=True):
        values = (figure.value + ("" if figure.holds else " **broken**") for figure in row)
        lines.append(f"| {row[0].what} | {row[0].promise} | {' | '.join(values)} |")
    return "\n".join(lines)
