"""The engine's promises for any onion, any provider, and a host that leaves at any moment."""

from __future__ import annotations

import itertools

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_fakes import URL, Chunks, HttpLayer, Layer, Provider, answer, ask, piece
from jackfield import (
    APIConnectionError,
    CallCancelled,
    DeadlineExceededError,
    Deliver,
    HttpRequest,
    InternalServerError,
    Read,
    Run,
    Send,
    Sleep,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.engine import Engine
from jackfield.models import CreateChatCompletionResponse
from jackfield.testing import make_call, plan

MOST_EFFECTS = 5000


class World:
    """What is seen of one run: the outcomes of each inward request, and draws that behaviours make in turn."""

    def __init__(self, choices):
        self.records = []
        self.refused = []
        self.over = False
        self._choices = itertools.cycle(choices)

    def draw(self):
        return next(self._choices)

    def inward(self, request, call):
        """Pass a request inward and note how often, and how, it came back; or whether it might be refused."""
        record = []
        self.records.append(record)
        refusable = self.over or call.committed
        try:
            result = yield request
        except GeneratorExit:
            self.refused.append(refusable)
            record.append("refused")
            raise
        except BaseException as error:
            self.over = self.over or isinstance(error, CallCancelled | DeadlineExceededError)
            record.append(error)
            raise
        record.append(result)
        return result


def _pass(world, request, call):
    return (yield from world.inward(request, call))


def _retry(world, request, call):
    for _ in range(2):
        try:
            return (yield from world.inward(request, call))
        except Exception:
            yield Sleep(world.draw())
    return (yield from world.inward(request, call))


def _swallow(world, request, call):
    try:
        return (yield from world.inward(request, call))
    except Exception:
        return answer("canned")


def _swallow_all(world, request, call):
    try:
        return (yield from world.inward(request, call))
    except BaseException:
        return answer("whatever")


def _stubborn(world, request, call):
    try:
        return (yield from world.inward(request, call))
    except BaseException:
        return (yield from world.inward(request, call))


def _transform(world, request, call):
    try:
        return (yield from world.inward(request, call))
    except BaseException as error:
        raise ValueError("of a layer") from error


def _unstreamed_first(world, request, call):
    yield from world.inward(attrs.evolve(request, stream=False), call)
    return (yield from world.inward(request, call))


def _answer(world, request, call):
    return answer("own")
    yield


def _raise(world, request, call):
    raise ValueError("of a layer")
    yield


def _interrupt(world, request, call):
    yield Run(world.draw)
    raise KeyboardInterrupt


def _nonsense_before(world, request, call):
    yield 42


def _nonsense_after(world, request, call):
    yield from world.inward(request, call)
    return "nonsense"


def _effects(world, request, call):
    yield Run(world.draw)
    yield Sleep(1)
    response = yield Send(HttpRequest("GET", URL))
    result = yield from world.inward(request, call)
    yield Read(response)
    return result


def _elsewhere(world, request, call):
    try:
        return (yield from world.inward(attrs.evolve(request, model="nobody/m"), call))
    except APIConnectionError:
        raise
    except Exception:
        return (yield from world.inward(request, call))


CHAT = [
    _pass, _retry, _swallow, _swallow_all, _stubborn, _transform, _unstreamed_first, _answer, _raise, _interrupt,
    _nonsense_before, _nonsense_after, _effects, _elsewhere,
]  # fmt: skip


def _http_swap(world, http_request, call):
    yield from world.inward(http_request, call)
    return (yield from world.inward(http_request, call))


def _http_read(world, http_request, call):
    response = yield from world.inward(http_request, call)
    yield Read(response, whole=True)
    return (yield Send(http_request))


HTTP = [_pass, _stubborn, _transform, _raise, _nonsense_before, _nonsense_after, _http_swap, _http_read]


def _whole(world, request, call):
    return answer("whole")
    yield


def _fails(world, request, call):
    raise InternalServerError("HTTP 500")
    yield


def _foreign(world, request, call):
    yield Sleep(1)
    raise OSError("foreign")


def _streams(world, request, call):
    if request.stream is not True:
        return answer("whole")
    for number in range(world.draw()):
        yield Deliver([piece(str(number))])
    yield Deliver([piece("end")], last=True)
    return None


def _breaks(world, request, call):
    yield Deliver([piece("a"), piece("b")])
    yield Sleep(1)
    raise APIConnectionError("reset")


def _exchanges(world, request, call):
    response = yield Send(HttpRequest("POST", URL))
    text = yield Read(response)
    while request.stream is True and text:
        yield Deliver([piece(text.decode())])
        text = yield Read(response)
    return None if request.stream is True else answer("read")


def _nothing(world, request, call):
    yield Sleep(1)


def _junk(world, request, call):
    yield Deliver(["junk"])


PROVIDER = [_whole, _fails, _foreign, _streams, _streams, _breaks, _exchanges, _exchanges, _nothing, _junk]


def _refuse(chunk):
    raise ValueError("refused")


ON_CHUNK = {
    "leave": lambda chunk: None,
    "drop": lambda chunk: (),
    "twice": lambda chunk: [chunk, chunk],
    "refuse": _refuse,
}
LEAVE = [
    None,
    Engine.cancel,
    lambda engine: engine.fail(KeyboardInterrupt()),
    lambda engine: engine.cancel(ValueError()),
]


@st.composite
def programs(draw):
    """An onion, a provider for each attempt, a host, and a moment at which it leaves."""
    world = World(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))

    def layers(kind, behaviours, most):
        chosen = draw(st.lists(st.sampled_from(behaviours), max_size=most))
        return [kind(lambda request, call, flow=flow: flow(world, request, call)) for flow in chosen]

    def chunk_layers():
        return [Chunks(ON_CHUNK[name]) for name in draw(st.lists(st.sampled_from(sorted(ON_CHUNK)), max_size=1))]

    behaviours = itertools.cycle(draw(st.lists(st.sampled_from(PROVIDER), min_size=1, max_size=3)))
    answers = itertools.cycle(draw(st.lists(st.sampled_from(["ok", "ok", "cut", "reset"]), min_size=1, max_size=4)))

    def reply(http_request):
        return {
            "ok": Reply(blocks=[b"x", 1.0, b"y"]),
            "cut": Reply(blocks=[b"x", APIConnectionError("cut")]),
            "reset": APIConnectionError("reset"),
        }[next(answers)]

    the_plan = plan(
        Provider(lambda request, call: next(behaviours)(world, request, call)),
        middleware=[*layers(Layer, CHAT, 5), *layers(HttpLayer, HTTP, 1), *chunk_layers()],
        backend_middleware=[*layers(Layer, CHAT, 3), *layers(HttpLayer, HTTP, 2), *chunk_layers()],
    )
    timeout = draw(st.none() | st.integers(1, 12))
    leaves = draw(st.sampled_from(LEAVE))
    return world, the_plan, ScriptedDriver(reply), draw(st.booleans()), timeout, leaves, draw(st.integers(0, 12))


@settings(max_examples=300, deadline=None)
@given(programs())
def test_every_request_passed_inward_has_exactly_one_outcome_and_the_call_one_end(program):
    """Whatever layers and provider do and whenever the host leaves, the promises of the design hold."""
    world, the_plan, driver, stream, timeout, leaves, moment = program
    call = make_call(driver, model="m", stream=stream, timeout=timeout)
    engine = Engine(the_plan, call)
    effect, attempts_at_commit, left = engine.begin_chat(ask(stream=stream)), None, False
    for number in range(MOST_EFFECTS):
        if effect is None:
            break
        if type(effect) is Deliver:
            assert stream
            assert call.committed
            assert effect.chunks
            attempts_at_commit = len(call.attempts) if attempts_at_commit is None else attempts_at_commit
        if leaves is not None and number == moment:
            assert leaves(engine) is None
            left = True
            break
        effect = driver.step(engine, effect)

    assert engine.done
    assert all(len(record) == 1 for record in world.records)
    assert all(world.refused)
    outcomes = [record[0] for record in world.records]
    if left:
        taken_down = [outcome for outcome in outcomes if isinstance(outcome, CallCancelled)]
        assert len({id(outcome) for outcome in taken_down}) <= 1
    error = _error(engine)
    assert not isinstance(error, CallCancelled)
    assert not (left and error is None)
    assert error is not None or isinstance(engine.result(), CreateChatCompletionResponse)
    assert driver.unreleased == []
    assert all(response.body.released == 1 for response in driver.responses)
    assert all(attempt.outcome != "running" and attempt.duration is not None for attempt in call.attempts)
    assert [attempt.number for attempt in call.attempts] == list(range(1, len(call.attempts) + 1))
    if attempts_at_commit is not None:
        assert len(call.attempts) == attempts_at_commit
    if not stream:
        assert not call.committed
        assert driver.delivered == []
    elif error is None:
        assert call.committed or not driver.delivered
    if isinstance(error, DeadlineExceededError):
        assert error.attempts == tuple(call.attempts)


def _error(engine):
    try:
        engine.result()
    except BaseException as error:
        return error
    return None
