"""What a service may say, and what comes of it as LangChain's messages, whole and in chunks."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import add

import pytest
from jackfield_langchain import ChatJackfield
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import tool
from scripted import TOKENS, call


async def _collect(model, asked, /, **kwargs):
    return [chunk async for chunk in model.astream(asked, **kwargs)]


WAYS = {
    "invoke": lambda model, asked, /, **kwargs: model.invoke(asked, **kwargs),
    "ainvoke": lambda model, asked, /, **kwargs: asyncio.run(model.ainvoke(asked, **kwargs)),
    "stream": lambda model, asked, /, **kwargs: reduce(add, model.stream(asked, **kwargs)),
    "astream": lambda model, asked, /, **kwargs: reduce(add, asyncio.run(_collect(model, asked, **kwargs))),
}
ways = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)


@tool
def add_up(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@ways
def test_usage_and_metadata_are_told_once(model, dialect, ask):
    """Tokens with their details, who answered and why the answer ended, in every way to ask."""
    dialect.script.append({"content": "Hello there"})
    answer = ask(model, "Hi")

    assert answer.content == "Hello there"
    assert answer.usage_metadata == TOKENS
    told = answer.response_metadata
    assert (told["model_name"], told["finish_reason"], told["model_provider"]) == ("ok-2026", "stop", "jackfield")
    assert (told["id"], told["backend"], told["attempts"]) == ("chatcmpl-scripted", "one", 1)


@ways
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_kept_apart_and_go_back(model, dialect, bodies, ask, name):
    """They are a block of LangChain's, no text, and the next request has them under the name they came by."""
    dialect.script.append({name: "let me think", "content": "Hi there"})
    answer = ask(model, "Hi")
    model.invoke([HumanMessage("Hi"), answer, HumanMessage("And?")])

    assert answer.text == "Hi there"
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    assert answer.content_blocks[0]["reasoning"] == "let me think"
    assert bodies()[1]["messages"][1] == {"role": "assistant", "content": "Hi there", name: "let me think"}


@ways
def test_a_refusal_is_no_text(model, dialect, bodies, ask):
    """It is a block of its own, and goes back as one."""
    dialect.script.append({"refusal": "I will not"})
    answer = ask(model, "Hi")
    model.invoke([HumanMessage("Hi"), answer, HumanMessage("Please")])

    assert answer.text == ""
    assert answer.content_blocks == [{"type": "refusal", "refusal": "I will not"}]
    assert bodies()[1]["messages"][1] == {"role": "assistant", "content": None, "refusal": "I will not"}


@ways
def test_blocks_of_v1_go_back(config, dialect, bodies, ask):
    """With ``output_version="v1"`` content is blocks, and the next request says the same as without."""
    calls = [call("add_up", '{"a": 1, "b": 2}'), call("add_up", "{}", "call_2")]
    dialect.script.append({"reasoning_content": "hmm", "content": "Look", "tool_calls": calls})
    model = ChatJackfield(config=config, output_version="v1")
    answer = ask(model, "Hi")
    model.invoke([HumanMessage("Hi"), answer, ToolMessage("3", tool_call_id="call_1")])

    assert [block["type"] for block in answer.content] == ["reasoning", "text", "tool_call", "tool_call"]
    assert bodies()[1]["messages"][1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "Look"}],
        "reasoning_content": "hmm",
        "tool_calls": calls,
    }


@ways
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_sound_goes_back_by_its_id(config, dialect, bodies, ask, version):
    """As a block of v1 it has no format, and none is asked for."""
    dialect.script.append({"audio": {"id": "audio_1", "data": "AAAA", "transcript": "Hello", "expires_at": 9}})
    model = ChatJackfield(config=config, output_version=version)
    answer = ask(model, "Hi")
    model.invoke([HumanMessage("Hi"), answer, HumanMessage("And?")])

    assert [block["type"] for block in answer.content_blocks] == ["audio"]
    assert bodies()[1]["messages"][1] == {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}


@ways
def test_what_openai_does_not_define_is_told(model, dialect, ask):
    """Of the response and of the choice, once, though each chunk repeat it."""
    besides = {"response": {"citations": ["https://a.example"], "provider": "P"}, "choice": {"matched_stop": 7}}
    dialect.script.append({"content": "Hello there", **besides})

    assert ask(model, "Hi").response_metadata["extra"] == {**besides["response"], **besides["choice"]}


@ways
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("calls", [[], [call("add_up", "{}")]])
def test_citations_are_blocks(config, dialect, bodies, ask, version, calls):
    """Of a stream as well, in which they come after the text; they do not go back."""
    page = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 5}
    cited = [{"type": "url_citation", "url_citation": page}]
    dialect.script.append({"content": "Hello there", "annotations": cited, **({"tool_calls": calls} if calls else {})})
    model = ChatJackfield(config=config, output_version=version)
    answer = ask(model, "Hi")
    model.invoke([HumanMessage("Hi"), answer, ToolMessage("0", tool_call_id="call_1")])
    blocks = answer.content_blocks

    assert answer.text == "Hello there"
    assert [one for block in blocks for one in block.get("annotations", ())] == [{"type": "citation", **page}]
    sent = bodies()[1]["messages"][1]["content"]
    assert sent == ([{"type": "text", "text": "Hello there"}] if version == "v1" else "Hello there")


@pytest.mark.parametrize("name", ["stream", "astream"])
def test_a_chunk_may_tell_a_choice_several_times(model, dialect, name):
    """Nothing of it is lost."""
    dialect.script.append({"content": "Hello there", "reasoning": "hmm hmm", "together": True})
    answer = WAYS[name](model, "Hi")

    assert (answer.content, answer.additional_kwargs["reasoning"]) == ("Hello there", "hmm hmm")


def test_the_last_chunk_tells_the_rest(model, dialect):
    """Tokens, why the answer ended and who gave it are in one chunk, which says that it is the last."""
    dialect.script.append({"content": "Hello there"})
    *pieces, last = model.stream("Hi")

    assert (last.chunk_position, last.usage_metadata, last.response_metadata["finish_reason"]) == (
        "last",
        TOKENS,
        "stop",
    )
    assert [(piece.chunk_position, piece.usage_metadata) for piece in pieces] == [(None, None)] * 2


def test_several_answers(model, bodies):
    """``n`` gives as many generations, the tokens counted once; a stream of LangChain has one answer."""
    (generations,) = model.generate([[HumanMessage("Hi")]], n=2).generations

    assert [one.text for one in generations] == ["Hi", "Hi"]
    assert [one.message.usage_metadata is None for one in generations] == [False, True]
    assert bodies()[0]["n"] == 2
    with pytest.raises(ValueError, match="n: expected 1"):
        list(model.stream("Hi", n=2))


def test_tokens_of_many_prompts_are_added(model, dialect):
    """``generate`` tells the sum."""
    dialect.script += [{"content": "a"}, {"content": "b"}]
    told = model.generate([[HumanMessage("1")], [HumanMessage("2")]]).llm_output

    assert told == {"token_usage": {"prompt_tokens": 22, "completion_tokens": 14, "total_tokens": 36}}


def test_fields_of_a_call_win(config, bodies):
    """Over those of the model; headers and members of the body are added to the model's."""
    own = {"stop": ["x"], "max_tokens": 9, "temperature": 0.5, "model_kwargs": {"seed": 3}, "extra_body": {"top_k": 1}}
    model = ChatJackfield(model="one/ok", config=config, **own)
    model.invoke("Hi")
    model.invoke("Hi", stop=["y"], max_tokens=5, model="one/slow?gap=0", seed=4, extra_body={"mirostat": 2})
    first, second = bodies()

    assert {name: first[name] for name in ("model", "stop", "max_completion_tokens", "temperature", "seed", "top_k")} == {
        "model": "ok", "stop": ["x"], "max_completion_tokens": 9, "temperature": 0.5, "seed": 3, "top_k": 1,
    }  # fmt: skip
    assert (second["model"], second["stop"], second["max_completion_tokens"]) == ("slow?gap=0", ["y"], 5)
    assert (second["seed"], second["top_k"], second["mirostat"]) == (4, 1, 2)
    with pytest.raises(TypeError, match="nope"):
        model.invoke("Hi", nope=1)


@pytest.mark.parametrize("kwargs", [{"max_tokens": 5}, {"max_completion_tokens": 5}])
def test_the_limit_of_tokens_has_one_name(config, bodies, kwargs):
    """Both at once are refused by backends, so one wins."""
    ChatJackfield(config=config, max_tokens=4).invoke("Hi", **kwargs)

    assert bodies()[0]["max_completion_tokens"] == 5
    assert "max_tokens" not in bodies()[0]


def test_what_langchain_brings_works(model, service):
    """Callbacks hear each token, batches run side by side, models are configured and limited as others are."""

    class Heard(BaseCallbackHandler):
        def __init__(self):
            self.tokens = []

        def on_llm_new_token(self, token, **_):
            self.tokens.append(token)

    heard = Heard()
    list(model.stream("one two three", config={"callbacks": [heard]}))
    many = model.batch([str(number) for number in range(8)], config={"max_concurrency": 4})
    chosen = model.configurable_fields(model_name=ConfigurableField(id="model"))
    other = chosen.with_config(configurable={"model": "one/slow?gap=0"}).invoke("Hi")
    limited = model.model_copy(update={"rate_limiter": InMemoryRateLimiter(requests_per_second=1000)})

    assert "".join(heard.tokens) == "one two three"
    assert [answer.content for answer in many] == [str(number) for number in range(8)]
    assert other.response_metadata["model_name"] == "slow?gap=0"
    assert isinstance(limited.invoke("Hi"), AIMessage)
    assert service.ledger.connections["plain"] <= 5  # copies share the connections of the model


def test_every_loop_has_connections_of_its_own(model):
    """One model may be awaited on one event loop after the other."""
    assert [asyncio.run(model.ainvoke(text)).content for text in "abc"] == ["a", "b", "c"]
