"""What is answered from the cache, what is kept, and what is not."""

from __future__ import annotations

import attrs
import pytest

from jackfield.call import Call
from jackfield.errors import (
    APIError,
    DeadlineExceededError,
    InternalServerError,
    NotFoundError,
    StreamInterruptedError,
)
from jackfield.flow import Deliver, Run
from jackfield.hookspecs import hookimpl
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.wire import from_dict, to_dict


def test_the_second_time_the_backend_is_not_asked(make_bench):
    """The same request gets the same answer, of which the call tells that it took no attempt."""
    bench = make_bench()

    first, second = bench.ask(), bench.ask()

    assert len(bench.backend.asked) == 1
    assert to_dict(second) == to_dict(first)
    assert second.extra == {"x_new": [1]}


def test_an_answer_of_the_cache_takes_no_attempt(make_cache, kit):
    """``response.call.attempts`` of a hit is empty, of a miss it is not."""
    import jackfield

    backend = kit.Backend()
    config = {"default_model": "b/m", "backends": {"b": {"provider": "one"}}, "middleware": [{"use": "two"}]}
    plugins = {"one": _given(backend), "two": _given(make_cache())}
    with jackfield.Client(config, plugins=plugins) as client:
        ask = {"messages": [{"role": "user", "content": "Why?"}], "temperature": 0}
        calls = [client.create_chat_completion(**ask).call for _ in range(2)]

    assert [len(call.attempts) for call in calls] == [1, 0]


def _given(plugin):
    """A class that makes one plugin that there is already, for a configuration."""

    @attrs.define(eq=False)
    class Given(type(plugin)):
        def __new__(cls):
            return plugin

        def __init__(self):
            pass

    return Given


@pytest.mark.parametrize("first", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("second", [False, True], ids=["whole", "streamed"])
def test_how_an_answer_came_does_not_matter(make_bench, first, second):
    """What came at once is served as a stream and the other way round; the host is given the same text."""
    bench = make_bench()

    assert bench.says(stream=first) == "Answer 1."
    assert bench.streamed == ("Answer 1." if first else "")

    response = bench.ask(stream=second)

    assert response.choices[0].message.content == "Answer 1."
    assert response.usage.total_tokens == 5
    assert bench.streamed == ("Answer 1." if second else "")
    assert len(bench.backend.asked) == 1


def test_a_hit_makes_no_effect_but_the_look_into_the_store(make_bench):
    """One function is run, and the request goes no further."""
    bench = make_bench()
    bench.ask()

    bench.ask()

    assert [type(effect) for effect in bench.driver.effects] == [Run]


def test_each_call_has_an_answer_of_its_own(make_bench):
    """No two calls are given the same object, nor any part of it that could be changed."""
    bench = make_bench()
    answers = [bench.ask() for _ in range(3)]

    assert answers[1] is not answers[2]
    assert answers[1].extra["x_new"] is not answers[2].extra["x_new"]
    assert answers[1] == answers[2]


def test_what_is_drawn_is_kept_only_if_told(make_bench):
    """Unless the temperature is 0 the backend is asked each time; with the setting, once."""
    bench, told = make_bench(), make_bench(only_deterministic=False)

    assert [bench.says(temperature=1) for _ in range(2)] == ["Answer 1.", "Answer 2."]
    assert [told.says(temperature=1) for _ in range(2)] == ["Answer 1."] * 2


def test_it_outlives_the_client(make_bench):
    """Another cache with the same file has the answer."""
    make_bench().ask()
    bench = make_bench()

    assert bench.says() == "Answer 1."
    assert bench.backend.asked == []


def test_each_backend_and_each_tenant_has_its_own_answers(make_bench, kit):
    """A model of the same name elsewhere is another one; a label that is named tells tenants apart."""
    bench = make_bench(by_labels=["tenant"], backends={"other": kit.Backend(lambda whole: kit.answer("Other."))})
    asked = [{"model": "m"}, {"model": "other/m"}, {"labels": {"tenant": "a"}}, {"labels": {"tenant": "b"}}]

    assert [bench.says(**about) for about in asked] == ["Answer 1.", "Other.", "Answer 2.", "Answer 3."]
    assert [bench.says(**about) for about in asked] == ["Answer 1.", "Other.", "Answer 2.", "Answer 3."]
    assert bench.says(model="m", labels={"job": "a"}) == "Answer 1."


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "function_call"])
def test_whole_answers_are_kept(make_bench, kit, reason):
    """Whatever ended it, as long as it would be the same again."""
    bench = make_bench(kit.Backend(lambda whole: kit.answer(finish_reason=reason)))

    bench.ask()
    bench.ask()

    assert len(bench.backend.asked) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"finish_reason": "content_filter"},
        {"finish_reason": "eos"},
        {"finish_reason": None},
        {"choices": []},
    ],
    ids=str,
)
def test_doubtful_answers_are_not_kept(make_bench, kit, fields):
    """What was filtered, did not tell its end, or says nothing is asked for again."""
    bench = make_bench(kit.Backend(lambda whole: kit.answer(**fields)))

    bench.ask()
    bench.ask()

    assert len(bench.backend.asked) == 2


def test_one_doubtful_choice_is_enough(make_bench, kit):
    """All choices must have ended well."""
    bad = kit.answer(finish_reason="content_filter")["choices"][0] | {"index": 1}
    backend = kit.Backend(lambda whole: whole | {"choices": [*whole["choices"], bad]})
    bench = make_bench(backend, only_deterministic=False)

    bench.ask(n=2)
    bench.ask(n=2)

    assert len(backend.asked) == 2


def test_sound_is_not_kept(make_bench, kit):
    """It expires at the service, and what refers to it then refers to nothing."""
    sound = {"id": "s", "data": "", "expires_at": 1, "transcript": ""}
    choice = kit.answer()["choices"][0]
    choice["message"]["audio"] = sound
    bench = make_bench(kit.Backend(lambda whole: whole | {"choices": [choice]}))

    bench.ask()
    bench.ask()

    assert len(bench.backend.asked) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_failures_are_not_kept(make_bench, kit, stream):
    """An error is raised each time the backend raises it, and then the backend's answer comes."""

    def fail(number):
        if number <= 2:
            raise InternalServerError("HTTP 500", status_code=500)

    bench = make_bench(kit.Backend(before=fail))
    for _ in range(2):
        with pytest.raises(InternalServerError):
            bench.ask(stream=stream)

    assert bench.says(stream=stream) == "Answer 3."


def test_a_stream_that_broke_is_not_kept(make_bench, kit):
    """A part of an answer is never served as one."""
    backend = kit.Backend(broken=StreamInterruptedError("cut"))
    bench = make_bench(backend)
    with pytest.raises(StreamInterruptedError):
        bench.ask(stream=True)
    backend.broken = None

    assert bench.says() == "Answer 2."


def test_a_layer_inside_that_answers_by_itself_is_asked_each_time(make_bench, kit):
    """What did not come from the backend is not kept: it has its own reasons."""

    @attrs.define(eq=False)
    class Canned:
        asked: int = 0

        @hookimpl
        def wrap_chat_completion(self, request, call):
            self.asked += 1
            yield from ()
            return from_dict(kit.answer(), CreateChatCompletionResponse)

    canned = Canned()
    bench = make_bench(inside=[canned])
    bench.ask()
    bench.ask()

    assert canned.asked == 2


def test_an_attempt_for_another_request_of_the_call_is_not_this_one(make_bench, kit):
    """A layer outside has asked something else before; still, what a layer inside answers by itself is not kept."""

    @attrs.define(eq=False)
    class Twice:
        @hookimpl
        def wrap_chat_completion(self, request):
            yield attrs.evolve(request, temperature=1)
            return (yield request)

    @attrs.define(eq=False)
    class Canned:
        asked: int = 0

        @hookimpl
        def wrap_chat_completion(self, request):
            if request.temperature:
                return (yield request)
            self.asked += 1
            return from_dict(kit.answer(), CreateChatCompletionResponse)

    canned = Canned()
    bench = make_bench(outside=[Twice()], inside=[canned])
    bench.ask()
    bench.ask()

    assert canned.asked == 2


@attrs.define(eq=False)
class Fallback:
    """Goes on to another model after a failure."""

    model: str

    @hookimpl
    def wrap_chat_completion(self, request):
        try:
            return (yield request)
        except APIError:
            return (yield attrs.evolve(request, model=self.model))


@pytest.mark.parametrize("other", ["other/m", "n"])
def test_the_answer_of_a_fallback_is_not_kept(make_bench, kit, other):
    """Another backend, or another model, answered in place of the one that was asked for."""

    def fail_once(number):
        if number == 1:
            raise InternalServerError("HTTP 500", status_code=500)

    second = kit.Backend(lambda whole: kit.answer("Instead."))
    bench = make_bench(kit.Backend(before=fail_once), inside=[Fallback(other)], backends={"other": second})

    instead = bench.says()
    assert instead in {"Instead.", "Answer 2."}
    assert bench.says() != instead


def test_outside_of_a_fallback_each_model_has_its_own_answers(make_bench, kit):
    """Where the cache stands inside, the answer of the second is found the next time."""

    def fail(number):
        raise InternalServerError("HTTP 500", status_code=500)

    second = kit.Backend()
    bench = make_bench(kit.Backend(before=fail), outside=[Fallback("other/m")], backends={"other": second})

    assert [bench.says(), bench.says()] == ["Answer 1."] * 2
    assert (len(bench.backend.asked), len(second.asked)) == (2, 1)


@attrs.define(eq=False)
class Shout:
    """Changes what the host is given, for one tenant, say."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)

    @hookimpl
    def on_chunk(self, chunk):
        return [attrs.evolve(chunk, choices=[_loud(choice) for choice in chunk.choices])]


def _loud(choice):
    content = choice.delta.content
    return attrs.evolve(choice, delta=attrs.evolve(choice.delta, content=content and content + "!"))


def test_what_layers_outside_make_of_a_stream_is_not_kept(make_bench):
    """The answer is kept as it came to the cache: what stands outside changes it anew for each host."""
    bench = make_bench(outside=[Shout()])
    bench.ask(stream=True)
    assert bench.streamed == "A!n!s!w!e!r! !1!.!"

    assert bench.says() == "Answer 1."
    bench.ask(stream=True)
    assert bench.streamed == "Answer 1.!"


def test_what_layers_inside_make_of_a_stream_is_kept(make_bench):
    """The answer is kept as it came to the cache: with what stands inside."""
    bench = make_bench(inside=[Shout()])
    bench.ask(stream=True)

    assert bench.says() == "A!n!s!w!e!r! !1!.!"


def test_after_a_retry_only_the_last_attempt_is_kept(make_bench, kit):
    """Chunks of a stream whose first attempt failed before the host was given any of it are not mixed with the next."""

    @attrs.define(eq=False)
    class Again:
        @hookimpl
        def wrap_chat_completion(self, request):
            try:
                return (yield request)
            except APIError:
                return (yield request)

    backend = kit.Backend(broken=StreamInterruptedError("cut"))
    backend.before = lambda number: setattr(backend, "broken", backend.broken if number == 1 else None)

    @attrs.define(eq=False)
    class Late:
        """Drops what comes of the first attempt, so that nothing is committed; the cache, inside, has seen it."""

        @hookimpl
        def on_chunk(self, chunk, call):
            return () if len(call.attempts) == 1 else None

        @hookimpl
        def wrap_chat_completion(self, request):
            return (yield request)

    bench = make_bench(backend, outside=[Late()], inside=[Again()])

    assert bench.says(stream=True) == "Answer 2."
    assert bench.says() == "Answer 2."


def test_an_unknown_model_is_an_error_as_without_a_cache(make_bench):
    """A name that leads nowhere is told by whoever routes it."""
    bench = make_bench()

    with pytest.raises(NotFoundError):
        bench.ask(model="nobody/m")


def test_a_name_that_only_a_layer_inside_knows_is_passed_on(make_bench):
    """It may make another of it."""

    @attrs.define(eq=False)
    class Renames:
        @hookimpl
        def wrap_chat_completion(self, request):
            return (yield attrs.evolve(request, model="m"))

    bench = make_bench(inside=[Renames()])

    assert bench.says(model="nobody/m") == "Answer 1."


def test_an_answer_that_came_in_time_is_not_lost_to_the_store(make_bench):
    """Where the time is over while the answer is written, it is returned all the same."""
    bench = make_bench()
    put = bench.cache._store.put

    def slow(*args):
        bench.driver.now += 100.0
        put(*args)

    bench.cache._store.put = slow

    assert bench.says(timeout=10) == "Answer 1."
    assert bench.says() == "Answer 1."


def test_time_that_is_over_while_it_looks_up_is_over(make_bench):
    """Without an answer the deadline holds, and nobody is asked."""
    bench = make_bench()
    bench.cache._store.get = lambda *args: setattr(bench.driver, "now", bench.driver.now + 100.0)

    with pytest.raises(DeadlineExceededError):
        bench.ask(timeout=10)

    assert bench.backend.asked == []


def test_what_cannot_be_read_is_asked_for_again(make_bench):
    """An answer in the store that is none is as good as none."""
    bench = make_bench()
    bench.ask()
    with bench.cache._store._store._connection(1.0) as db:
        db.execute("UPDATE answers SET answer = ?", (b'{"choices": 1}',))

    assert bench.says() == "Answer 2."
    assert bench.says() == "Answer 2."


def test_a_backend_may_answer_a_stream_at_once(make_bench, kit):
    """What came without chunks where a stream was asked for is kept too."""

    @attrs.define(eq=False)
    class Whole(kit.Backend):
        @hookimpl
        def create_chat_completion(self, request):
            self.asked.append(request)
            return from_dict(kit.answer(), CreateChatCompletionResponse)

    bench = make_bench(Whole())

    assert [bench.says(stream=True), bench.says(stream=True), bench.says()] == ["Because."] * 3
    assert len(bench.backend.asked) == 1


def test_what_only_layers_outside_say_is_not_kept(make_bench, kit):
    """Where no chunk came to the cache there is no answer of the backend."""

    @attrs.define(eq=False)
    class Says:
        @hookimpl
        def end_of_stream(self):
            return [from_dict(piece, CreateChatCompletionStreamResponse) for piece in kit.pieces("Mine.")[1:]]

    @attrs.define(eq=False)
    class Mute:
        @hookimpl
        def on_chunk(self):
            return ()

    bench = make_bench(outside=[Says()], inside=[Mute()])
    bench.ask(stream=True)
    assert bench.streamed == "Mine."

    assert bench.says() == "Answer 2."


def test_unknown_fields_of_a_stream_are_kept(make_bench, kit):
    """Of chunks, choices and deltas, as the host of the stream has them."""
    extra = {"x_chunk": 1, "choices": [{"index": 0, "delta": {"content": "a", "x_delta": [2]}, "x_choice": {"a": 3}}]}

    @attrs.define(eq=False)
    class Odd(kit.Backend):
        @hookimpl
        def create_chat_completion(self, request):
            self.asked.append(request)
            for piece in ({**kit.pieces("a")[0], **extra}, *kit.pieces("a")[2:]):
                yield Deliver([from_dict(piece, CreateChatCompletionStreamResponse)])

    bench = make_bench(Odd())
    first = bench.ask(stream=True)
    second = bench.ask()

    assert len(bench.backend.asked) == 1
    assert to_dict(second) == to_dict(first)
    assert second.extra == {"x_chunk": 1}
    assert second.choices[0].message.extra == {"x_delta": [2]}


@pytest.mark.parametrize("temperature", [0, 1])
def test_nothing_is_left_of_a_call(make_bench, temperature):
    """What was taken down for the store is forgotten, though the host keeps the call; of others nothing is taken."""
    calls: list[Call] = []

    @attrs.define(eq=False)
    class Watch:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            calls.append(call)
            return (yield request)

    bench = make_bench(outside=[Watch()])
    bench.ask(stream=True, temperature=temperature)

    assert bench.cache not in calls[0].state
    assert bench.cache not in calls[0].attempts[0].state
    assert len(bench.cache._flights) == 0


def test_without_single_flight_it_caches_all_the_same(make_bench):
    """The setting says only what happens at the same time."""
    bench = make_bench(single_flight=False)

    assert [bench.says(), bench.says(stream=True)] == ["Answer 1."] * 2
    assert len(bench.cache._flights) == 0


def test_after_close_calls_go_on(make_bench):
    """A call that ends when the client was closed has its answer; nothing is kept of it."""
    bench = make_bench()
    bench.ask()
    bench.cache.close()

    assert bench.says() == "Answer 2."
