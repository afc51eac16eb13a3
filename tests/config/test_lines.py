"""The lines of keys are right for every way of writing TOML, or not there at all."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.config.lines import lines_of
from jackfield.config.place import Path

EVERY_FORM = '''\
# [not.a.table] not = "a key"
title = "a # b"
"quoted \\u00e9 [x]" = 'it = "is"'
dotted . 'inner key' . last = 1979-05-27 07:32:00

[ servers . "alpha.one" ]  # comment ]
ports = [ 8000, [ 1, # ]
  2 ], """
[x]
y = 1 ""\\"""", \'\'\'
a = 1\'\'\'\' ,
]
text = """"quoted"""""
inline = { a = 1, "b.c" = [ { d = "}" }, { d = 2 } ], e . f = true, g = {} }

[[fruit]]
name = ""
[fruit.skin]
colour = ''
[[fruit.kinds]]
[[fruit.kinds]]
name = "b"
[[fruit]]
[fruit.skin]
depth = +inf
[servers]
late = [
]
'''


def test_every_form_has_its_line() -> None:
    """Headers, arrays of tables, dotted and quoted keys, inline tables and elements each have their own line."""
    tomllib.loads(EVERY_FORM)
    beta = ("servers", "alpha.one")

    assert lines_of(EVERY_FORM) == {
        ("title",): 2,
        ("quoted é [x]",): 3,
        ("dotted",): 4,
        ("dotted", "inner key"): 4,
        ("dotted", "inner key", "last"): 4,
        ("servers",): 26,
        beta: 6,
        (*beta, "ports"): 7,
        (*beta, "ports", 0): 7,
        (*beta, "ports", 1): 7,
        (*beta, "ports", 1, 0): 7,
        (*beta, "ports", 1, 1): 8,
        (*beta, "ports", 2): 8,
        (*beta, "ports", 3): 10,
        (*beta, "text"): 13,
        (*beta, "inline"): 14,
        (*beta, "inline", "a"): 14,
        (*beta, "inline", "b.c"): 14,
        (*beta, "inline", "b.c", 0): 14,
        (*beta, "inline", "b.c", 0, "d"): 14,
        (*beta, "inline", "b.c", 1): 14,
        (*beta, "inline", "b.c", 1, "d"): 14,
        (*beta, "inline", "e"): 14,
        (*beta, "inline", "e", "f"): 14,
        (*beta, "inline", "g"): 14,
        ("fruit",): 16,
        ("fruit", 0): 16,
        ("fruit", 0, "name"): 17,
        ("fruit", 0, "skin"): 18,
        ("fruit", 0, "skin", "colour"): 19,
        ("fruit", 0, "kinds"): 20,
        ("fruit", 0, "kinds", 0): 20,
        ("fruit", 0, "kinds", 1): 21,
        ("fruit", 0, "kinds", 1, "name"): 22,
        ("fruit", 1): 23,
        ("fruit", 1, "skin"): 24,
        ("fruit", 1, "skin", "depth"): 25,
        ("servers", "late"): 27,
    }


def test_windows_line_ends_count_once() -> None:
    """A document means the same with CRLF."""
    assert lines_of(EVERY_FORM.replace("\n", "\r\n")) == lines_of(EVERY_FORM)


@pytest.mark.parametrize(
    "document",
    ["= 1", "key", "key = ", "[a", "[[a]", 'key = ["a" 2]', "key = {a = 1", 'key = "open', "a" + "[" * 9, "]"],
)
def test_what_is_not_understood_has_no_lines(document: str) -> None:
    """Half an answer could be a wrong one."""
    assert lines_of("good = 1\n" + document) == {}


def test_deep_nesting_has_no_lines() -> None:
    """A document that is too deep for the scanner does not end it."""
    assert lines_of("key = " + "[" * 100_000) == {}


keys = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
)
strings = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)
traps = st.sampled_from(["[x]\ny = 1", "a = '''", '"""', "# no", "}, {", "\\", "''", '""', "=\n\n="])
scalars = st.one_of(st.integers(-9, 10**6), st.booleans(), st.floats(allow_nan=False), strings, traps)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


class Writer:
    """Writes a tree as TOML in ways that ``draw`` chooses, and notes the line of all that it writes."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.out = ""
        self.lines: dict[Path, int] = {}

    def any_of(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def note(self, path: Path) -> None:
        self.lines[path] = self.out.count("\n") + 1

    def gap(self) -> None:
        self.out += self.any_of("", "", "\n", "# comment = [1]\n", "  \t", " # { \n\n")

    def key(self, key: str) -> str:
        bare = key.isascii() and key.replace("-", "_").isidentifier()
        basic = '"' + escape(key) + '"'
        forms = [basic] + [key] * bare
        if key.isprintable() and "'" not in key:
            forms.append(f"'{key}'")
        return self.any_of(*forms) + self.any_of("", " ", "\t")

    def table(self, table: dict[str, Any], path: Path) -> None:
        """A table's simple values first, then its own tables, as TOML wants it."""
        later = {}
        for key, value in table.items():
            here = (*path, key)
            tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if (isinstance(value, dict) or tables) and self.draw(st.booleans()):
                later[key] = value
            else:
                self.pair(here, value)
                self.out += self.any_of("", " ", " # = comment") + "\n"
                self.blank()
        for key, value in later.items():
            self.tables(value, (*path, key))

    def blank(self) -> None:
        self.out += self.any_of("", "", "\n", "# [comment]\n", "  ")

    def tables(self, value: Any, path: Path) -> None:
        name = ".".join(self.key(part) for part in path if isinstance(part, str))
        if isinstance(value, dict):
            self.note(path)
            self.out += f"[{self.any_of('', ' ')}{name}]\n"
            self.table(value, path)
            return
        for index, item in enumerate(value):
            if index == 0:
                self.note(path)
            self.note((*path, index))
            self.out += f"[[{name}]] # x\n"
            self.table(item, (*path, index))

    def pair(self, path: Path, value: Any) -> None:
        """``key = value``; a table of one key may be written with a dotted key."""
        self.note(path)
        self.out += self.key(str(path[-1]))
        while isinstance(value, dict) and len(value) == 1 and self.draw(st.booleans()):
            ((key, value),) = value.items()
            path = (*path, key)
            self.note(path)
            self.out += "." + self.any_of("", " ") + self.key(key)
        self.out += "=" + self.any_of("", " ", "\t")
        self.value(path, value)

    def value(self, path: Path, value: Any) -> None:
        if isinstance(value, dict):
            self.out += "{" + self.any_of("", " ")
            for number, (key, item) in enumerate(value.items()):
                self.out += ", " if number else ""
                self.pair((*path, key), item)
                self.out += self.any_of("", " ")
            self.out += "}"
        elif isinstance(value, list):
            self.array(path, value)
        elif isinstance(value, str):
            self.string(value)
        else:
            self.out += {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)

    def array(self, path: Path, value: list[Any]) -> None:
        self.out += "["
        for index, item in enumerate(value):
            self.out += "," if index else ""
            self.gap()
            self.note((*path, index))
            self.value((*path, index), item)
            self.gap()
        if value and self.any_of("", ","):
            self.out += ","
            self.gap()
        self.out += "]"

    def string(self, value: str) -> None:
        plain = all(char.isprintable() or char in "\n\t" for char in value)
        forms = ['"' + escape(value) + '"', '"""\n' + escape(value).replace("\\n", "\n") + '"""']
        if plain and "\n" not in value and "'" not in value:
            forms.append(f"'{value}'")
        if plain and "'''" not in value and not value.endswith("'" * 3):
            forms.append(f"'''\n{value}'''")
        self.out += self.draw(st.sampled_from(forms))


def escape(text: str) -> str:
    """The inside of a basic string."""
    names = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return "".join(names.get(char) or (char if char.isprintable() else f"\\U{ord(char):08x}") for char in text)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[Path, int]]:
    """A document, what it means, and the line of each path that is written in it."""
    tree = draw(st.dictionaries(keys, values, max_size=4))
    writer = Writer(draw)
    writer.blank()
    writer.table(tree, ())
    return writer.out, tree, writer.lines


def reachable(value: Any, path: Path = ()) -> set[Path]:
    """Every path in a tree."""
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    return {path, *(inner for key, item in items for inner in reachable(item, (*path, key)))}


@settings(max_examples=150)
@given(documents())
def test_generated_documents_have_the_lines_they_were_written_at(
    document: tuple[str, dict[str, Any], dict[Path, int]],
) -> None:
    """Every path of a document is found, at the very line where it was written, and no other path is."""
    text, tree, lines = document
    assert tomllib.loads(text) == tree  # the writer's own test
    found = lines_of(text)

    assert found == lines
    assert set(found) == reachable(tree) - {()}
