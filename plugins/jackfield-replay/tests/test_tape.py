"""The file: exchanges are in it whole or not at all, whoever writes, and whatever happens meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from jackfield import HttpRequest
from jackfield.testing import Reply
from jackfield_replay import Exchange, Record, RecordingError, Request, Response, load_tape
from jackfield_replay import tape as taping
from jackfield_replay.exchange import block
from jackfield_replay.tape import Tape
from jackfield_replay.text import HEAD, write

MANY = """
import sys
from jackfield_replay import Exchange, Request, Response
from jackfield_replay.exchange import block
from jackfield_replay.tape import Tape
from jackfield_replay.text import write

tape = Tape(sys.argv[1])
tape.prepare()
for number in range(50):
    data = f"{sys.argv[2]} {number} " .encode() * 3000
    request = Request(method="GET", url="/")
    tape.add(write(Exchange(request=request, response=Response(status=200, blocks=[block(data)]), end="whole")))
"""


def exchange(text: str = "hello\n\n") -> Exchange:
    response = Response(status=200, blocks=[block(text.encode())])
    return Exchange(request=Request(method="GET", url="/"), response=response, end="whole")


def written(file, *exchanges: Exchange) -> bytes:
    tape = Tape(str(file))
    tape.prepare()
    for one in exchanges:
        tape.add(write(one))
    return file.read_bytes()


def test_a_new_file_is_its_owners_business(file):
    """No one else may read it; a file that is there keeps its mode."""
    written(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    written(file, exchange())
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_file_torn_at_any_byte_is_read_and_added_to(file):
    """What is whole is read; what is not is cut off before the next exchange, and nothing else is."""
    first, second, third = exchange("one\n...\n"), exchange("two"), exchange("three")
    whole = written(file, first)
    end = written(file, second)
    for size in range(len(end) + 1):
        file.write_bytes(end[:size])
        complete = [first, second][: (size >= len(whole)) + (size >= len(end))]
        if size >= len(HEAD):
            assert load_tape(str(file)) == (complete, size not in {len(HEAD), len(whole), len(end)})
        else:
            complete = []
            with pytest.raises(RecordingError, match="expected a recording"):
                load_tape(str(file))
        if size >= len(HEAD):
            Tape(str(file)).add(write(third))
            assert load_tape(str(file)) == ([*complete, third], False)


def test_a_write_that_fails_leaves_nothing(file, monkeypatch):
    """A full disk, say: half of an exchange is taken back, and the next one is written."""
    before = written(file, exchange())
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(taping.os, "write", lambda fd, data: real(fd, data[:9]) if len(data) > 9 else _full())
        with pytest.raises(RecordingError, match="cannot be written: No space left"):
            Tape(str(file)).add(write(exchange("x" * 100)))

    assert file.read_bytes() == before
    written(file, exchange("after"))
    assert len(load_tape(str(file))[0]) == 2


def _full() -> int:
    raise OSError(28, os.strerror(28))


def test_a_short_write_is_gone_on_with(file, monkeypatch):
    """The system may take less than it is given."""
    real = os.write
    monkeypatch.setattr(taping.os, "write", lambda fd, data: real(fd, data[:7]))
    written(file, exchange("x" * 100))

    assert load_tape(str(file)) == ([exchange("x" * 100)], False)


def test_many_processes_write_one_file(file):
    """Each exchange of each of them is there, whole."""
    command = [sys.executable, "-c", MANY, str(file)]
    running = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    exchanges, torn = load_tape(str(file))

    assert not torn
    texts = [one.response.blocks[0].text.split(" ")[:2] for one in exchanges]
    assert sorted(texts) == sorted([name, str(number)] for name in "abc" for number in range(50))
    assert [number for name, number in texts if name == "a"] == [str(number) for number in range(50)]


def test_many_threads_write_one_file(file):
    """As processes do."""
    tape = Tape(str(file))
    threads = [threading.Thread(target=lambda: (tape.prepare(), tape.add(write(exchange())))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert load_tape(str(file)) == ([exchange()] * 20, False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("something else", "expected a recording"),
        ("a: [\n...\n", "expected a recording"),
        ("interactions: []\n...\n", "expected a recording"),
        ("jackfield-recording: 2\n...\n", "expected 1, the only version"),
    ],
)
def test_another_file_is_neither_read_nor_written(file, bench, content, words):
    """It stays as it is, and nothing is sent that cannot be recorded."""
    file.write_text(content)
    with pytest.raises(RecordingError, match=words):
        load_tape(str(file))
    with pytest.raises(RecordingError, match=words):
        bench.send(Record(str(file)), HttpRequest("GET", "http://a.example"), script=[Reply()])

    assert file.read_text() == content
    assert bench.driver.requests == []


def test_a_file_that_cannot_be_is_told(tmp_path, bench):
    """Before anything is sent."""
    for path in (tmp_path, tmp_path / "none" / "tape.yaml"):
        with pytest.raises(RecordingError, match=r"cannot be written: (?:Is a directory|No such file)"):
            bench.send(Record(str(path)), HttpRequest("GET", "http://a.example"), script=[Reply()])
        assert bench.driver.requests == []


def test_a_file_that_is_gone_is_made_anew(file):
    """Its head too."""
    written(file)
    file.unlink()
    Tape(str(file)).add(write(exchange()))

    assert load_tape(str(file)) == ([exchange()], False)


def test_all_that_is_wrong_is_told_at_once(file):
    """With the number of each exchange."""
    data = written(file, exchange(), exchange(), exchange())
    first, second = data.split(b"status: 200", 1)
    file.write_bytes(
        first + b"status: x" + second.replace(b"end: whole\n...\n---", b"end: x\n...\n---", 2)[:-20] + b"...\n...\n"
    )
    with pytest.raises(RecordingError) as caught:
        load_tape(str(file))

    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "exchange 1",
        "exchange 2",
        "exchange 3",
    ]


def test_line_ends_of_another_system_are_no_difference(file):
    """As some tools change them when a file is checked out."""
    data = written(file, exchange("a\r\nb\n"))
    file.write_bytes(data.replace(b"\n", b"\r\n"))

    assert load_tape(str(file)) == ([exchange("a\r\nb\n")], False)


@pytest.mark.skipif(sys.platform == "win32", reason="another lock there")
def test_no_one_writes_while_another_does(file):
    """What one would take for the rest of a crash may be what another is about to write."""
    import fcntl

    before = written(file)
    thread = threading.Thread(target=Tape(str(file)).add, args=[write(exchange())])
    with file.open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert file.read_bytes() == before
    thread.join(30)

    assert load_tape(str(file)) == ([exchange()], False)
