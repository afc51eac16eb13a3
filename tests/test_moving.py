"""A conversation moves between backends: what one provider answered, another sends on, so that its service takes it."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from jackfield.models import ChatCompletionResponseMessage
from jackfield.wire import from_dict, to_dict
from moving import ASK, ODD, SAID, SIDES, THOUGHT, Side

AND_THEN = {"role": "user", "content": "And then?"}
PLAIN = {"role", "content", "tool_calls"}
"""Fields of an assistant's message that every format can say."""

MOVES = [pytest.param(a, b, id=f"{a}-to-{b}") for a, b in product(SIDES, repeat=2)]
moves = pytest.mark.parametrize(("source", "target"), MOVES)
forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
stores = pytest.mark.parametrize("stored", [False, True], ids=["as-it-came", "as-json"])


def turn(side: Side, *, stream: bool, stored: bool) -> list[Any]:
    """A reply and the results of its calls, as a host keeps them: values, or what was read back from JSON."""
    message = side.reply(stream=stream)
    assert message.tool_calls is not None
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"result {number}"}  # type: ignore[union-attr]  # functions
        for number, call in enumerate(message.tool_calls)
    ]
    return [json.loads(json.dumps(to_dict(message))) if stored else message, *results]


def private(message: Any) -> dict[str, Any]:
    """The paths of what only the one that answered understands, and the values."""
    fields = to_dict(message.to_request_message())
    found = {name: value for name, value in fields.items() if name not in PLAIN and value is not None}
    for number, call in enumerate(fields["tool_calls"]):
        found |= {
            f"tool_calls[{number}].{name}": value
            for name, value in call.items()
            if name not in {"id", "type", "function"}
        }
    return found


@moves
@forms
@stores
def test_what_one_answered_is_taken_by_another(source: str, target: str, stream: bool, stored: bool) -> None:
    """Text, thoughts and calls with their results; nothing is refused only because it came from elsewhere."""
    history = [ASK, *turn(SIDES[source], stream=stream, stored=stored), AND_THEN]

    body, _ = SIDES[target].sent(history)

    SIDES[target].accept(body)
    text = json.dumps(body)
    assert all(said in text for said in (SAID, "look", "listen", '"sea', '"wind', "result 0", "result 1", "And then?"))


@moves
@forms
def test_what_cannot_be_said_is_told(source: str, target: str, stream: bool) -> None:
    """A private field either reaches the service, by whatever name, or the attempt names it."""
    (message, *results) = turn(SIDES[source], stream=stream, stored=False)

    body, dropped = SIDES[target].sent([ASK, message, *results, AND_THEN])

    text = json.dumps(body, sort_keys=True)
    for path, value in private(message).items():
        sent = json.dumps(value, sort_keys=True) in text or own_words(source, target)
        assert sent or f"messages[1].{path}" in dropped
    assert all(path.startswith("messages[1].") for path in dropped)


def own_words(source: str, target: str) -> bool:
    """Whether the two speak one format of their own, in which private fields are said as what they were."""
    return source == target and source in {"anthropic", "gemini"}


ODD_MOVES = [pytest.param(odd, target, id=f"{odd}-to-{target}") for odd, target in product(ODD, SIDES)]


@pytest.mark.parametrize(("odd", "target"), ODD_MOVES)
@stores
def test_what_a_format_has_no_place_for_is_not_refused(odd: str, target: str, stored: bool) -> None:
    """A refusal, sound, a call of a custom tool, arguments that are no JSON: the host asked for none of it here."""
    message = from_dict(ODD[odd], ChatCompletionResponseMessage)
    results = [{"role": "tool", "tool_call_id": "call_1", "content": "result 0"}] if message.tool_calls else []

    body, dropped = SIDES[target].sent([ASK, ODD[odd] if stored else message, *results, AND_THEN])

    SIDES[target].accept(body)
    text = json.dumps(body)
    if odd == "spoken":
        assert SAID in text or "audio_1" in text or dropped == ("messages[1].audio",)
    else:
        assert SAID in text
        assert bool(results) == ("result 0" in text)


@moves
@forms
@stores
def test_a_conversation_comes_back(source: str, target: str, stream: bool, stored: bool) -> None:
    """Who answered first finds its own words as they were, signatures too, though another answered in between."""
    first, second = SIDES[source], SIDES[target]
    begun = [ASK, *turn(first, stream=stream, stored=stored), AND_THEN]
    second.accept(second.sent(begun)[0])
    history = [*begun, *turn(second, stream=stream, stored=stored), AND_THEN]

    body, _ = first.sent(history)

    first.accept(body)
    own = first.answers(body)[0]
    if isinstance(first.message, dict):
        wanted = {name: value for name, value in first.message.items() if name not in NEVER_BACK and value is not None}
        assert {name: value for name, value in own.items() if name in wanted} == wanted
    else:
        assert own == first.message


NEVER_BACK = {"annotations", "executed_tools"}
"""Fields of a reply for which a request has no place, whoever is asked."""


def test_the_replies_have_what_is_hard_to_move() -> None:
    """Else the matrix would prove nothing: thoughts, private fields, ids that others refuse."""
    replies = {name: side.reply(stream=False) for name, side in SIDES.items()}

    assert {name for name, reply in replies.items() if private(reply)} >= {*SIDES} - {"openai", "local"}
    assert all(len(reply.tool_calls or ()) == 2 for reply in replies.values())
    thinking = {name for name, reply in replies.items() if THOUGHT in (reply.reasoning_content, reply.reasoning)}
    assert thinking == {*SIDES} - {"openai", "azure", "azure-dated", "local"}
