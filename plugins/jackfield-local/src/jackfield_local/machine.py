"""What the engine needs of the machine, and what to do where that is missing."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from jackfield.errors import ConfigError

FEATURES = ("avx2", "bmi2", "f16c", "fma")
"""What the engine's build for x86-64 was compiled to use; without one of them it dies of an illegal instruction."""
CPUINFO = Path("/proc/cpuinfo")


def import_engine() -> ModuleType:
    """Import ``xllamacpp``, set up for a process that has other things to do.

    Raises:
        ConfigError: this machine cannot run the engine; the message names the remedy.
    """
    check_processor()
    # Before the OpenMP runtime starts: threads that spin while they wait slow generation down up to twenty times where
    # the processors have other work. What the user has set stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        return import_module("xllamacpp")
    except ImportError as error:
        raise explain(error) from None


def check_processor(cpuinfo: Path = CPUINFO) -> None:
    """Refuse a processor that the engine would crash on, where the system tells: on Linux with x86-64.

    Args:
        cpuinfo: the kernel's description of the processors.
    """
    if sys.platform != "linux" or platform.machine().lower() not in {"x86_64", "amd64"}:
        return
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # a sandbox without /proc: nothing is known, so nothing is refused
    flags = next((line.partition(":")[2].split() for line in text.splitlines() if line.startswith("flags")), None)
    missing = [] if flags is None else [feature for feature in FEATURES if feature not in flags]
    if missing:
        raise ConfigError(
            f"this processor lacks {', '.join(missing)}, which the local engine needs (Intel since 2013, AMD since "
            "2015; a virtual machine may hide them: set its processor type to 'host'); use another backend"
        )


def explain(error: ImportError) -> ConfigError:
    """The error for an engine that cannot be imported, with its remedy."""
    text = str(error)
    if "libgomp" in text:
        return ConfigError(
            "the local engine needs the system library libgomp.so.1: apt-get install libgomp1 (Debian, Ubuntu), "
            "dnf install libgomp (Fedora, RHEL)"
        )
    if "GLIBC" in text or "GLIBCXX" in text:
        return ConfigError(f"the C library of this system is too old for the local engine: {text}; use another backend")
    if isinstance(error, ModuleNotFoundError) and error.name == "xllamacpp":
        return ConfigError(
            "the local engine is not installed: pip install 'xllamacpp>=2026.10,<2027' (built for Linux with glibc on "
            "x86-64 and ARM64, for Windows on x86-64 and for macOS 13 and newer)"
        )
    return ConfigError(f"the local engine cannot be imported: {text}; try pip install --force-reinstall xllamacpp")
