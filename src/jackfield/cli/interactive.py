"""The session that ``jackfield chat`` holds on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jackfield.cli.answer import Message, Question, ask
from jackfield.cli.output import TextOut, say, told
from jackfield.errors import JackfieldError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jackfield.client import Client

PROMPT = "> "
HISTORY_LENGTH = 1000
COMMANDS = "/reset forgets what was said, /exit or Ctrl-D leaves, Ctrl-C interrupts an answer"


class Session:
    """Question and answer in turns, each with all that was said before.

    Args:
        client: whom to ask.
        question: what is asked besides the messages.
        messages: what stands before the first turn: the system message.
    """

    def __init__(self, client: Client, question: Question, messages: Sequence[Message]) -> None:
        self._client, self._question = client, question
        self._beginning = tuple(messages)
        self._messages: list[Message] = list(messages)

    def run(self) -> None:
        """Hold the session until the user leaves. A call that failed ends its turn only."""
        say(COMMANDS)
        with _history():
            while (line := _line()) is not None:
                text = line.strip()
                if text == "/exit":
                    return
                if text == "/reset":
                    self._messages = list(self._beginning)
                elif text.startswith("/") and " " not in text:
                    say(f"unknown command; {COMMANDS}")
                elif text:
                    self._turn(line)

    def _turn(self, text: str) -> None:
        """Ask; a turn that came to nothing is forgotten, of one that was cut short what was shown is kept."""
        asked = [*self._messages, {"role": "user", "content": text}]
        out = TextOut()
        try:
            response = ask(self._client, self._question, asked, out)
        except JackfieldError as error:
            say(f"Error: {told(error)}")
        except KeyboardInterrupt:
            say("(interrupted)")
        else:
            self._messages = [*asked, *(choice.message.to_request_message() for choice in response.choices[:1])]
            return
        if shown := "".join(out.pieces):
            self._messages = [*asked, {"role": "assistant", "content": shown}]


def _line() -> str | None:
    """What the user enters; empty after Ctrl-C, None after Ctrl-D."""
    try:
        return input(PROMPT)
    except KeyboardInterrupt:
        say("")
        return ""
    except EOFError:
        say("")
        return None


@contextmanager
def _history() -> Iterator[None]:
    """Line editing with the lines of earlier sessions, where Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    file = _history_file()
    with suppress(OSError):  # the first session, or a file that is not ours: there is no history then
        readline.read_history_file(file)
    readline.set_history_length(HISTORY_LENGTH)
    try:
        yield
    finally:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)  # nobody else's to read, from the start
            readline.write_history_file(file)
        except OSError as error:
            say(f"the history cannot be kept: {error.strerror}")


def _history_file() -> Path:
    import platformdirs

    return Path(platformdirs.user_state_dir("jackfield", appauthor=False), "history")
