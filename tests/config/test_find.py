"""The configuration file is found where it should be, and what is wrong with it is told with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jackfield.config.find import Document, discover, parse, read, untrusted

GOOD = b'default_model = "a/b"\n'


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own configuration would be; the working directory is an empty one beside it."""
    home, work = tmp_path / "home", tmp_path / "work" / "below"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    import platformdirs

    path = Path(platformdirs.user_config_dir("jackfield", appauthor=False)) / "config.toml"
    assert path.is_relative_to(home), "the test must not see the user's real configuration"
    path.parent.mkdir(parents=True)
    return path


def fault(document: Document | None) -> str:
    """The one fault of a document that could not be read."""
    assert document is not None
    assert document.data is None
    (found,) = document.faults
    return str(found)


def test_nothing_is_found_where_nothing_is(user_file: Path) -> None:
    """No file is no fault."""
    assert not user_file.exists()
    assert discover({}) is None
    assert discover({"JACKFIELD_CONFIG": ""}) is None


def test_the_nearest_file_is_found_and_the_user_s_last(user_file: Path, tmp_path: Path) -> None:
    """Named, here, above, the user's: each is passed over only where it is not."""
    named, here, above = tmp_path / "named.toml", Path("jackfield.toml").resolve(), tmp_path / "work" / "jackfield.toml"
    for path in (user_file, above, here):
        path.write_bytes(GOOD)
        found = discover({})
        assert found is not None
        assert found.files == (str(path),)
    named.write_bytes(GOOD)
    found = discover({"JACKFIELD_CONFIG": str(named)})

    assert found is not None
    assert (found.files, found.data) == ((str(named),), {"default_model": "a/b"})


def test_a_directory_of_that_name_is_passed_over(user_file: Path) -> None:
    """Only a file can be a configuration."""
    user_file.write_bytes(GOOD)
    Path("jackfield.toml").mkdir()
    found = discover({})

    assert found is not None
    assert found.files == (str(user_file),)


def test_a_named_file_must_be_there(user_file: Path, tmp_path: Path) -> None:
    """What was named explicitly is never passed over for another."""
    user_file.write_bytes(GOOD)
    named = tmp_path / "none.toml"

    assert fault(discover({"JACKFIELD_CONFIG": str(named)})) == (
        f"{named}: the file cannot be read: No such file or directory (named by JACKFIELD_CONFIG)"
    )


def test_a_working_directory_that_is_gone_has_no_file(
    user_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own file is still found."""
    gone = tmp_path / "gone"
    gone.mkdir()
    user_file.write_bytes(GOOD)
    monkeypatch.chdir(gone)
    gone.rmdir()
    found = discover({})

    assert found is not None
    assert found.files == (str(user_file),)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_that_anyone_could_have_put_there_is_not_trusted(tmp_path: Path) -> None:
    """It takes both: a directory open to all, and an owner who is neither the reader nor root."""
    path = tmp_path / "jackfield.toml"
    path.write_bytes(GOOD)
    owner = path.stat().st_uid
    tmp_path.chmod(0o755)
    assert not untrusted(str(path), owner + 1)
    tmp_path.chmod(0o1777)

    assert not untrusted(str(path), owner)
    assert untrusted(str(path), owner + 1) == (owner != 0)
    assert not untrusted(str(tmp_path / "none"), owner + 1)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_an_untrusted_file_is_a_fault_unless_it_is_named(user_file: Path) -> None:
    """The search does not pass over it either: another file would be a surprise as well."""
    user_file.write_bytes(GOOD)
    path = Path("jackfield.toml").resolve()
    path.write_bytes(GOOD)
    os.chown(path, 12345, 12345)
    path.parent.chmod(0o1777)

    assert fault(discover({})) == (
        f"{path}: another user's file in a directory that anyone may write to is not read "
        "(if you trust it, name it in JACKFIELD_CONFIG)"
    )
    found = discover({"JACKFIELD_CONFIG": str(path)})
    assert found is not None
    assert found.data is not None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'a = 1\nb = "x\n', ":2: not TOML: "),
        (b"a = 1\n\na = 2\n", ":3: not TOML: Cannot overwrite a value (at line 3, "),
        (b"a = 1\nb = [", ": not TOML: Invalid value (at end of document)"),
        (b"a = 1\n\xff\n", ":2: expected text in UTF-8"),
        ("a = 1".encode("utf-16"), ":1: expected text in UTF-8"),
        (b"a = " + b"9" * 5000, ": not TOML: "),
        (b"a = " + b"[" * 50_000, ": not TOML: nested too deeply"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path, content: bytes, expected: str) -> None:
    """A broken file is one fault, with the line where the parser tells it."""
    path = tmp_path / "x.toml"
    path.write_bytes(content)

    assert fault(read(str(path))).startswith(f"{path}{expected}")


def test_unreadable_files_say_why(tmp_path: Path) -> None:
    """A directory, a name that cannot be."""
    assert fault(read(str(tmp_path))) == f"{tmp_path}: the file cannot be read: Is a directory"
    assert "no file can have this name" in fault(read("a\0b"))


def test_home_directory_and_byte_order_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is expanded, and a file as Windows editors write it is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbf" + GOOD)
    document = read("~/x.toml")

    assert document.data == {"default_model": "a/b"}
    assert document.files == (str(tmp_path / "x.toml"),)


def test_a_parsed_file_knows_its_lines() -> None:
    """Places come with the document."""
    document = parse("\na.b = 1", "x.toml")

    assert document.places.place(("a", "b")).line == 2
    assert document.faults == ()
