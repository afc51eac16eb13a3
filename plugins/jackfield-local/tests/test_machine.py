"""A machine that cannot run the engine is told so, with the remedy."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from jackfield.errors import ConfigError
from jackfield_local.machine import check_processor, explain, import_engine

CPUINFO = """\
processor\t: 0
model name\t: Old Faithful
flags\t\t: fpu sse sse2 {flags}
"""


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def cpuinfo(path: Path, flags: str) -> Path:
    file = path / "cpuinfo"
    file.write_text(CPUINFO.format(flags=flags))
    return file


@pytest.mark.usefixtures("linux")
def test_an_old_processor_is_refused(tmp_path: Path) -> None:
    """Better than an illegal instruction in the middle of a call; the message names what is missing."""
    with pytest.raises(ConfigError, match=r"this processor lacks avx2, fma, .*use another backend"):
        check_processor(cpuinfo(tmp_path, "bmi2 f16c avx"))


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize("flags", ["avx2 bmi2 f16c fma", "avx2 bmi2 f16c fma avx512f"])
def test_a_newer_processor_is_not(tmp_path: Path, flags: str) -> None:
    """All that is needed is there."""
    check_processor(cpuinfo(tmp_path, flags))


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize("text", [None, "", "Features : asimd"])
def test_a_machine_that_does_not_tell_is_not_refused(tmp_path: Path, text: str | None) -> None:
    """Sandboxes without /proc, and kernels that write it otherwise."""
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)

    check_processor(file)


@pytest.mark.parametrize(("system", "machine"), [("darwin", "x86_64"), ("win32", "AMD64"), ("linux", "aarch64")])
def test_other_machines_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    """Only Linux on x86-64 has that file with those words."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)

    check_processor(cpuinfo(tmp_path, ""))


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (
            ImportError("libgomp.so.1: cannot open shared object file: No such file or directory"),
            "apt-get install libgomp1",
        ),
        (ImportError("/lib/libc.so.6: version `GLIBC_2.38' not found"), "C library of this system is too old"),
        (
            ModuleNotFoundError("No module named 'xllamacpp'", name="xllamacpp"),
            "pip install 'xllamacpp>=2026.10,<2027'",
        ),
        (
            ImportError("undefined symbol: llama_init"),
            "undefined symbol: llama_init; try pip install --force-reinstall",
        ),
    ],
)
def test_an_engine_that_cannot_be_imported_is_explained(error: ImportError, remedy: str) -> None:
    """Each known reason has its own remedy."""
    assert remedy in str(explain(error))


def test_a_missing_engine_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ImportError leaves the plugin."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(ConfigError, match="local engine"):
        import_engine()


def test_the_users_word_on_threads_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is only filled in where it is silent."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("GOMP_SPINCOUNT", "to be restored")
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setitem(sys.modules, "xllamacpp", sys)  # any module does

    assert import_engine() is sys
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("active", "0")
