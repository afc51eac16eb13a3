"""Conversation: the messages of a request as the contents and the system instruction of generateContent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jackfield.errors import ValidationError
from jackfield.models import UNSET
from jackfield.models.messages import (
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestDeveloperMessage,
    ChatCompletionRequestFunctionMessage,
    ChatCompletionRequestMessage,
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage,
)
from jackfield.parameters import Fitting
from jackfield.wire import parse
from jackfield_gemini.content import ContentWriter, Part
from jackfield_gemini.identity import given
from jackfield_gemini.layout import SIGNATURE
from jackfield_gemini.model import Family
from jackfield_gemini.turn import Called, calls_of, turn

FOREIGN = "skip_thought_signature_validator"
"""Stands for the signature of a call that another model made
(https://ai.google.dev/gemini-api/docs/thought-signatures)."""


class Conversation:
    """The messages of one request, taken one after the other.

    Args:
        fitting: takes what cannot be said.
        family: of the model.

    Attributes:
        system: parts of the system instruction.
        contents: of the user and the model, in turns.
    """

    def __init__(self, fitting: Fitting, family: Family) -> None:
        self.system: list[Part] = []
        self.contents: list[dict[str, Any]] = []
        self._fitting, self._family = fitting, family
        self._writer = ContentWriter(fitting, family)
        self._calls: dict[str, Called] = {}
        self._order: list[str] = []  # ids of the calls that are to be answered
        self._answers: list[tuple[str, Part]] = []

    def add(self, messages: Sequence[ChatCompletionRequestMessage]) -> None:
        """Take all messages.

        Raises:
            UnsupportedParameterError: something in them cannot be said.
        """
        for number, message in enumerate(messages):
            self._add(message, f"messages[{number}]")
        self._close_answers()
        self._end()

    def _add(self, message: ChatCompletionRequestMessage, place: str) -> None:
        if isinstance(message, ChatCompletionRequestToolMessage):
            self._tool(message, place)
            return
        if isinstance(message, ChatCompletionRequestFunctionMessage):
            self._answer("", message.name, message.content or "")
            return
        if getattr(message, "name", UNSET) is not UNSET:
            self._fitting.lacks(f"{place}.name", "write it into the text")
        if isinstance(message, ChatCompletionRequestSystemMessage | ChatCompletionRequestDeveloperMessage):
            text = self._writer.text(message.content, place)
            self.system += [{"text": text}] if text else []
            return
        self._close_answers()
        if isinstance(message, ChatCompletionRequestUserMessage):
            self._append("user", self._writer.parts(message.content, place))
        elif isinstance(message, ChatCompletionRequestAssistantMessage):
            self._model(message, place)
        else:
            self._fitting.lacks(place, "give a message of a role that is known")

    def _model(self, message: ChatCompletionRequestAssistantMessage, place: str) -> None:
        calls = calls_of(message, place, self._writer)
        self._calls.update({call.id: call for call in calls if call.id})
        if not (self.contents and self.contents[-1]["role"] == "model"):
            self._order = []
        self._order += [call.id for call in calls]
        self._append("model", turn(message, calls, place, self._writer))

    def _append(self, role: str, parts: list[Part]) -> None:
        """Add a content, or its parts to one of the same role: turns are told apart by their roles alone."""
        if not parts:
            return
        last = self.contents[-1] if self.contents else None
        # Nothing else may stand beside the answers of functions.
        if last is not None and last["role"] == role and "functionResponse" not in last["parts"][0]:
            last["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    # -- answers of functions ------------------------------------------------------------------------------------

    def _tool(self, message: ChatCompletionRequestToolMessage, place: str) -> None:
        call = self._calls.get(message.tool_call_id)
        if call is None:
            remedy = "name a call of a message of the assistant before it: its function has to be told"
            self._fitting.lacks(f"{place}.tool_call_id", remedy)
            return
        self._answer(message.tool_call_id, call.name, self._writer.text(message.content, place))

    def _answer(self, identity: str, name: str, text: str) -> None:
        response: Part = {"name": name, "response": _object(text)}
        if (known := given(identity)) is not None:
            response["id"] = known
        self._answers.append((identity, {"functionResponse": response}))

    def _close_answers(self) -> None:
        """The answers that came are one content, in the order of the calls: without ids it is all that tells them."""
        if not self._answers:
            return
        places = {identity: place for place, identity in enumerate(self._order)}
        answers = sorted(self._answers, key=lambda answer: places.get(answer[0], len(places)))
        self._answers = []
        self.contents.append({"role": "user", "parts": [part for _, part in answers]})

    # -- what models differ in -----------------------------------------------------------------------------------

    def _end(self) -> None:
        if self._family.gemma:
            self._give_to_user()
        if not self.contents:  # all of it are instructions, or the user said nothing: the service wants one content
            self.contents = [{"role": "user", "parts": [{"text": ""}]}]
        if self._family.new:
            for content in self.contents:
                _sign(content["parts"])

    def _give_to_user(self) -> None:
        """Gemma takes no system instruction: what it would say begins the first message of the user."""
        if not self.system:
            return
        first = next((content for content in self.contents if content["role"] == "user"), None)
        if first is None:
            self.contents.insert(0, {"role": "user", "parts": self.system})
        else:
            first["parts"] = [*self.system, *first["parts"]]
        self.system = []


def _object(text: str) -> Any:
    """What a function returned, as the object that the service wants."""
    if text.lstrip()[:1] == "{":
        try:
            value = parse(text)
        except ValidationError:
            value = None
        if isinstance(value, dict):
            return value
    return {"result": text}


def _sign(parts: list[Part]) -> None:
    """Sign the first call of a turn where none of them is: it was made by another model, which Gemini 3 refuses."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any(SIGNATURE in part for part in calls):
        calls[0][SIGNATURE] = FOREIGN
