"""Messages to turns: roles, merging, instructions, results, the history of calls and thoughts."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError

USER = {"role": "user", "content": "Hi."}
CALL = {"type": "function", "id": "call_1", "function": {"name": "f", "arguments": '{"a": 1}'}}
USED = {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "42"}
CACHED = {"cache_control": {"type": "ephemeral"}}


def text(words: str, **besides: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **besides}


def turns(sent, *messages, **settings):
    body = sent(settings, messages=list(messages))
    return body.get("system"), body["messages"]


# -- instructions ----------------------------------------------------------------------------------------------------


def test_instructions_before_all_others_are_the_system(sent):
    """System and developer messages, as one text: not every server puts anything between two."""
    system = {"role": "system", "content": "Be brief."}
    developer = {"role": "developer", "content": [text("Be kind."), text("Rhyme.")]}

    assert turns(sent, system, developer, USER) == ("Be brief.\n\nBe kind.\n\nRhyme.", [USER])


def test_instructions_that_are_cached_stay_blocks(sent):
    """Where the cache ends is told of one block."""
    system = {"role": "system", "content": [text("Long.", **CACHED), text("Short.")]}

    assert turns(sent, system, USER)[0] == [text("Long.", **CACHED), text("Short.")]


def test_a_whole_instruction_may_be_cached(sent):
    """The ``cache_control`` of a message stands at its last block."""
    assert turns(sent, {"role": "system", "content": "Long.", **CACHED}, USER)[0] == [text("Long.", **CACHED)]


def test_empty_instructions_are_none(sent):
    """The service refuses a text that says nothing."""
    assert turns(sent, {"role": "system", "content": " "}, USER) == (None, [USER])


LATER = {"role": "system", "content": "Now shout."}
ANSWER = {"role": "assistant", "content": "Yes."}


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        ((USER, LATER), [USER, LATER]),
        ((USER, ANSWER, LATER, USER), [USER, ANSWER, USER, LATER]),
        ((USER, LATER, LATER, ANSWER, USER), [USER, {"role": "system", "content": [text("Now shout.")] * 2}, ANSWER, USER]),
        ((USER, LATER, USER), [{"role": "user", "content": [text("Hi.")] * 2}, LATER]),
        ((USER, CALLS, LATER, RESULT), [USER, {"role": "assistant", "content": [USED]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "42"}]}, LATER]),
    ],
    ids=["end", "before-user", "two", "between-users", "among-results"],
)  # fmt: skip
def test_later_instructions_follow_the_users_turn(sent, messages, wanted):
    """The only place where the format has them; never between calls and their results."""
    assert turns(sent, *messages) == (None, wanted)


def test_later_instructions_may_go_into_the_users_turn(sent):
    """For models that know no others; they can be told from what the user says."""
    assert turns(sent, USER, ANSWER, LATER, USER, later_system="user") == (
        None,
        [USER, ANSWER, {"role": "user", "content": [text("<system>\nNow shout.\n</system>"), text("Hi.")]}],
    )


def test_later_instructions_may_go_to_the_first(sent):
    """As OpenAI's own compatible endpoint of the service does it."""
    first = {"role": "system", "content": "First."}

    assert turns(sent, first, USER, LATER, later_system="top") == ("First.\n\nNow shout.", [USER])


def test_unknown_fields_of_a_later_instruction_are_its_own(sent):
    """The service has some for messages; the first instructions are none."""
    assert turns(sent, USER, {**LATER, "clear_at": "x"})[1][1] == {**LATER, "clear_at": "x"}
    with pytest.raises(UnsupportedParameterError, match=r"messages\[0\]\.clear_at"):
        turns(sent, {**LATER, "clear_at": "x"}, USER)


# -- turns -----------------------------------------------------------------------------------------------------------


def test_messages_of_one_role_are_one_turn(sent):
    """Not every server merges them itself."""
    assert turns(sent, USER, USER, ANSWER, ANSWER, USER)[1] == [
        {"role": "user", "content": [text("Hi."), text("Hi.")]},
        {"role": "assistant", "content": [text("Yes."), text("Yes.")]},
        USER,
    ]


def test_results_of_parallel_calls_stand_in_one_turn_before_anything_else(sent):
    """Else the service says that results are missing."""
    second = {**CALL, "id": "call_2"}
    calls = {**CALLS, "tool_calls": [CALL, second]}

    _, made = turns(sent, USER, calls, RESULT, USER, {**RESULT, "tool_call_id": "call_2"})

    assert [block.get("tool_use_id", block.get("text")) for block in made[2]["content"]] == ["call_1", "call_2", "Hi."]
    assert [turn["role"] for turn in made] == ["user", "assistant", "user"]


def test_a_result_may_have_parts_and_fields_of_the_services_own(sent):
    """``is_error`` and ``cache_control`` of the message are the block's; an empty result has no content."""
    image = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    rich = {**RESULT, "content": [text("See:"), image], "is_error": True, **CACHED}

    _, made = turns(sent, USER, CALLS, rich, {**RESULT, "content": ""})

    assert made[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "is_error": True, **CACHED,
         "content": [text("See:"), {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}]},
        {"type": "tool_result", "tool_use_id": "call_1"},
    ]  # fmt: skip


def test_text_that_says_nothing_is_left_out_beside_what_does(sent):
    """The service refuses it; where it is all that there is, the service shall say so."""
    blank, words = {"role": "user", "content": [text(""), text("Hi.")]}, {"role": "user", "content": " "}

    assert turns(sent, blank)[1] == [USER]
    assert turns(sent, USER, ANSWER, words)[1] == [USER, ANSWER, words]


def test_an_empty_answer_is_no_turn(sent):
    """The user's turns around it are one."""
    assert turns(sent, USER, {"role": "assistant", "content": ""}, USER)[1] == [
        {"role": "user", "content": [text("Hi."), text("Hi.")]}
    ]


def test_a_message_of_an_unknown_role_goes_as_it_is(sent):
    """The service may know it."""
    assert turns(sent, USER, {"role": "critic", "content": "No.", "x": 1})[1][1] == {
        "role": "critic",
        "content": "No.",
        "x": 1,
    }


def test_a_name_is_refused_or_told_of(sent, dropped):
    """Participants of one role cannot be told apart."""
    with pytest.raises(UnsupportedParameterError, match=r"messages\[0\]\.name: .*write it into the text") as caught:
        turns(sent, {**USER, "name": "Ann"})
    assert caught.value.param == "messages[0].name"

    body, left = dropped(messages=[{**USER, "name": "Ann"}, {**ANSWER, "name": "Bob"}, {**LATER, "name": "Cy"}])
    assert body["messages"] == [USER, ANSWER, LATER]
    assert left == ("messages[0].name", "messages[1].name", "messages[2].name")


def test_the_name_in_a_result_is_told_by_its_call(dropped):
    """Some hosts repeat it."""
    body, left = dropped(messages=[USER, CALLS, {**RESULT, "name": "f"}])

    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "call_1", "content": "42"}]
    assert left == ("messages[2].name",)
