"""All that is logged, warned of or printed is kept, and goes on to where it would have gone."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest

from jackfield.testing.capture import Capture


def kept(capture: Capture) -> str:
    """Everything, with its sinks."""
    return "\n".join(f"{sink}: {text}" for sink, text in capture.texts())


def test_records_of_all_loggers_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a logger's level, propagation and state: message, arguments, extra and exception; once, and as it was."""
    loud, quiet = logging.getLogger("capture.loud"), logging.getLogger("capture.quiet")
    quiet.setLevel(logging.CRITICAL)
    quiet.propagate = False
    quiet.disabled = True
    logging.disable(logging.INFO)
    told = ["told"]
    try:
        with Capture() as capture:
            quiet.debug("a %s message", told, extra={"label": "an-extra"})
            told.append("changed")
            try:
                raise ValueError("an-exception")
            except ValueError:
                loud.exception("failed")
            logging.getLogger("capture.new").debug("of a new logger")
        after = len(list(capture.texts()))
        loud.warning("after the end")

        assert logging.root.manager.disable == logging.INFO
        assert (quiet.level, quiet.propagate, quiet.disabled, quiet.handlers) == (logging.CRITICAL, False, True, [])
    finally:
        logging.disable(logging.NOTSET)
        quiet.disabled, quiet.propagate = False, True
        quiet.setLevel(logging.NOTSET)
    text = kept(capture)

    assert "log capture.quiet: capture.quiet a ['told'] message" in text
    assert "log args capture.quiet: (['told'],)" in text
    assert "log extra capture.quiet: {'label': 'an-extra'}" in text
    assert "ValueError: an-exception" in text
    assert text.count("of a new logger") == 1
    assert len(list(capture.texts())) == after
    assert "failed" in caplog.text


def test_a_warning_is_kept_and_still_given() -> None:
    """What listened to warnings before still hears of them."""
    with pytest.warns(UserWarning, match="be careful"), Capture() as capture:
        warnings.warn("be careful", stacklevel=1)

    assert "warning: UserWarning: be careful" in kept(capture)


def test_a_warning_that_is_an_error_stays_one() -> None:
    """The capture does not make a failing program pass."""
    before = warnings.showwarning
    with warnings.catch_warnings(), pytest.raises(UserWarning), Capture():
        warnings.simplefilter("error")
        warnings.warn("be careful", stacklevel=1)

    assert warnings.showwarning is before


def test_what_is_printed_is_kept_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Text, lines and bytes of both streams; also a text that came in pieces."""
    before = sys.stdout
    with Capture() as capture:
        sys.stdout.write("in pie")
        sys.stdout.write("ces\n")
        sys.stderr.writelines(["an error\n"])
        sys.stdout.flush()
        sys.stdout.buffer.write(b"bytes\n")
        sys.stdout.buffer.flush()
        encoding = sys.stdout.encoding
    shown = capsys.readouterr()

    assert encoding.lower() == "utf-8"
    assert sys.stdout is before
    assert ("stdout", "in pieces\nbytes\n") in capture.texts()
    assert ("stderr", "an error\n") in capture.texts()
    assert sorted(shown.out.splitlines()) == ["bytes", "in pieces"]
    assert shown.err == "an error\n"


def test_record_that_does_not_fit_is_no_error_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """Logging tells of it on stderr, as it does without a capture."""
    record = logging.makeLogRecord({"msg": "%d", "args": ("a",)})
    Capture()._handler.emit(record)

    assert "TypeError" in capsys.readouterr().err
