"""A real OpenAI-compatible server for tests: llama.cpp's own, in a process of its own, on 127.0.0.1.

By hand: ``python tests/system/llama.py --port 8080`` and, for a model that is more than a table,
``--model real`` (SmolLM2, which the plugin ``jackfield-local`` fetches). Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import os
import runpy
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

READY = "READY "
NO_ENGINE = 3
"""Exit code where the engine cannot be imported."""
PATIENCE = 120.0
"""Seconds to wait for the server; it takes 0.4, but a machine of tests may be busy."""


class LlamaUnavailableError(Exception):
    """The engine is not installed, or does not run on this machine; the text says why."""


class LlamaServer:
    """A running server; a context manager that ends it.

    Attributes:
        base_url: ``http://127.0.0.1:PORT/v1``.
        model: the name under which the server lists its model.
        api_key: what requests have to bear, or None where the server takes all.
        process: the server's process.

    Args:
        model: path of a GGUF file, ``tiny`` or ``real``.
        api_key: as above.
        slots: requests that are answered at the same time; each has 4096 tokens of context.

    Raises:
        LlamaUnavailableError: the engine cannot be imported.
        RuntimeError: the server did not start.
    """

    def __init__(self, model: str = "tiny", *, api_key: str | None = None, slots: int = 4) -> None:
        self.model = Path(model).stem
        self.api_key = api_key
        command = [sys.executable, __file__, "--port", "0", "--model", model, "--slots", str(slots), "--with-parent"]
        # By the environment: a key on the command line is there for all to read.
        environ = os.environ | ({} if api_key is None else {"LLAMA_API_KEY": api_key})
        self.process = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            self.base_url = self._address() + "/v1"
        except BaseException:
            self.close()
            raise

    def _address(self) -> str:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # One line is all that is ever printed there, so nothing hides in the file object's buffer.
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if selector.select(PATIENCE) else ""
        if line.startswith(READY):
            return line.removeprefix(READY).strip()
        self.process.kill()
        said = self.process.stderr.read().strip()
        if self.process.wait() == NO_ENGINE:
            raise LlamaUnavailableError(said)
        raise RuntimeError(f"the llama.cpp server did not start: {said[-2000:] or 'it said nothing'}")

    def close(self) -> None:
        """End the server's process and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _model_file(model: str, directory: str) -> Path:
    if model == "real":
        from jackfield_local.fetch import model_file

        return model_file()
    if model == "tiny":
        write = runpy.run_path(str(Path(__file__).with_name("tiny_model.py")))["write_tiny_model"]
        write(Path(directory, "tiny.gguf"))
        return Path(directory, "tiny.gguf")
    return Path(model)


def _serve(arguments: argparse.Namespace) -> int:
    # Before the OpenMP runtime inside the engine starts: threads that spin while they wait starve a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        xllamacpp = import_module("xllamacpp")
    except ImportError as error:
        print(f"llama.cpp cannot be imported: {error}", file=sys.stderr)  # noqa: T201 - a program
        return NO_ENGINE
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory() as directory:
        params = xllamacpp.CommonParams()
        params.model.path = str(_model_file(arguments.model, directory))
        params.model_alias = {Path(arguments.model).stem}
        params.hostnames, params.port = ["127.0.0.1"], arguments.port
        params.n_parallel, params.n_ctx = arguments.slots, 4096 * arguments.slots
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.cache_ram_mib, params.verbosity, params.offline, params.ui = 64, -1, True, False
        params.cors_origins = "http://127.0.0.1"
        if key := os.environ.get("LLAMA_API_KEY"):
            params.api_keys = [key]
        server = xllamacpp.Server(params)
        print(READY + server.listening_address, flush=True)  # noqa: T201 - a program
        if arguments.with_parent:
            threading.Thread(target=_outlive, args=(stopped,), daemon=True).start()
        while not stopped.wait(0.5):  # a wait without end would not let signals through on every system
            pass
        del server
    return 0


def _outlive(stopped: threading.Event) -> None:
    """Stop when stdin ends: a parent that was killed cannot end its server."""
    sys.stdin.read()
    stopped.set()


def main() -> int:
    """Serve until SIGTERM, SIGINT or, with ``--with-parent``, the end of stdin; the key comes from LLAMA_API_KEY."""
    parser = argparse.ArgumentParser(description="A real OpenAI-compatible llama.cpp server on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the READY line tells which")
    parser.add_argument("--model", default="tiny", help="tiny, real, or a GGUF file")
    parser.add_argument("--slots", type=int, default=4, help="requests answered at the same time")
    parser.add_argument("--api-key", help="what requests have to bear; or LLAMA_API_KEY, which no process list shows")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin ends")
    arguments = parser.parse_args()
    if arguments.api_key:
        os.environ["LLAMA_API_KEY"] = arguments.api_key
    return _serve(arguments)


if __name__ == "__main__":
    sys.exit(main())
