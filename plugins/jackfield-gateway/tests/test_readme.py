"""The README tells the truth: its tables are those of the code, and its example is a configuration."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
import pytest

from jackfield_gateway import refusal, settings
from jackfield_gateway.app import HANDLERS
from jackfield_gateway.cli.keys import create
from jackfield_gateway.metrics import Metrics

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLES = {"limits", "inspector", "prices"}
"""Settings that have a table of their own."""
WORDS = {("models", ()): "all", ("cached_input", None): "as `input`"}


def rows(heading):
    """The cells of the first table below a heading."""
    text = re.split(rf"^#+ {re.escape(heading)}\n", README, flags=re.MULTILINE)[1]
    table = re.search(r"(?:^\|.*\n)+", re.split(r"^#", text, flags=re.MULTILINE)[0], re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def written(name, default):
    """A default as the README has it."""
    if default is attrs.NOTHING:
        return "required"
    if (name, default) in WORDS:
        return WORDS[name, default]
    if name == "store":
        return "`gateway.db` in the user's data directory"
    if default in ((), None):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return (
        f"{default:g}" if isinstance(default, float) else f"`{default}`" if isinstance(default, str) else str(default)
    )


@pytest.mark.parametrize(
    ("heading", "cls"),
    [
        ("[gateway]", settings.GatewaySettings),
        ("[gateway.limits]", settings.Limits),
        ("[gateway.inspector]", settings.Inspector),
        ('[gateway.prices."backend/model"]', settings.Price),
    ],
)
def test_settings_are_listed_with_their_defaults(heading, cls):
    """All of them, in their order."""
    fields = [field for field in attrs.fields(cls) if field.name not in TABLES]

    assert [cells[:2] for cells in rows(heading)] == [
        [f"`{field.name}`", written(field.name, field.default)] for field in fields
    ]


def test_the_example_is_a_configuration():
    """It is read as it stands."""
    example = next(text for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[gateway.limits]" in text)
    read = settings.read({"backends": {"echo": {"provider": "echo"}}, **tomllib.loads(example)})

    assert read.limits.concurrency == 500
    assert read.prices["openai/gpt-5.4-mini"].output == 4.5


def test_requests_are_listed_with_who_may_make_them():
    """Each route that a handler has, with its access; those besides are written out here."""
    others = {
        ("POST", "/v1/chat/completions", "key"),
        ("GET", "/inspector/live", "inspect"),
        *((("GET"), path, "open") for path in ("/healthz", "/readyz", "/", "/page/{name}")),
    }
    handled = {(method, path.replace(":path", ""), access) for method, path, _, access in HANDLERS}

    listed = {(*cells[0].strip("`").split(" "), cells[1]) for cells in rows("What it answers")}
    assert listed == handled | others


def test_options_of_a_key_are_listed():
    """All that ``jackfield keys create`` has, besides those of every command."""
    every = {"--config", "--profile"}
    assert {cells[0].strip("`") for cells in rows("Keys")} == {option.opts[0] for option in create.params} - every


def test_metrics_are_listed_with_their_labels(record):
    """Every one that is told, with its kind; a call of each kind of label shows them."""
    metrics = Metrics()
    metrics.request("/", 200, 1.0)
    metrics.call(record)
    told = {}
    for line in metrics.lines({f"jackfield_gateway_{name}": ("", 0.0) for name in GAUGES}):
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split(" ")
            told[name.removeprefix("jackfield_gateway_")] = [kind, ""]
        elif "{" in line:
            labels = [one for one in re.findall(r'(\w+)="', line) if one != "le"]
            told[name.removeprefix("jackfield_gateway_")][1] = ", ".join(f"`{one}`" for one in labels)

    assert {cells[0].strip("`"): cells[1:] for cells in rows("Metrics")} == told


GAUGES = ("requests_running", "calls_running", "calls_waiting", "start_time_seconds")


@pytest.fixture
def record():
    """A call that ended after one attempt that was told its usage and had a chunk."""
    from types import SimpleNamespace

    usage = SimpleNamespace(prompt_tokens=1, completion_tokens=1)
    attempt = SimpleNamespace(backend="b", outcome="success", wait=0.0, first_chunk=0.5)
    return SimpleNamespace(last=attempt, attempts=[attempt], model="m", state="success", duration=1.0, usage=usage)


def test_codes_are_listed():
    """Every code that the source has, and no other."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    told = set(re.findall(r'code="(\w+)"', source)) | set(refusal._CODES.values())
    told |= {pair[1] for pair in (refusal._LATE, refusal._UNREACHABLE)} | {refusal._CLOSED[1], refusal._NO_STORE[1]}
    told |= {"backend_authentication", "unsupported_parameter", "backend_error"}
    listed = [cells[0].strip("`") for cells in rows("Errors")]

    assert sorted(listed) == sorted(told)
