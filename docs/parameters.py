"""Writes the tables of parameters and of presets into the documentation, from what is installed.

``python docs/parameters.py`` prints the page; ``--write`` writes it, and the table in the README of jackfield-openai.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from jackfield.parameters import Parameter
from jackfield_openai.fields import FIELDS
from jackfield_openai.preset import Preset
from jackfield_openai.presets import PRESETS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "parameters.md"
README = ROOT / "plugins" / "jackfield-openai" / "README.md"
BEGIN, END = "<!-- presets: written by docs/parameters.py -->\n", "<!-- end of presets -->"
ORDER = ("openai", "azure", "anthropic", "gemini", "local")
"""Of the columns; what is not among them comes after."""

INTRODUCTION = """\
# Parameters

<!-- Written by docs/parameters.py; change the providers, not this page. -->

A request is made once, in OpenAI's terms, and each provider says it in the terms of its service. Not every service can
be told everything. This page is made from the providers' own tables, which they go by.

- **yes**: it means the same there.
- **partly**: some of its values cannot be said, or mean something slightly else; the notes below the table tell what.
- **no**: it cannot be said. The request is refused with `UnsupportedParameterError`, which names the parameter and what
  to do instead, before anything is sent. With the provider's setting `on_unsupported = "drop"` the parameter is left
  out, and the attempt tells so in `dropped`. A value that asks for nothing special (null, `n = 1`, penalties of 0,
  `logprobs = false`, `modalities = ["text"]`, `parallel_tool_calls = true`, `service_tier = "auto"`, `store = false`,
  `tool_choice = "auto"`, `top_logprobs = 0`) is left out without a word.

A field that OpenAI's API does not have is the service's own, and sent as it is.
"""

PRESETS_HEAD = """\
## Presets

Of the provider `openai`, by the setting `preset`: in what each service departs from OpenAI. What is not named is sent
as it is, and the service judges; each is as its documentation describes it.

"""


def providers() -> dict[str, Mapping[str, Parameter]]:
    """The tables of those of this repository's providers that have one, in the order of the columns."""
    found = {}
    own = {path.name for path in (ROOT / "plugins").iterdir()}
    points = [point for point in entry_points(group="jackfield.providers") if point.dist and point.dist.name in own]
    for point in sorted(points, key=_place):
        table = getattr(point.load(), "parameters", None)
        if table:
            found[point.name] = table
    return found


def page() -> str:
    """The page of parameters."""
    tables = providers()
    return "\n".join([INTRODUCTION, _taken(tables), _notes(tables), _presets()])


def presets() -> str:
    """The table of presets for the README."""
    rows = [
        [f"`{name}`", preset.title, f"`{preset.base_url}`", f"`{preset.key}`" if preset.key else "none"]
        for name, preset in sorted(PRESETS.items())
    ]
    return _table(["preset", "service", "URL", "variable of the key"], rows)


def readme() -> str:
    """The README of jackfield-openai, with the table of presets."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{presets()}\n{END}{rest.partition(END)[2]}"


def _place(point: EntryPoint) -> tuple[int, str]:
    return (ORDER.index(point.name) if point.name in ORDER else len(ORDER), point.name)


def _taken(tables: Mapping[str, Mapping[str, Parameter]]) -> str:
    rows = [[f"`{field}`", *(_cell(table, field) for table in tables.values())] for field in FIELDS]
    return "## Providers\n\n" + _table(["parameter", *tables], rows)


def _cell(table: Mapping[str, Parameter], field: str) -> str:
    taken = table[field].taken if field in table else "yes"
    return {"yes": "yes", "partly": "*partly*", "no": "**no**"}[taken]


def _notes(tables: Mapping[str, Mapping[str, Parameter]]) -> str:
    return "\n".join(
        f"### {name}\n\n" + _list(_sentences(table)) for name, table in tables.items() if any(_sentences(table))
    )


def _presets() -> str:
    return PRESETS_HEAD + "\n".join(_preset(name, preset) for name, preset in sorted(PRESETS.items()))


def _preset(name: str, preset: Preset) -> str:
    renamed = [f"`{field}` is sent as `{own}`" for field, own in preset.renamed.items()]
    roles = [f"the role `{role}` is sent as `{own}`" for role, own in preset.roles.items()]
    arrays = [f"`{field}` is sent as an array" for field in preset.arrays]
    unsaid = [f"`messages[].{field}`, **no**: {remedy}" for field, remedy in preset.unsaid.items()]
    defaults = [
        f"`{field} = {json.dumps(value)}` is sent unless the request says otherwise"
        for field, value in preset.defaults.items()
    ]
    thoughts = _thoughts(preset)
    items = [*renamed, *roles, *arrays, *defaults, *_sentences(preset.parameters), *unsaid, *thoughts, *preset.notes]
    sources = ", ".join(f"<{source}>" for source in preset.sources)
    head = f"### {name}\n\n{preset.title}, `{preset.base_url}`. Documentation: {sources}\n\n"
    return head + _list(items or ["no deviation is known"])


def _thoughts(preset: Preset) -> list[str]:
    if preset.thoughts is None:
        return []
    if preset.thoughts == "content":
        return ["reasoning comes among the parts of the content; here it is in `reasoning_content`, and goes back so"]
    return [f"reasoning is in `{preset.thoughts}`"]


def _sentences(table: Mapping[str, Parameter]) -> list[str]:
    """What is to be said of a table: the fields that have the same note together."""
    notes: dict[Parameter, list[str]] = {}
    for field, parameter in sorted(table.items()):
        if parameter.taken != "yes":
            notes.setdefault(parameter, []).append(f"`{field}`")
    return [f"{', '.join(fields)}, {_bold(parameter)}: {parameter.note}" for parameter, fields in notes.items()]


def _bold(parameter: Parameter) -> str:
    return "**no**" if parameter.taken == "no" else "*partly*"


def _list(items: Iterable[str]) -> str:
    return "".join(f"- {item.rstrip('.')}.\n" for item in items)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(arguments: list[str]) -> None:
    """Print the page, or write what is generated."""
    if arguments == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
        README.write_text(readme(), encoding="utf-8")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main(sys.argv[1:])
