"""The scripted driver: effects by a script, time by its own clock."""

from __future__ import annotations

import contextvars
import gzip

import pytest

from engine_fakes import piece
from jackfield import (
    Acquire,
    APITimeoutError,
    ConfigError,
    DeadlineExceededError,
    Deliver,
    Gate,
    HttpRequest,
    PluginError,
    Read,
    Run,
    Send,
    Sleep,
)
from jackfield.call import Attempt
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.flow import Effect
from jackfield.http import Backend, HttpResponse, Timeouts, Transport
from jackfield.testing import make_call

REQUEST = HttpRequest("POST", "https://api.example/v1")


def in_call(driver, timeout=None, **limits):
    """A call that is at a backend."""
    call = make_call(driver, timeout=timeout)
    transport = Transport(max_response_bytes=limits.pop("max_response_bytes", 1000))
    call.attempts.append(Attempt(1, Backend("b", "x", None, Timeouts(**limits), transport), "m"))
    return call


def test_answers_come_in_order():
    """Each ``Send`` takes the next answer; an exception is raised."""
    driver = ScriptedDriver([Reply(503, {"Retry-After": "1"}), OSError("reset")])
    response = driver.perform(Send(REQUEST))
    assert (response.status, response.header("retry-after"), response.request) == (503, "1", REQUEST)
    assert response.headers["RETRY-AFTER"] == "1"
    assert "Retry-After" in response.headers
    assert 3 not in response.headers
    with pytest.raises(OSError, match="reset"):
        driver.perform(Send(REQUEST))
    with pytest.raises(AssertionError, match="no answer left for <HttpRequest POST"):
        driver.perform(Send(REQUEST))
    assert driver.requests == [REQUEST] * 3


def test_a_script_may_be_a_function_of_the_request():
    """What is answered may depend on what is asked."""
    driver = ScriptedDriver(lambda request: Reply(200 if request.method == "POST" else 405))
    assert driver.perform(Send(REQUEST)).status == 200
    assert driver.perform(Send(HttpRequest("GET", REQUEST.url))).status == 405


def test_headers_that_could_not_be_sent_are_refused():
    """The scripted driver is as strict as those that send."""
    with pytest.raises(ConfigError, match="x-key"):
        ScriptedDriver([Reply()]).perform(Send(REQUEST.with_headers({"x-key": "a\nb"})))


def test_a_body_comes_block_by_block_and_ends():
    """``Read`` gives the next block, then ``b""`` for ever; empty blocks are passed over by no one else."""
    driver = ScriptedDriver([Reply(blocks=[b"a", b"b"])])
    response = driver.perform(Send(REQUEST))
    assert [driver.perform(Read(response)) for _ in range(4)] == [b"a", b"b", b"", b""]
    assert response.body.ended
    assert driver.unreleased == [response]
    response.body.release()
    assert driver.unreleased == []


def test_a_body_can_be_read_whole():
    """``whole`` takes all that is left."""
    driver = ScriptedDriver([Reply(blocks=[b"a", b"b", b"c"])])
    response = driver.perform(Send(REQUEST))
    driver.perform(Read(response))
    assert driver.perform(Read(response, whole=True)) == b"bc"


def test_reading_may_raise_in_the_middle():
    """An exception among the blocks is raised when it is reached."""
    driver = ScriptedDriver([Reply(blocks=[b"a", OSError("cut")])])
    response = driver.perform(Send(REQUEST))
    assert driver.perform(Read(response)) == b"a"
    with pytest.raises(OSError, match="cut"):
        driver.perform(Read(response))


def test_encoded_bodies_are_decoded_within_the_cap():
    """Content encoding and the cap on answers hold as they do on a network."""
    packed = gzip.compress(b"hello")
    driver = ScriptedDriver(lambda request: Reply(200, {"content-encoding": "gzip"}, [packed[:2], packed[2:]]))
    response = driver.perform(Send(REQUEST))
    assert driver.perform(Read(response, whole=True)) == b"hello"
    call = in_call(driver, max_response_bytes=3)
    with pytest.raises(Exception, match="larger than 3 bytes"):
        driver.perform(Read(driver.perform(Send(REQUEST), call), whole=True), call)


def test_a_released_body_cannot_be_read():
    """A flow that reads what it has given back is told so."""
    driver = ScriptedDriver([Reply()])
    response = driver.perform(Send(REQUEST))
    response.body.release()
    with pytest.raises(RuntimeError, match="after it had been released"):
        driver.perform(Read(response))


def test_a_response_of_another_driver_cannot_be_read():
    """Bodies belong to their driver."""
    with pytest.raises(TypeError, match="not from a scripted driver"):
        ScriptedDriver().perform(Read(HttpResponse(200, {}, REQUEST, object())))


def test_time_passes_by_the_script_within_the_limits():
    """Seconds before the head and among the blocks count against ``first_byte`` and ``idle``."""
    driver = ScriptedDriver(lambda request: Reply(after=2, blocks=[3, b"a", 2, 2.5, b"b"]))
    call = in_call(driver, first_byte=2.5, idle=4)
    begun = driver.now
    response = driver.perform(Send(REQUEST), call)
    assert driver.perform(Read(response), call) == b"a"
    assert driver.now == begun + 5
    with pytest.raises(APITimeoutError, match=r"within 2 s \(idle\)") as caught:
        driver.perform(Read(response), call)
    assert caught.value.code == "idle"
    assert driver.now == begun + 9
    with pytest.raises(APITimeoutError, match=r"\(first_byte\)"):
        driver.perform(Send(REQUEST), in_call(driver, first_byte=1))


def test_a_read_may_have_a_limit_of_its_own():
    """``within`` goes before the backend's limit."""
    driver = ScriptedDriver([Reply(blocks=[1, b"a"])])
    response = driver.perform(Send(REQUEST))
    with pytest.raises(APITimeoutError):
        driver.perform(Read(response, within=0.5))


@pytest.mark.parametrize("after", [3, 10])
def test_the_deadline_goes_before_the_limits(after):
    """Where the deadline comes first, it is what is told, and no time passes beyond it."""
    driver = ScriptedDriver([Reply(after=after)])
    call = in_call(driver, timeout=3, first_byte=9)
    with pytest.raises(DeadlineExceededError):
        driver.perform(Send(REQUEST), call)
    assert call.time_left == 0
    for effect in (Send(REQUEST), Run(print), Acquire(Gate(1))):
        with pytest.raises(DeadlineExceededError):
            driver.perform(effect, call)


def test_sleep_takes_no_time_but_the_drivers_own():
    """An hour passes at once; a sleep beyond the deadline is refused at once."""
    driver = ScriptedDriver()
    call = make_call(driver, timeout=4000)
    driver.perform(Sleep(3600), call)
    assert (call.elapsed, driver.slept) == (3600, [3600])
    with pytest.raises(DeadlineExceededError):
        driver.perform(Sleep(3600), call)
    assert call.elapsed == 3600


def test_run_calls_in_place_in_a_copy_of_the_context():
    """What a ``Run`` function sets is not seen by its flow."""
    variable = contextvars.ContextVar("variable", default=1)
    context = contextvars.copy_context()
    context.run(variable.set, 2)
    driver = ScriptedDriver()
    assert driver.perform(Run(variable.get), None, context) == 2
    driver.perform(Run(variable.set, 3), None, context)
    assert context[variable] == 2
    assert driver.perform(Run(variable.get)) == 1


def test_stop_iteration_of_a_run_function_is_a_plugin_error():
    """It could not be thrown into a generator."""
    with pytest.raises(PluginError, match=r"Run\(next, iterator, None\)"):
        ScriptedDriver().perform(Run(next, iter(())))


def test_a_gate_with_room_is_entered():
    """``Acquire`` takes a place."""
    gate, driver = Gate(1), ScriptedDriver()
    driver.perform(Acquire(gate))
    assert not gate.line_up(lambda: None).granted


def test_a_full_gate_is_waited_for_until_the_deadline_and_left():
    """Nobody else runs meanwhile, so the wait ends with the deadline; without one it would never end."""
    gate, driver = Gate(1), ScriptedDriver()
    driver.perform(Acquire(gate))
    call = make_call(driver, timeout=5)
    with pytest.raises(DeadlineExceededError):
        driver.perform(Acquire(gate), call)
    assert call.time_left == 0
    for endless in (None, make_call(driver)):
        with pytest.raises(RuntimeError, match="nobody is there to leave it"):
            driver.perform(Acquire(gate), endless)
    gate.release()
    assert gate.line_up(lambda: None).granted


def test_delivered_chunks_are_kept():
    """What the host would have been given can be looked at."""
    driver = ScriptedDriver()
    driver.perform(Deliver([piece("a"), piece("b")]))
    driver.perform(Deliver([piece("c")], last=True))
    assert driver.delivered == [piece("a"), piece("b"), piece("c")]


def test_an_invented_effect_is_refused():
    """A new effect needs a driver that knows it."""
    with pytest.raises(PluginError, match="Effect is no effect that a driver knows"):
        ScriptedDriver().perform(Effect())


def test_replies_can_be_made_of_values():
    """JSON answers and streams of events need not be spelt out."""
    reply = Reply.of_json({"a": 1}, 404, x_request_id="r")
    assert (reply.status, reply.blocks) == (404, [b'{"a":1}'])
    assert reply.headers == {"content-type": "application/json", "x-request-id": "r"}
    assert Reply.of_events({"a": 1}, 2).blocks == [b'data: {"a":1}\n\n', b"data: 2\n\n", b"data: [DONE]\n\n"]
    assert Reply.of_events(1, done=False).blocks == [b"data: 1\n\n"]
