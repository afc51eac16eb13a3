"""The scanner finds a secret in every form, and every text that an error can show."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from jackfield.testing.leaks import DEPTH, artefacts, leaks

KEY = 'sk-Kéy/9+"q x\\yz-0123456789'
"""Has what each way of writing changes."""


def wrapped(text: str, width: int = 9, end: str = "\n") -> str:
    """The text in lines."""
    return end.join(text[start : start + width] for start in range(0, len(text), width))


def encoded(text: str) -> str:
    """The text in base64."""
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, tuple[str, Callable[[str], str]]] = {
    "plain": ("plain", lambda key: key),
    "a slice": ("plain", lambda key: key[5:13]),
    "url": ("url", lambda key: quote(key, safe="")),
    "url in lower case": ("url", lambda key: quote(key, safe="").lower()),
    "url, all of it": ("url", lambda key: "".join(f"%{byte:02x}" for byte in key.encode())),
    "form": ("url", lambda key: quote(key, safe="").replace("%20", "+")),
    "json": ("json", json.dumps),
    "json of json": ("json", lambda key: json.dumps(json.dumps(key))),
    "json with escaped slashes": ("json", lambda key: json.dumps(key).replace("/", "\\/")),
    "json, all of it": ("json", lambda key: "".join(f"\\u{ord(char):04X}" for char in key)),
    "repr": ("repr", repr),
    "repr in ASCII": ("repr", ascii),
    "repr of bytes": ("repr", lambda key: repr(key.encode())),
    "base64": ("base64", encoded),
    "base64 of a header": ("base64", lambda key: encoded(f"user:{key}")),
    "base64, shifted by one": ("base64", lambda key: encoded(f"a{key}b")),
    "base64, shifted by two": ("base64", lambda key: encoded(f"aa{key}bb")),
    "base64url": ("base64", lambda key: base64.urlsafe_b64encode(f"{key}~~~".encode()).decode().rstrip("=")),
    "base64 in a word": ("base64", lambda key: "xyz" + encoded(key)),
    "base64 in a URL": ("base64", lambda key: quote(encoded(key), safe="")),
    "split": ("split", lambda key: wrapped(key, 7)),
    "split by CRLF and indented": ("split", lambda key: wrapped(key, 7, "\r\n    ")),
    "split by an escaped line break": ("split", lambda key: wrapped(key, 7, "\\n")),
    "split base64": ("split", lambda key: wrapped(encoded(key), 8)),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_found_under_its_name(name: str) -> None:
    """However it is written, the scanner says how."""
    form, write = FORMS[name]
    text = f"the server said: {write(KEY)}, and no more"

    assert form in leaks(text, KEY)
    assert form in leaks(text.encode(), KEY)


def test_what_is_clean_has_no_leak() -> None:
    """Other texts, other secrets, and pieces that are shorter than a slice, are none."""
    other = 'ak-Hey/7+"r w\\zy-9876543210'
    for _, write in FORMS.values():
        assert leaks(f"say {write(other)}", KEY) == []
    assert leaks(f"say {KEY[:7]} or {KEY[-7:]}", KEY) == []
    assert leaks("", KEY) == []


def test_a_slice_has_the_wanted_length() -> None:
    """Shorter pieces are leaks where the caller says so; a short secret is looked for as a whole."""
    assert leaks(f"say {KEY[:5]}", KEY, 5) == ["plain"]
    assert leaks("say abcd", "abcd") == ["plain"]
    assert leaks("say abc", "abcd") == []


def test_an_escape_beyond_unicode_is_no_character() -> None:
    """What cannot be undone is left."""
    assert leaks("\\U99999999 and sk-Kéy/9+", KEY) == ["plain"]


class OddError(Exception):
    """Has a detail, and cannot be pickled."""

    def __init__(self, text: str, detail: object) -> None:
        super().__init__(text)
        self.detail = detail
        self.pickles = lambda: None


class Unshowable:
    """A local whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("half made")


def sinks(error: BaseException) -> dict[str, str]:
    """The artefacts by name, those of one name together."""
    found: dict[str, str] = {}
    for name, text in artefacts(error):
        found[name] = found.get(name, "") + text
    return found


def test_artefacts_are_all_that_an_error_shows() -> None:
    """Text, arguments at any depth, attributes, notes, traceback and pickle, each by name."""
    error = ValueError("in-str", {"key": [b"in-\xc3\xa9-args", ("deep",), {1}]})
    error.add_note("in-note")
    error.detail = "in-vars"  # type: ignore[attr-defined]  # as a plugin may
    found = sinks(error)

    assert "in-str" in found["error: str"]
    assert "in-str" in found["error: repr"]
    assert "in-é-args" in found["error: args"]
    assert "deep" in found["error: args"]
    assert "in-vars" in found["error: vars"]
    assert found["error: notes"] == "in-note"
    assert "in-note" in found["traceback"]
    assert "in-str" in found["error: traceback"]
    assert "in-vars" in found["error: pickle"]
    assert "error: pickle" not in sinks(OddError("text", 1))


def test_artefacts_go_to_causes_contexts_and_members_once() -> None:
    """A hidden context counts, as does what a group holds; a cycle ends."""
    first, second, third = ValueError("first"), KeyError("second"), OSError("third")
    first.__cause__, first.__context__ = second, third
    third.__context__ = first
    found = sinks(ExceptionGroup("group", [first]))

    assert "second" in found["error.exceptions[0].__cause__: str"]
    assert found["error.exceptions[0].__context__: str"] == "third"
    assert not any("__context__.__context__" in name for name in found)


def test_artefacts_of_an_endless_chain_end() -> None:
    """So many links are looked at."""
    error = last = ValueError("0")
    for number in range(2 * DEPTH):
        last.__context__ = ValueError(str(number))
        last = last.__context__

    assert sum(name.endswith(": str") for name in sinks(error)) == DEPTH


def test_locals_are_those_of_frames_outside_of_tests(tmp_path: Path) -> None:
    """A test holds the secret that it looks for; the code under test must not."""
    path = tmp_path / "product.py"
    source = "def fail(bad):\n    held = 'in-local'\n    raise ValueError\n"
    names: dict[str, Callable[..., None]] = {}
    exec(compile(source, str(path), "exec"), names)
    mine = "in-test"
    with pytest.raises(ValueError) as caught:
        names["fail"](Unshowable())
    found = sinks(caught.value)

    assert found["error: local held of fail, line 3"] == "'in-local'"
    assert found["error: local bad of fail, line 3"] == "<Unshowable: RuntimeError>"
    assert mine not in "".join(found.values())
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 2
