"""The counting gate that threads and tasks share."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jackfield import Gate


def test_a_gate_has_room_for_at_least_one():
    """A gate that nobody could pass is refused."""
    with pytest.raises(ValueError, match="size: expected at least 1"):
        Gate(0)


def test_whoever_finds_room_is_let_in_at_once_and_not_notified():
    """The first ``size`` tickets are granted as they are taken."""
    gate, notified = Gate(2), []
    tickets = [gate.line_up(lambda: notified.append(1)) for _ in range(3)]
    assert [ticket.granted for ticket in tickets] == [True, True, False]
    assert notified == []


def test_release_lets_the_longest_waiting_in_and_notifies_it():
    """The line is served in order."""
    gate, notified = Gate(1), []
    gate.line_up(lambda: notified.append("first"))
    second = gate.line_up(lambda: notified.append("second"))
    third = gate.line_up(lambda: notified.append("third"))
    gate.release()
    assert (second.granted, third.granted, notified) == (True, False, ["second"])


def test_leaving_the_line_gives_the_place_up():
    """Who leaves before it was granted anything is not let in later."""
    gate = Gate(1)
    gate.line_up(lambda: None)
    second, third = gate.line_up(lambda: None), gate.line_up(lambda: None)
    gate.leave(second)
    gate.release()
    assert (second.granted, third.granted) == (False, True)


def test_leaving_with_a_granted_ticket_passes_it_on():
    """A ticket that was granted just before its holder gave up is not lost."""
    gate = Gate(1)
    first, second = gate.line_up(lambda: None), gate.line_up(lambda: None)
    gate.leave(first)
    assert second.granted


def test_who_cannot_be_notified_any_more_is_passed_over():
    """The event loop on which one waits may be closed: the next one gets the place, and nobody twice."""
    gate, notified = Gate(1), []

    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    gate.line_up(closed)
    gone = [gate.line_up(closed) for _ in range(2)]
    third = gate.line_up(lambda: notified.append("third"))
    gate.release()
    assert ([ticket.granted for ticket in gone], third.granted, notified) == ([False, False], True, ["third"])
    for ticket in gone:
        gate.leave(ticket)  # when the garbage of that loop is collected
    gate.release()
    assert [gate.line_up(closed).granted for _ in range(2)] == [True, False]


def test_releasing_more_often_than_entering_is_an_error():
    """A layer that releases twice would let too many in."""
    gate = Gate(1)
    with pytest.raises(RuntimeError, match="released more often than it was entered"):
        gate.release()


def test_a_gate_is_never_fuller_than_its_size_with_many_threads():
    """Threads that enter and leave at once never exceed the size, and all get through."""
    gate, inside, most, lock = Gate(3), [0], [0], threading.Lock()

    def work():
        for _ in range(50):
            entered = threading.Event()
            if not gate.line_up(entered.set).granted:
                entered.wait()
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.001)  # so that the others come while it is inside
            with lock:
                inside[0] -= 1
            gate.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 3
    assert all(gate.line_up(lambda: None).granted for _ in range(3))


class GateMachine(RuleBasedStateMachine):
    """A gate beside a list that says who is inside and who waits."""

    def __init__(self):
        super().__init__()
        self.gate, self.inside, self.waiting, self.notified = Gate(2), [], [], []

    @rule()
    def line_up(self):
        number = []
        ticket = self.gate.line_up(lambda: self.notified.append(number))
        number.append(ticket)
        (self.inside if len(self.inside) < 2 else self.waiting).append(ticket)

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def release(self, data):
        self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1)))
        self.gate.release()
        self._let_in()

    @precondition(lambda self: self.inside or self.waiting)
    @rule(data=st.data())
    def leave(self, data):
        ticket = data.draw(st.sampled_from(self.inside + self.waiting))
        held = ticket in self.inside
        (self.inside if held else self.waiting).remove(ticket)
        self.gate.leave(ticket)
        if held:
            self._let_in()

    def _let_in(self):
        if self.waiting:
            self.inside.append(self.waiting.pop(0))
            assert self.notified.pop()[0] is self.inside[-1]
        assert self.notified == []

    @invariant()
    def tickets_tell_the_truth(self):
        assert all(ticket.granted for ticket in self.inside)
        assert not any(ticket.granted for ticket in self.waiting)


TestGateMachine = GateMachine.TestCase
TestGateMachine.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
