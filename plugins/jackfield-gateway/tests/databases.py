"""A PostgreSQL of a test's own, on a Unix socket that only this machine's users can reach."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


def missing() -> str | None:
    """Why there can be none here; None where there can."""
    try:
        import asyncpg  # noqa: F401 - whether it is there
    except ImportError:
        return "asyncpg is not installed"
    return None if programs() else "PostgreSQL's initdb is not installed"


def programs() -> str | None:
    """The newest folder with the programs of the server, as Debian has them or on the path."""
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[-2]))
    found = [path for path in debian if os.path.exists(f"{path}/initdb")]
    on_path = shutil.which("initdb")
    return found[-1] if found else on_path and os.path.dirname(os.path.realpath(on_path))


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a server with an empty database, which ends with the block."""
    folder, bin_ = tempfile.mkdtemp(prefix="jf-pg-", dir="/tmp"), programs()
    how: dict[str, Any] = {"cwd": folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": folder}}
    if os.geteuid() == 0:  # the server refuses to run as root
        user = next(one for one in pwd.getpwall() if one.pw_name in {"postgres", "nobody"})
        os.chown(folder, user.pw_uid, user.pw_gid)
        how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    make = [f"{bin_}/initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "jf", "-N", "--no-instructions"]
    serve = [f"{bin_}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses=", "-F"]
    try:
        subprocess.run([*make, "-E", "UTF8", "--locale=C"], check=True, capture_output=True, **how)
        with open(f"{folder}/log", "wb") as log, subprocess.Popen(serve, stdout=log, stderr=log, **how) as process:
            try:
                _wait(process, [f"{bin_}/pg_isready", "-q", "-h", folder], how)
                yield f"postgresql://jf@/postgres?host={folder}"
            finally:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                process.kill()
    finally:
        shutil.rmtree(folder)


def _wait(process: subprocess.Popen[bytes], ready: list[str], how: dict[str, Any]) -> None:
    until = time.monotonic() + 60
    while subprocess.run(ready, check=False, **how).returncode:
        if process.poll() is not None or time.monotonic() > until:
            sys.exit("PostgreSQL did not start")
        time.sleep(0.02)
