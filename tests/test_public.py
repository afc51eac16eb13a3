"""The public face: every name is there, and importing it does nothing."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import jackfield
from walkthrough import distributions

PLUGINS = tuple(sorted(name.removeprefix("jackfield-") for name in distributions() if name != "jackfield"))
PACKAGES = ["jackfield", *(f"jackfield_{name}" for name in PLUGINS)]
FOREIGN = (
    "aiohttp",
    "attrs",
    "cattrs",
    "click",
    "granian",
    "keyring",
    "msgspec",
    "platformdirs",
    "pluggy",
    "rich",
    "starlette",
    "urllib3",
)
EVENTS = ("_thread.start", "open", "os.fork", "os.mkdir", "os.posix_spawn", "os.system", "socket.", "subprocess.")


def run(program: str) -> str:
    """What a program prints in a fresh interpreter."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


def test_importing_loads_nothing_and_starts_nothing():
    """No dependency, no thread, no module of its own but the one."""
    loaded = run("""
        import sys, threading
        before = set(sys.modules)
        import jackfield
        names = sorted(name for name in set(sys.modules) - before if not name.startswith("encodings"))
        heavy = {"urllib3", "attrs", "attr", "cattrs", "pluggy", "msgspec", "asyncio", "aiohttp", "importlib.metadata"}
        print(heavy & set(names), [name for name in names if name.startswith("jackfield")], threading.active_count())
    """)
    assert loaded == "set() ['jackfield'] 1"


@pytest.mark.parametrize("close", ["", "kept[0].close()"])
@pytest.mark.parametrize("stream", ["", "kept.append(ask(True))", "kept.append(ask(True).__enter__())"])
def test_what_a_module_still_holds_at_the_end_of_the_interpreter_ends_in_silence(close, stream):
    """A client, and a stream that is not at its end, may be the last to go: no error is written of them."""
    assert (
        run(f"""
            import os
            import jackfield
            config = {{"default_model": "echo/x", "backends": {{"echo": {{"provider": "echo"}}}}}}
            messages = [{{"role": "user", "content": "a b c"}}]
            kept = os.kept = [jackfield.Client(config)]
            ask = lambda stream: kept[0].create_chat_completion(messages=messages, stream=stream)
            ask(False)
            {stream}
            {close}
        """)
        == ""
    )


def test_an_async_stream_that_a_module_still_holds_at_the_end_ends_in_silence():
    """The same with its event loop, which was never closed."""
    assert (
        run("""
            import asyncio, os, warnings
            import jackfield
            warnings.simplefilter("ignore", ResourceWarning)  # the loop's own
            config = {"default_model": "echo/x", "backends": {"echo": {"provider": "echo"}}}
            messages = [{"role": "user", "content": "a b c"}]
            async def begin():
                client = jackfield.AsyncClient(config)
                return client, await client.create_chat_completion(messages=messages, stream=True)
            os.loop = asyncio.new_event_loop()
            os.kept = os.loop.run_until_complete(begin())
        """)
        == ""
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_does_nothing_in_the_world_outside(package):
    """No module of it, the test kit aside, opens a file, starts a thread, or looks for what is installed."""
    done = run(f"""
        import importlib, importlib.metadata, pkgutil, sys
        import {package}
        names = ["{package}", *(found.name for found in pkgutil.walk_packages({package}.__path__, "{package}."))]
        names = [name for name in names if not name.startswith("jackfield.testing") and "__main__" not in name]
        for module in {FOREIGN}:  # what others do when they are imported is their own affair
            importlib.import_module(module)
        def no_scan(*_, **__):
            raise AssertionError("a scan of entry points")
        importlib.metadata.entry_points = no_scan
        seen = []
        def hook(event, args):
            own = event == "open" and str(args[0]).endswith((".py", ".pyc", ".so"))
            if event.startswith({EVENTS}) and not own:
                seen.append((event, args))
        sys.addaudithook(hook)
        for name in names:
            importlib.import_module(name)
        print(len(names) > 1, seen)
    """)
    assert done == "True []"


def test_a_sync_client_loads_no_asyncio_and_no_aiohttp():
    """Who does not use the asynchronous side does not pay for it."""
    loaded = run("""
        import sys
        import jackfield
        with jackfield.Client({"backends": {"e": {"provider": "echo"}}}) as client:
            client.create_chat_completion(model="e/echo", messages=[{"role": "user", "content": "x"}])
        print({"aiohttp", "asyncio"} & set(sys.modules))
    """)
    assert loaded == "set()"


def test_a_star_import_gives_every_public_name():
    """``__all__`` lists names that are there."""
    names = run("""
        import jackfield
        from jackfield import *
        print(sorted(set(jackfield.__all__) - set(globals())))
    """)
    assert names == "[]"


@pytest.mark.parametrize("name", jackfield.__all__)
def test_every_public_name_is_found_and_documented(name):
    """A name leads to its object, which says what it is."""
    value = getattr(jackfield, name)
    assert name in dir(jackfield)
    assert value.__doc__ or name == "Flow", "an alias of a type can have no docstring"


def test_type_checkers_see_the_same_names():
    """The names for type checkers are those of ``__all__``."""
    tree = ast.parse(Path(str(jackfield.__file__)).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    seen.discard(None)  # what the module itself needs
    assert seen == set(jackfield.__all__) - {"__version__"}


def test_every_public_error_is_a_public_name():
    """No exception that a host may meet has to be imported from elsewhere."""
    import jackfield.errors

    kinds = {
        name
        for name, value in vars(jackfield.errors).items()
        if isinstance(value, type) and issubclass(value, BaseException) and not name.startswith("_")
    }
    assert kinds <= set(jackfield.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Clint'"):
        _ = jackfield.Clint


def test_the_version_is_that_of_the_distribution():
    """There is one place for it."""
    from importlib.metadata import version

    assert jackfield.__version__ == version("jackfield")


def test_no_public_name_is_that_of_a_module() -> None:
    """A module that is imported takes its name in the package, and would stand in place of what is public."""
    modules = {module.name for module in pkgutil.iter_modules(jackfield.__path__)}
    assert modules.isdisjoint(jackfield.__all__)
