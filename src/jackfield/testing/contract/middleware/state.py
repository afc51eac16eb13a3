"""Checks of state: many calls at once do not mix, and none of them leaves anything behind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from jackfield.errors import CallError
from jackfield.testing.contract.middleware import patience
from jackfield.testing.contract.middleware.calls import modes
from jackfield.testing.contract.middleware.crowd import Interleaved, threaded_trial, together
from jackfield.testing.contract.middleware.faults import interrupted
from jackfield.testing.contract.middleware.judge import judge
from jackfield.testing.contract.middleware.onion import Onion, onion
from jackfield.testing.contract.middleware.quiet import sleepless
from jackfield.testing.contract.middleware.source import FAILING, WELL, Act, said
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.middleware.trial import MODES, Trial, ask
from jackfield.testing.contract.middleware.weight import CONTAINERS, counts, of_class, own, sizes, weight
from jackfield.testing.contract.verdict import one_line

ORDERS, CALLS, THREADS, ROUNDS = 16, 5, 8, 4
TAKEN_DOWN = 64
LATER = 40 * 24 * 3600.0
"""Seconds after which what goes by the day or month, or keeps away from a backend that fails, lets calls through."""
MANY = 1000
FEW = 10
GIVES_BACK = "what a call takes it gives back, in finally, however it ends"
SO_MUCH = "nothing is kept of a call that has ended, or only so much"
OWN = "what belongs to one call is in call.state[self], what belongs to all is guarded by a lock"


def alone(subject: Subject, text: str, mode: str) -> str:
    """The text of an answer where nothing else goes on."""
    return heard(Trial(onion(subject), "", ask(text, mode=mode)).run())


def heard(outcome: Any) -> str:
    """An outcome as text."""
    return told(outcome) if isinstance(outcome, BaseException) else said(outcome)


def refused(one: Trial) -> bool:
    """Whether a call ended by a failure that the plugin itself made and says it makes: too many go on at once, say."""
    subject, outcome = one.onion.subject, one.outcome
    if not isinstance(outcome, CallError) or not (subject.answers or subject.changes_outcome):
        return False
    flows = [passage for passage in one.onion.tape.passages if passage.call is one.call]
    return any(passage.outcome is outcome and outcome not in passage.errors for passage in flows)


def same(one: Trial) -> None:
    """Fail the test unless a call that has ended came to what it comes to alone, or to a refusal that is declared."""
    judge(one)
    subject = one.onion.subject
    if refused(one):
        return
    question = one.request.messages[-1].content  # type: ignore[union-attr]  # the kit's own message
    wanted, got = alone(subject, str(question), one.mode), heard(one.outcome)
    if wanted != got:
        subject.fail(
            f"answered {one_line(got, 90)!r} where alone it answers {one_line(wanted, 90)!r}", one.place, wants=OWN
        )


class StateChecks:
    """One instance serves many calls, threads and clients."""

    def test_calls_do_not_mix(self, subject: Subject) -> None:
        """Calls that are driven by turns, in many orders, come to what they come to alone."""
        for seed in range(ORDERS):
            crowd = Interleaved(onion(subject), [MODES[(number + seed) % 2] for number in range(CALLS)], seed)
            crowd.run()
            for one in crowd.trials.values():
                same(one)

    @modes
    def test_no_lock_is_held_over_a_yield(self, subject: Subject, mode: str) -> None:
        """While one call stands still at any of its effects, another thread's call goes on."""
        effects = 0
        shared = onion(subject)
        while True:
            one = Trial(shared, f"while another call waits at effect {effects + 1}", ask(mode=mode))
            if not one.on(effects):
                break
            thread = threading.Thread(target=_quietly, args=(shared, mode), daemon=True)
            with subject.pulse.hold():
                thread.start()
                thread.join(patience.PATIENCE / 4)
            one.cancel()
            if thread.is_alive():
                subject.fail("blocked", one.place, wants="no lock is held over a yield, and no hook blocks")
            effects += 1

    def test_many_threads(self, subject: Subject) -> None:
        """Many threads use one instance at once, each for calls of its own."""
        shared = onion(subject)

        def job(number: int) -> Callable[[], None]:
            def calls() -> None:
                for turn in range(ROUNDS):
                    text, where = f"question {number}.{turn}", f"one of {THREADS} threads"
                    one = threaded_trial(shared, text, MODES[turn % 2], where)
                    one.run()
                    same(one)

            return calls

        together(shared, [job(number) for number in range(THREADS)])

    @modes
    def test_ended_calls_give_back_what_they_took(self, subject: Subject, mode: str) -> None:
        """After many calls that failed, were taken down or ran out of time, one that comes much later is answered."""
        text = "question 0"
        if isinstance(Trial(onion(subject), "", ask(text, mode=mode)).run(), BaseException):
            return
        for how, end in ENDS.items():
            shared = onion(subject)
            for number in range(TAKEN_DOWN):
                end(shared, number, mode)
                shared.tape.clear()
            shared.now += LATER
            one = Trial(shared, f"long after {TAKEN_DOWN} calls that {how}", ask(text, mode=mode))
            outcome = one.run()
            judge(one)
            if isinstance(outcome, BaseException):
                subject.fail(f"failed with {told(outcome)}", one.place, wants=GIVES_BACK)

    def test_instances_share_nothing(self, subject: Subject) -> None:
        """What happens to one client's instance is no other's business."""
        first, second = subject.make(), subject.make()
        theirs = own(second)
        for name, value in own(first).items():
            if isinstance(value, CONTAINERS) and theirs.get(name) is value:
                subject.fail(
                    f"has one {type(value).__name__} as {name} of all its instances",
                    wants="an instance's state is its own: attrs.field(init=False, factory=...)",
                )
        before = {name: weight(value) for name, value in of_class(subject.cls).items()}
        shared = onion(subject, instance=first)
        for make in KINDS.values():
            make(shared, 0)
        settled = counts(subject.cls)  # what is made when it is first needed is made now
        for make in KINDS.values():
            make(shared, 0)
        changed = [name for name, value in of_class(subject.cls).items() if weight(value) != before.get(name)]
        changed += [name for name, value in counts(subject.cls).items() if value != settled.get(name)]
        for name in changed:
            subject.fail(
                f"keeps what happens in calls in {subject.name}.{name}, which all instances share",
                wants="an instance's state is its own",
            )

    def test_nothing_is_kept_of_finished_calls(self, subject: Subject) -> None:
        """After a thousand calls, answered, failed or taken down, an instance keeps what it kept before."""
        sleepless(subject)
        shared = onion(subject)
        instance = shared.instances[0]
        for kind, make in KINDS.items():
            for number in range(MANY // 10):
                make(shared, number)
            before, had = _measured(subject, instance)
            calls = [make(shared, number) for number in range(MANY)]
            kept, has = _measured(subject, instance)
            alive = sum(call() is not None for call in calls)
            if alive > FEW:
                subject.fail(f"keeps {alive} calls of {MANY} that have ended", f"calls {kind}", wants=OWN)
            del calls
            grown = kept - before
            if grown >= MANY:
                subject.fail(
                    f"keeps something of each call: it has grown by {grown} items in {MANY} calls",
                    f"calls {kind}",
                    wants=SO_MUCH,
                )
            for name, size in has.items():
                grown = size - had.get(name, 0)
                if grown >= MANY:
                    subject.fail(
                        f"keeps something of each call in {name}: it has grown by {grown} items in {MANY} calls",
                        f"calls {kind}",
                        wants=SO_MUCH,
                    )


def _measured(subject: Subject, instance: Any) -> tuple[int, dict[str, int]]:
    """What an instance keeps, and what its class and module do; garbage is collected before."""
    with subject.pulse.hold():  # to measure takes long on a busy machine, and is no fault of the plugin
        gc.collect()
        return weight(*own(instance).values()), sizes(subject.cls)


def _quietly(shared: Onion, mode: str) -> None:
    """Make a call; what comes of it is looked at elsewhere."""
    with suppress(pytest.fail.Exception):
        Trial(shared, "", ask("another question", mode=mode)).run()


def _call(shared: Onion, number: int, mode: str) -> Trial:
    shared.now += 60.0
    return Trial(shared, "", ask(f"question {number % 8}", mode=mode))


def _ended(one: Trial) -> weakref.ref[Any]:
    call = weakref.ref(one.call)
    one.onion.tape.clear()
    one.onion.source.requests.clear()
    one.onion.source.exchanges.clear()
    return call


def _answered(mode: str) -> Callable[[Onion, int], weakref.ref[Any]]:
    def make(shared: Onion, number: int) -> weakref.ref[Any]:
        one = _call(shared, number, mode)
        one.run()
        return _ended(one)

    return make


def _failed(shared: Onion, number: int) -> weakref.ref[Any]:
    shared.source.acts = (FAILING,)
    one = _call(shared, number, "whole")
    one.run()
    shared.source.acts = (WELL,)
    return _ended(one)


def _cancelled(shared: Onion, number: int) -> weakref.ref[Any]:
    one = _call(shared, number, "streamed")
    one.until_chunks(2)
    one.cancel()
    return _ended(one)


def _fails(shared: Onion, number: int, mode: str) -> None:
    shared.source.acts = (FAILING if number % 2 else Act(interrupted, 2),)
    _call(shared, number, mode).run()
    shared.source.acts = (WELL,)


def _leaves(shared: Onion, number: int, mode: str) -> None:
    one = _call(shared, number, mode)
    if one.on(number % 4):
        one.cancel()


def _runs_out(shared: Onion, number: int, mode: str) -> None:
    one = _call(shared, number, mode)
    if one.on(number % 4):
        one.expire()


ENDS: dict[str, Callable[[Onion, int, str], None]] = {
    "failed": _fails,
    "were cancelled": _leaves,
    "ran out of time": _runs_out,
}
"""Ends of calls that are no answers."""
KINDS: dict[str, Callable[[Onion, int], weakref.ref[Any]]] = {
    "answered whole": _answered("whole"),
    "answered by a stream": _answered("streamed"),
    "that failed": _failed,
    "closed by the host": _cancelled,
}
