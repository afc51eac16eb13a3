"""What the fuzzer runs without end, run for a moment: every target over its seeds, their kin, and bytes at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import run
from fuzz.broken import BROKEN
from fuzz.seeds import CORPUS, seeds, written
from fuzz.source import Source, tried, ways

TARGETS = run.names()
MUTATIONS = 400
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def mutations(target: str, count: int) -> list[bytes]:
    """Inputs like the seeds of a target: some bytes are others, some are gone, some come from another seed."""
    chance = random.Random(target)
    all_seeds = seeds(target)
    found = []
    for _ in range(count):
        data, other = bytearray(chance.choice(all_seeds)), chance.choice(all_seeds)
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(4):
                case 0:
                    data[at : at + 1] = chance.randbytes(1)
                case 1:
                    del data[at : at + chance.randrange(1, 9)]
                case 2:
                    data[at:at] = chance.randbytes(chance.randrange(1, 9))
                case 3:
                    data[at:] = other[chance.randrange(len(other)) :]
        found.append(bytes(data))
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_keeps_the_promise(target: str) -> None:
    """Among them all inputs that once did not."""
    for seed in seeds(target):
        run.check(target)(seed)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_like_a_seed_keeps_the_promise(target: str) -> None:
    """The same inputs in each run."""
    for data in mutations(target, MUTATIONS):
        run.check(target)(data)


@pytest.mark.parametrize("target", TARGETS)
@quick
@given(data=st.binary(max_size=120))
def test_any_bytes_keep_the_promise(target: str, data: bytes) -> None:
    """Whatever they are."""
    run.check(target)(data)


@pytest.mark.parametrize("target", TARGETS)
@quick
@given(choices=st.lists(st.integers(0, 40) | st.sampled_from([63, 127, 128, 240, 255]), max_size=60))
def test_any_choices_keep_the_promise(target: str, choices: list[int]) -> None:
    """Small numbers choose pieces and fields, large ones hazards: so what is built is mostly sound, and deep."""
    run.check(target)(bytes(choices))


@pytest.mark.parametrize(("target", "name", "broken"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_target_tells_what_is_broken(target: str, name: str, broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a subject that breaks one promise the seeds and their kin do not pass."""
    monkeypatch.setattr(import_module(f"fuzz.targets.{target}"), name, broken)

    with pytest.raises(AssertionError):
        for data in [*seeds(target), *mutations(target, MUTATIONS)]:
            run.check(target)(data)


def test_every_target_has_seeds_and_something_broken() -> None:
    """None was forgotten, and no seeds are left of one that is gone."""
    assert TARGETS == sorted(path.stem for path in CORPUS.iterdir()) == sorted({target for target, *_ in BROKEN})


def test_a_seed_is_what_was_written() -> None:
    """A line is an expression of bytes literals; anything else is none."""
    assert b"[" * 9 + b"x" not in seeds("wire")
    assert b"\x03\x03" + b"[" * 5000 in seeds("wire")
    assert written(b"\x00a\n") == r"b'\x00a\n'"


@pytest.mark.parametrize("line", ["'text'", "b'a' - b'b'", "f()", "b'a' * b'b'", "2 * b'a'"])
def test_what_is_no_seed_is_refused(line: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is run that stands in a corpus."""
    (tmp_path / "bad.txt").write_text(line)
    monkeypatch.setattr("fuzz.seeds.CORPUS", tmp_path)

    with pytest.raises(ValueError, match="no seed"):
        seeds("bad")


def test_a_source_ends_in_first_choices() -> None:
    """So that whatever is generated comes to an end."""
    source = Source(b"\x05\xffab")

    assert (source.count(2), source.chance(), source.take(1), source.ended, source.rest()) == (
        2,
        True,
        b"a",
        False,
        b"b",
    )
    assert (source.byte(), source.pick("xyz"), source.take(5), source.rest(), source.ended) == (0, "x", b"", b"", True)


@pytest.mark.parametrize("size", [0, 1, 7, 2000])
def test_every_way_of_cutting_keeps_all_bytes(size: int) -> None:
    """However it is cut, it is the same."""
    data = bytes(range(256)) * 10
    for seed in (0, 1, 77, 255):
        cut = ways(data[:size], seed)
        assert {b"".join(pieces) for pieces in cut} == {data[:size]}
        assert len(cut[0]) == 1


def test_only_allowed_errors_are_no_crash() -> None:
    """Any other one breaks a promise, and is the cause of what is raised."""
    assert tried((), int, "5") == (5, None)
    assert isinstance(tried((ValueError,), int, "x")[1], ValueError)
    with pytest.raises(AssertionError, match="ValueError came out of int") as caught:
        tried((KeyError,), int, "x")
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the runner with these arguments, on a Python without atheris."""

    def start(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["run.py", *arguments])
        monkeypatch.setitem(__import__("sys").modules, "atheris", None)
        return run.main()

    return start


def test_without_atheris_nothing_is_run(told: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """It has wheels for few Pythons; that is no failure."""
    assert told("sse", "--seconds", "1") == 0
    assert "atheris is not installed" in capsys.readouterr().out


def test_an_input_can_be_repeated_without_atheris(
    told: Callable[..., int], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that is told with a crash shows it again."""
    path = tmp_path / "crash-1"
    path.write_bytes(b"\x00\x05data: a\n\n")
    assert told("sse", "--repeat", str(path)) == 0

    monkeypatch.setattr("fuzz.targets.sse.expected", lambda _: [])
    with pytest.raises(AssertionError, match="not the events of the standard"):
        told("sse", "--repeat", str(path))


def test_an_unknown_target_is_refused(told: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """With its name."""
    with pytest.raises(SystemExit):
        told("nothing")
    assert "no target: nothing" in capsys.readouterr().err


def test_a_crash_is_kept_and_told(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the figures, then the reason, the seed, and the command that repeats it."""

    def crashed(command: list[str], **_: Any) -> SimpleNamespace:
        (tmp_path / "crash-ab").write_bytes(b"\x00x")
        return SimpleNamespace(
            returncode=77, stdout="", stderr="AssertionError: lost\nstat::number_of_executed_units: 120\n"
        )

    monkeypatch.setattr("fuzz.run.subprocess.run", crashed)
    monkeypatch.setattr("fuzz.run.tempfile.TemporaryDirectory", lambda **_: _Here(tmp_path))

    assert run.fuzz("sse", 2, tmp_path) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["sse", "120", "runs", "60", "a", "second", "1", "crashes"]
    assert said[1:3] == ["  AssertionError: lost", r"  as a seed: b'\x00x'"]
    assert said[3].endswith(f"run.py sse --repeat {tmp_path / 'sse-crash-ab'}")
    assert (tmp_path / "sse-crash-ab").read_bytes() == b"\x00x"


class _Here:
    """A directory that stays."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __enter__(self) -> str:
        return str(self.path)

    def __exit__(self, *_: object) -> None:
        """Nothing is removed."""
