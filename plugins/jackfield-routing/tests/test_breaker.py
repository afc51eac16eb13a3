"""When a circuit opens, and what it then does; driven by the engine with a clock of its own."""

from __future__ import annotations

import pickle

import pytest

from jackfield.errors import (
    APIConnectionError,
    InternalServerError,
)
from jackfield.testing import plan, run_call
from jackfield_routing.circuits import MOST


def test_ten_calls_of_which_half_fail_open_it(bench):
    """Nine failures do not, ten calls with four failures do not, the fifth does."""
    one = bench()
    one.fails = "503"
    one.call(times=9)
    assert one.state() == "closed"
    one.call()
    assert one.state() == "open"

    two = bench()
    two.call(times=5)
    two.fails = "503"
    two.call(times=4)
    two.fails = None
    two.call(times=1)
    assert two.state() == "closed"
    two.fails = "503"
    two.call(times=2)
    assert two.state() == "open"


def test_failures_that_are_long_ago_do_not_count(bench):
    """Nine failures, and a tenth 30 s later, open nothing."""
    one = bench()
    one.fails = "503"
    one.call(times=9)
    one.driver.now += 30.0
    one.call()

    assert one.state() == "closed"


@pytest.mark.parametrize(
    "kind",
    ["429", "no quota", "400", "401", "403", "404", "408", "422", "too long", "unknown", "unsupported parameter"],
)
def test_what_is_no_trouble_of_the_backend_does_not_count(bench, kind: str):
    """A hundred of them open nothing, nor do they spare it: beside them ten failures do."""
    one = bench()
    one.fails = kind
    one.call(times=100)
    assert one.state() == "closed"

    one.fails = "503"
    one.call(times=10)
    assert one.state() == "open"


def test_an_open_circuit_refuses_before_anything_is_sent(bench, ask):
    """The error says so: its code, that nothing was sent or should be tried again, and when a probe will be."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.driver.now += 1.5
    layers = plan(one, middleware=[one.layer])

    with pytest.raises(APIConnectionError) as caught:
        run_call(layers, ask(), one.driver)

    error = caught.value
    assert (error.code, error.stage, error.should_retry, error.retry_after) == ("circuit_open", "not_sent", False, 3.5)
    assert (error.backend, error.model, error.attempts) == ("test", "m", ())
    assert str(error) == "the circuit of 'test/m' is open: too many calls failed (10 of 10); the next probe in 3.5 s"
    assert pickle.loads(pickle.dumps(error)).code == "circuit_open"
    assert len(one.asked) == 10


def test_it_is_open_for_5_s_and_then_twice_as_long_each_time(bench):
    """Each probe that fails opens it for 5, 10, 20 … and at most 300 s; one that succeeds begins anew."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    for seconds in (5, 10, 20, 40, 80, 160, 300, 300):
        one.driver.now += seconds - 0.25
        assert one.call() == "circuit_open"
        one.driver.now += 0.25
        assert one.call() == "InternalServerError"
        assert one.call() == "circuit_open"
    assert len(one.asked) == 18

    one.driver.now += 300
    one.fails = None
    assert one.call() == "answer"
    assert one.state() == "closed"

    one.fails = "503"
    one.call(times=10)
    one.driver.now += 5
    assert one.call() == "InternalServerError"


def test_after_it_has_closed_old_failures_do_not_count(bench):
    """Nine failures after a good probe open nothing."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.driver.now += 5
    one.fails = None
    one.call()
    one.fails = "503"
    one.call(times=9)

    assert one.state() == "closed"


@pytest.mark.parametrize("kind", ["429", "404", "unknown"])
def test_a_probe_that_is_refused_by_the_backend_closes_it(bench, kind: str):
    """The backend is there, which is what was asked."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.driver.now += 5
    one.fails = kind
    one.call()

    assert one.state() == "closed"


def test_an_outage_costs_few_requests(bench):
    """10,000 calls within 1,000 s of an outage are ten requests and one probe in each period; then one brings it back."""
    one = bench()
    one.fails = "503"
    for _ in range(10_000):
        one.call()
        one.driver.now += 0.1

    assert len(one.asked) == 10 + 8  # at 5, 15, 35, 75, 155, 315, 615 and 915 s
    one.fails = None
    one.driver.now += 300
    assert one.call(times=100) == "answer"
    assert len(one.asked) == 18 + 100


def test_models_have_circuits_of_their_own(bench):
    """One model of a backend that fails, and one of another, are no others' business."""
    one = bench()
    one.fails = "503"
    one.call("m", times=10)
    one.fails = None

    assert one.call("n") == "answer"
    assert one.call("other/m") == "answer"
    assert one.call("m") == "circuit_open"


def test_one_model_has_one_circuit_whatever_it_is_called(bench):
    """What leads to the same model of the same backend has the same circuit."""
    one = bench()
    one.fails = "503"
    one.call("m", times=5)
    one.call("test/m", times=5)

    assert one.call("m") == one.call("test/m") == "circuit_open"


def test_inside_a_backend_it_works_as_well(bench, ask):
    """There the circuits are those of its models."""
    one = bench()
    one.fails = "503"
    layers = plan(one, backend_middleware=[one.layer])
    for _ in range(10):
        with pytest.raises(InternalServerError):
            run_call(layers, ask(), one.driver)

    with pytest.raises(APIConnectionError, match="the circuit of 'test/m' is open"):
        run_call(layers, ask("test/m"), one.driver)


def test_a_name_that_leads_nowhere_has_no_circuit(bench):
    """The host's mistake is told as it is, however often, and leaves nothing behind."""
    one = bench(min_calls=1)

    assert one.call("nowhere/m", times=5) == "model_not_found"
    assert not one.layer._circuits._circuits


def test_made_up_names_do_not_fill_the_memory(bench):
    """A backend that answers to any name has no more than 1,024 circuits; the open one that is asked for stays."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.fails = None
    for number in range(3000):
        one.call(f"made-up-{number}")
        if number % 500 == 0:
            assert one.call() == "circuit_open"

    assert len(one.layer._circuits._circuits) == MOST
