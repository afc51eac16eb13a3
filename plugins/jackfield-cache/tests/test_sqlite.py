"""The SQLite file: who may read it, how long answers are in it, and what becomes of a call where it fails."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield_cache import schema
from jackfield_cache import store as store_module
from jackfield_cache.schema import APPLICATION, VERSION
from jackfield_cache.sqlite import AHEAD, RARELY, ROOM, ROW, SQLiteStore
from jackfield_cache.store import Guard, OutOfTime

DAY = 86400.0
START = 1_800_000_000.0


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "made" / "for" / "it" / "cache.sqlite3"


@pytest.fixture
def make_store(path):
    made = []

    def make(*, ttl: float = DAY, max_bytes: int = 2**20, **about: Any) -> SQLiteStore:
        made.append(SQLiteStore(str(about.pop("path", path)), ttl, max_bytes, **about))
        return made[-1]

    yield make
    for store in made:
        store.close()


def name(number: int) -> str:
    return f"{number:064x}"


def put(store: SQLiteStore, *numbers: int, size: int = 1000) -> None:
    for number in numbers:
        store.put(name(number), bytes(size), 1.0)


def there(store: SQLiteStore, *numbers: int) -> list[int]:
    return [number for number in numbers if store.get(name(number), 1.0) is not None]


def unpaused(bench: Any) -> Any:
    """A store that failed is left alone for a while: that while is over."""
    bench.cache._store._resting = float("-inf")
    return bench


# -- the file --------------------------------------------------------------------------------------------------------


def test_what_was_put_is_got(make_store):
    """By its key, and by no other; the last one stands."""
    store = make_store()
    store.put(name(1), b"one", 1.0)
    store.put(name(2), b"two", 1.0)
    store.put(name(1), b"another", 1.0)

    assert [store.get(name(number), 1.0) for number in (1, 2, 3)] == [b"another", b"two", None]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX'")
def test_only_this_user_can_read_it(make_store, path):
    """File, log and index are 0600, the directory is 0700, whatever the umask lets through."""
    before = os.umask(0)
    try:
        store = make_store()
        put(store, 1)
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert files == {"cache.sqlite3": 0o600, "cache.sqlite3-wal": 0o600, "cache.sqlite3-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_has_a_log_ahead_of_it(make_store, path):
    """The file is in WAL mode, so that reading does not wait for writing."""
    put(make_store(), 1)

    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_nothing_is_made_before_it_is_needed(make_bench, path):
    """Neither the cache nor a request that is not cached touches the disk."""
    bench = make_bench(path=str(path))
    bench.ask(temperature=1)
    assert not path.parent.exists()

    bench.ask()
    assert path.exists()


def test_without_a_path_it_is_in_the_users_cache(make_cache, kit, monkeypatch, tmp_path):
    """The directory is platformdirs' for jackfield."""
    from platformdirs import user_cache_dir

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bench = kit.Bench(make_cache(path=None), kit.Backend())
    bench.ask()

    assert Path(user_cache_dir("jackfield", appauthor=False), "cache.sqlite3").is_file()


def test_the_home_directory_has_a_short_name(make_store, monkeypatch, tmp_path):
    """``~`` is the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    put(make_store(path="~/mine.sqlite3"), 1)

    assert (tmp_path / "mine.sqlite3").is_file()


def test_no_question_is_in_it(make_bench, tmp_path):
    """A digest stands for it, and for the labels and headers that belong to it."""
    bench = make_bench(by_labels=["tenant"])
    bench.ask(
        messages=[{"role": "user", "content": "QUESTION-canary"}],
        labels={"tenant": "LABEL-canary"},
        extra_headers={"x": "HEADER-canary"},
        extra_body={"x": "BODY-canary"},
    )
    bench.cache.close()
    bytes_ = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"Answer 1." in bytes_
    assert b"canary" not in bytes_


# -- how long answers are in it --------------------------------------------------------------------------------------


def test_answers_grow_old(make_bench):
    """After ``ttl`` the backend is asked again, and its answer stands then."""
    clock = Clock()
    bench = make_bench(ttl=60)
    bench.cache._clock = clock
    assert bench.says() == "Answer 1."
    clock.now += 59.9
    assert bench.says() == "Answer 1."
    clock.now += 0.1

    assert [bench.says(), bench.says()] == ["Answer 2."] * 2


def test_an_answer_from_the_future_is_none(make_store):
    """A clock that was wrong must not keep an answer for years; one that is a little ahead does no harm."""
    clock = Clock()
    store = make_store(clock=clock)
    put(store, 1)
    clock.now -= AHEAD
    assert there(store, 1) == [1]
    clock.now -= 1

    assert there(store, 1) == []
    put(store, 2)
    with store._connection(1.0) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (1,)


def test_old_answers_are_deleted(make_store):
    """When others are written, some at a time."""
    clock = Clock()
    store = make_store(clock=clock)
    put(store, *range(100))
    clock.now += DAY
    put(store, 1000)
    put(store, 1001)

    with store._connection(1.0) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (2,)
        assert db.execute("SELECT bytes FROM total").fetchone() == (2 * (1000 + ROW),)


def test_answers_that_were_not_used_for_longest_go_first(make_store):
    """Where there is no room, and only so many as make room."""
    clock = Clock()
    store = make_store(clock=clock, max_bytes=10 * (1000 + ROW))
    for number in range(10):
        put(store, number)
        clock.now += 100
    assert there(store, 0, 3) == [0, 3]  # used
    clock.now += 100
    put(store, 10)

    assert there(store, *range(11)) == [0, 3, *range(4, 11)]


def test_there_is_never_more_than_there_is_room(make_store):
    """Whatever comes in whatever size, also over an answer that is there."""
    store = make_store(max_bytes=20_000)
    for number in range(300):
        put(store, number % 40, size=(number * 997) % 6000)
        with store._connection(1.0) as db:
            (told,) = db.execute("SELECT bytes FROM total").fetchone()
            (summed,) = db.execute("SELECT coalesce(sum(size), 0) FROM answers").fetchone()
        assert told == summed <= 20_000
        assert there(store, number % 40)


class Model:
    """What the store has to be, in a few lines: sizes, times of storing and of use, by number."""

    def __init__(self, ttl: float, max_bytes: int) -> None:
        self.ttl, self.max_bytes = ttl, max_bytes
        self.kept: dict[int, list[float]] = {}

    def put(self, number: int, size: int, now: float) -> None:
        if size + ROW > self.max_bytes:
            return
        self.kept = {key: row for key, row in self.kept.items() if row[1] > now - self.ttl and key != number}
        self.kept[number] = [size + ROW, now, now]
        if sum(row[0] for row in self.kept.values()) <= self.max_bytes:
            return
        for key in sorted(self.kept, key=lambda key: self.kept[key][2]):
            if key != number and sum(row[0] for row in self.kept.values()) > ROOM * self.max_bytes:
                del self.kept[key]

    def get(self, number: int, now: float) -> int | None:
        row = self.kept.get(number)
        if row is None or row[1] <= now - self.ttl:
            return None
        row[2] = now
        return int(row[0]) - ROW


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 7), st.integers(0, 6000)), max_size=40))
def test_it_does_what_a_simple_model_does(tmp_path_factory, steps: list[tuple[bool, int, int]]):
    """Whatever is put and got in whatever order, with limits of time and size."""
    clock, model = Clock(), Model(1500.0, 6000)
    path = tmp_path_factory.mktemp("model") / "cache.sqlite3"
    with contextlib.closing(SQLiteStore(str(path), 1500.0, 6000, clock)) as store:
        for puts, number, size in steps:
            clock.now += RARELY
            if puts:
                store.put(name(number), bytes(size), 1.0)
                model.put(number, size, clock.now)
            else:
                found = store.get(name(number), 1.0)
                assert (None if found is None else len(found)) == model.get(number, clock.now)


def test_an_answer_that_is_too_large_is_not_kept(make_store):
    """It would take the place of all others."""
    store = make_store(max_bytes=5000)
    put(store, 1)
    put(store, 2, size=5000)

    assert there(store, 1, 2) == [1]


def test_an_answer_that_takes_nearly_all_the_room_is_kept(make_store):
    """It is the last that would go, though with it alone there is less room than there should be."""
    store = make_store(max_bytes=6000)
    put(store, 1)
    put(store, 2, size=5700)

    assert there(store, 1, 2) == [2]


def test_a_huge_limit_is_no_limit(make_store):
    """A number that SQLite cannot hold does no harm."""
    store = make_store(max_bytes=10**30)
    put(store, 1)

    assert there(store, 1) == [1]


# -- threads and processes -------------------------------------------------------------------------------------------

WRITER = """
import sys
from jackfield_cache.sqlite import SQLiteStore
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = SQLiteStore(path, 86400.0, 2**30)
sys.stdin.readline()
for number in range(first, first + count):
    store.put(f"{number:064x}", str(number).encode(), 30.0)
    assert store.get(f"{number:064x}", 30.0) == str(number).encode()
store.close()
"""


def test_processes_share_the_file(make_store, path, monkeypatch):
    """Four processes make it at the same time and write into it; each answer is there in the end."""
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, str(first * 1000), "50"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for first in range(4)
    ]
    outcomes = []
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        outcomes.append((writer.returncode, errors))

    assert outcomes == [(0, "")] * 4
    store = make_store()
    assert [store.get(name(first * 1000 + number), 1.0) for first in range(4) for number in range(50)] == [
        str(first * 1000 + number).encode() for first in range(4) for number in range(50)
    ]


ASKING = """
import sys, jackfield
from jackfield.testing import Echo
config = {"default_model": "b/m", "backends": {"b": {"provider": "echo", "prefix": sys.argv[2]}},
          "middleware": [{"use": "cache", "path": sys.argv[1]}]}
from jackfield_cache import Cache
with jackfield.Client(config, plugins={"echo": Echo, "cache": Cache}) as client:
    answer = client.create_chat_completion(messages=[{"role": "user", "content": "Why?"}], temperature=0)
    print(answer.choices[0].message.content, len(answer.call.attempts))
"""


def test_another_process_has_the_answer(path):
    """Of the same backend; with other settings the backend is another one."""

    def ask(prefix: str) -> str:
        command = [sys.executable, "-c", ASKING, str(path), prefix]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()

    assert [ask("1:"), ask("1:"), ask("2:")] == ["1:Why? 1", "1:Why? 0", "2:Why? 1"]


ENDLESS = """
import sys
from jackfield_cache.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1], 86400.0, 2**20)
number = 0
while True:
    store.put(f"{number:064x}", bytes(5000), 30.0)
    number += 1
    if number == 50:
        print("begun", flush=True)
"""


def test_a_process_that_is_killed_leaves_a_good_file(make_store, path):
    """Five times in the middle of its work: what is there is whole, and it goes on."""
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"begun\n"
            writer.kill()
        store = make_store()
        put(store, 10**6)
        assert there(store, 10**6) == [10**6]
        with store._connection(1.0) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (told,) = db.execute("SELECT bytes FROM total").fetchone()
            assert db.execute("SELECT sum(size) FROM answers").fetchone() == (told,)
        store.close()


def test_threads_share_the_connection(make_store):
    """Eight threads write and read what they wrote."""
    store = make_store()
    wrong: list[Any] = []

    def work(first: int) -> None:
        for number in range(first, first + 50):
            store.put(name(number), str(number).encode(), 30.0)
            if store.get(name(number), 30.0) != str(number).encode():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(1000 * first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_opens_a_connection_of_its_own(make_store):
    """Nothing is open while the process forks; afterwards parent and child read and write."""
    store = make_store()
    put(store, 1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            clean = store._db is None and there(store, 1) == [1]
            put(store, 2)
            os.write(write, b"well" if clean else b"inherited")
        os._exit(0)
    parent = store._db
    assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    with open(read, "rb") as told:
        assert told.read() == b"well"

    assert parent is None
    put(store, 3)
    assert there(store, 1, 2, 3) == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_who_uses_the_connection(make_store):
    """It is not forked in the middle of a transaction, whose lock nobody would give back."""
    store = make_store()
    put(store, 1)
    inside, go, forked = threading.Event(), threading.Event(), threading.Event()

    def use() -> None:
        with store._connection(1.0):
            inside.set()
            go.wait(30)

    def fork() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        forked.set()

    user, forker = threading.Thread(target=use), threading.Thread(target=fork)
    user.start()
    inside.wait(30)
    forker.start()
    assert not forked.wait(0.1)
    go.set()
    user.join()
    forker.join()

    assert forked.is_set()
    assert there(store, 1) == [1]


# -- what fails ------------------------------------------------------------------------------------------------------


def test_a_file_of_another_version_is_emptied(make_store, path):
    """What is in it cannot be read any more; it is filled anew."""
    put(make_store(), 1)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE later (x)")
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
        db.commit()
    store = make_store()

    assert there(store, 1) == []
    put(store, 2)
    assert there(store, 2) == [2]
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {"answers", "total"}
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION,)


def test_a_file_of_something_else_is_not_touched(make_bench, tmp_path, told):
    """Whoever names a database of his own by mistake keeps it."""
    path = tmp_path / "mine.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE answers (mine)")
        db.execute("INSERT INTO answers VALUES ('precious')")
        db.commit()
    before = path.read_bytes()
    bench = make_bench(path=str(path))

    assert [bench.says(), unpaused(bench).says()] == ["Answer 1.", "Answer 2."]
    assert path.read_bytes() == before
    assert ["holds something else" in text for text in told()] == [True]


@pytest.mark.parametrize("damage", ["no database", "a page"])
def test_a_damaged_file_fails_no_call(make_bench, tmp_path, told, damage):
    """Each call has its answer; the damage is told once."""
    path = tmp_path / "cache.sqlite3"
    if damage == "no database":
        path.write_bytes(b"this is a text, and a long one at that. " * 100)
    else:
        first = make_bench()
        for seed in range(50):
            first.ask(seed=seed)
        first.cache.close()
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    bench = make_bench()

    assert bench.says(seed=1) == "Answer 1."
    assert unpaused(bench).says(seed=1) == "Answer 2."
    assert told()
    assert len(told()) == len(set(told())) <= 2


def test_after_a_failure_the_store_is_left_alone_for_a_while(make_bench, monkeypatch, tmp_path):
    """No call pays for it again and again; then it is tried anew."""
    now = [1000.0]
    monkeypatch.setattr(store_module.time, "monotonic", lambda: now[0])
    path = tmp_path / "directory"
    path.mkdir()
    bench = make_bench(path=str(path))
    bench.ask()
    path.rmdir()
    now[0] += store_module.PAUSE - 0.1
    bench.ask()
    assert not path.exists()
    now[0] += 0.2

    assert [bench.says(), bench.says()] == ["Answer 3."] * 2


def test_a_directory_that_cannot_be_written_fails_no_call(kit, make_cache, told):
    """Nor one that is not there and cannot be made."""
    import tempfile

    with tempfile.TemporaryDirectory() as top:
        shut = Path(top, "shut")
        shut.mkdir()
        Path(top).chmod(0o755)
        shut.chmod(0o555)
        bench = kit.Bench(make_cache(path=str(shut / "deep" / "cache.sqlite3")), kit.Backend())
        with _nobody():
            assert [bench.says(), unpaused(bench).says()] == ["Answer 1.", "Answer 2."]

    assert told() == [
        f"the cache is skipped: it cannot be read: PermissionError: [Errno 13] Permission denied: '{shut}/deep'"
    ]


def test_a_file_that_cannot_be_written_is_read(kit, make_cache, told):
    """Its answers are found; new ones are not kept, which is told."""
    import tempfile

    with tempfile.TemporaryDirectory() as top:
        path = Path(top, "cache.sqlite3")
        first = kit.Bench(make_cache(path=str(path)), kit.Backend())
        first.ask()
        assert first.says() == "Answer 1."
        Path(top).chmod(0o755)
        path.chmod(0o444)
        for log in Path(top).glob("*-*"):
            log.chmod(0o444)
        bench = kit.Bench(make_cache(path=str(path)), kit.Backend())
        with _nobody():
            assert bench.says() == "Answer 1."
            assert bench.backend.asked == []
            assert bench.says(seed=1) == "Answer 1."
            assert unpaused(bench).says(seed=1) == "Answer 2."
        first.cache.close()

    assert [text.startswith("the cache is skipped: it cannot be written") for text in told()] == [True]


@contextlib.contextmanager
def _nobody():
    """For the superuser no permission is refused."""
    if os.name != "posix" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


FULL = """
import logging, resource, sys
from jackfield.testing import Echo, plan, run_call
from jackfield.wire import build_request
from jackfield_cache import Cache
logging.basicConfig(level="WARNING", stream=sys.stdout, format="%(message)s")
cache = Cache(path=sys.argv[1])
layers = plan(Echo(), middleware=[cache])
def ask(text):
    request = build_request({"model": "m", "temperature": 0, "messages": [{"role": "user", "content": text}]})
    return run_call(layers, request).choices[0].message.content
assert ask("first") == "first"
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for number in range(20):
    text = str(number) * 20_000
    assert ask(text) == text
    cache._store._resting = float("-inf")
assert ask("first") == "first"
cache.close()
print("well")
"""


def test_a_full_disk_fails_no_call(path):
    """A file that cannot grow: the answers are right, and it is told."""
    pytest.importorskip("resource", reason="this system has no limits of resources")
    command = [sys.executable, "-c", FULL, str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stderr) == (0, "")
    told, well = done.stdout.rsplit("\n", 2)[:2]
    assert well == "well"
    assert "it cannot be written" in told


def test_another_that_writes_for_long_fails_no_call(make_bench, tmp_path, told, monkeypatch):
    """Answers are found meanwhile, new ones are not kept; nobody waits beyond the limit."""
    monkeypatch.setattr("jackfield_cache.sqlite.BUSY", 0.05)
    bench = make_bench()
    bench.ask()
    with contextlib.closing(sqlite3.connect(tmp_path / "cache.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM answers")
        assert bench.says() == "Answer 1."
        assert bench.says(seed=1) == "Answer 2."
        other.execute("ROLLBACK")

    assert ["database is locked" in text for text in told()] == [True]
    assert unpaused(bench).says(seed=1) == "Answer 3."
    assert bench.says(seed=1) == "Answer 3."


def test_an_answer_is_found_while_another_writes(make_store, path, monkeypatch):
    """That it was used is not written down then, and nobody waits for that."""
    monkeypatch.setattr("jackfield_cache.sqlite.BUSY", 30.0)
    clock = Clock()
    store = make_store(clock=clock)
    put(store, 1)
    clock.now += RARELY
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert store.get(name(1), 30.0) is not None
        assert time.monotonic() - began < 15
        other.execute("ROLLBACK")


def test_after_a_failure_the_connection_is_a_new_one(make_store):
    """Whatever state it was left in: nothing of it is used again, and nothing half-written is kept."""
    store = make_store()
    put(store, 1)
    with pytest.raises(RuntimeError), store._connection(1.0) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM answers")
        raise RuntimeError

    with store._connection(1.0) as another:
        assert another is not db
    assert there(store, 1) == [1]


def test_a_store_in_use_is_waited_for_within_the_deadline(make_store):
    """A thread that finds it in use gives up when its time is over."""
    store = make_store()
    put(store, 1)
    with store._connection(1.0), pytest.raises(OutOfTime):
        store.get(name(1), 0.01)

    assert there(store, 1) == [1]


@pytest.mark.skipif(os.name != "posix", reason="a file that is open cannot be deleted")
@pytest.mark.parametrize("log", [True, False], ids=["with its log", "alone"])
def test_a_file_that_is_deleted_is_forgotten(make_bench, tmp_path, told, log):
    """Whoever wants to forget all answers deletes it, also while it is used; it is made anew at once."""
    bench = make_bench()
    bench.ask()
    for file in tmp_path.glob("cache.sqlite3*" if log else "cache.sqlite3"):
        file.unlink()

    assert [bench.says(), bench.says()] == ["Answer 2."] * 2
    assert (tmp_path / "cache.sqlite3").is_file()
    assert make_bench().says() == "Answer 2."
    assert told() == []


def test_what_is_being_made_by_another_is_waited_for(path, monkeypatch):
    """Two that make a file at the same time are told that it is locked, and try again."""
    tries = []
    prepare = schema._prepare

    def busy_at_first(db: sqlite3.Connection) -> None:
        tries.append(time.monotonic())
        if len(tries) < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        prepare(db)

    monkeypatch.setattr(schema, "_prepare", busy_at_first)
    schema.connect(str(path), 5.0).close()
    assert len(tries) == 3

    tries[:] = []
    with pytest.raises(sqlite3.OperationalError):
        schema.connect(str(path), -1.0)
    assert len(tries) == 1


def test_a_store_that_was_closed_leaves_nothing_open(make_store):
    """A call may come to it just after: it has its answer, and no connection stays."""
    store = make_store()
    store.put(name(1), b"x", 1.0)
    store.close()

    assert store.get(name(1), 1.0) == b"x"
    assert store._db is None


@pytest.mark.parametrize("busy", ["this process", "another"])
def test_a_call_that_has_no_time_left_turns_nothing_off(make_store, path, caplog, busy):
    """That it could not wait is no failure of the file, which others go on to use."""
    store = make_store()
    guard = Guard(lambda: store)
    guard.put(name(1), b"x", 10.0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        if busy == "another":
            other.execute("BEGIN IMMEDIATE")
            guard.put(name(1), b"y", 0.01)
        else:
            with store._lock:
                assert guard.get(name(1), 0.01) is None
                guard.put(name(1), b"y", 0.01)

    assert guard.get(name(1), 10.0) == b"x"
    assert caplog.records == []
