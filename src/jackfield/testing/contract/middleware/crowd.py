"""Crowd: many calls at once through one onion, driven by one thread in any order, or by a thread each."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.flow import Acquire, Effect
from jackfield.gate import Ticket
from jackfield.testing.contract.middleware import patience
from jackfield.testing.contract.middleware.onion import Onion
from jackfield.testing.contract.middleware.service import KitDriver, Service
from jackfield.testing.contract.middleware.trial import Trial, ask


class WaitingDriver(KitDriver):
    """A scripted driver that waits for a gate, as the one of a real client does."""

    def perform(self, effect: Effect, call: Call | None = None, context: Any = None) -> Any:
        """Perform one effect."""
        if not isinstance(effect, Acquire):
            return super().perform(effect, call, context)
        granted = threading.Event()
        ticket = effect.gate.line_up(granted.set)
        if not ticket.granted and not granted.wait(patience.PATIENCE):
            effect.gate.leave(ticket)
            raise TimeoutError("nobody has left the gate")
        return None


@attrs.define(eq=False)
class Interleaved:
    """Calls that one thread drives, a step of one and a step of another, in an order by chance.

    Args:
        onion: that all go through.
        modes: of the calls, whose questions are their numbers.
        seed: of the order.
    """

    onion: Onion
    modes: list[str]
    seed: int
    trials: dict[int, Trial] = attrs.field(factory=dict, init=False)
    _tickets: dict[int, Ticket] = attrs.field(factory=dict, init=False)

    def run(self) -> None:
        """Drive all of them to their ends; one of them is cancelled on the way."""
        chance = random.Random(self.seed)  # noqa: S311 - an order, which is to be the same each time
        left = list(range(len(self.modes)))
        victim, turns = chance.choice(left), chance.randint(1, 8)
        while left:
            turns -= 1
            chance.shuffle(left)
            moved = [number for number in list(left) if self._step(number, left)]
            if not moved:
                where = f"{len(left)} calls at once"
                self.onion.subject.fail("lets nobody through its gate", where, wants="who has entered a gate leaves it")
            one = self.trials[victim]
            if victim in left and turns <= 0:
                self._drop(victim)
                one.cancel()
                left.remove(victim)
        self.trials.pop(victim)

    def _step(self, number: int, left: list[int]) -> bool:
        one = self.trials.get(number)
        if one is None:
            where = f"while {len(self.modes)} calls were driven by turns, order {self.seed}"
            request = ask(f"question {number}", mode=self.modes[number])
            one = self.trials[number] = Trial(self.onion, where, request)
        elif isinstance(one.effect, Acquire):
            ticket = self._tickets.setdefault(number, one.effect.gate.line_up(lambda: None))
            if not ticket.granted:
                return False
            del self._tickets[number]
            one.done += 1
            one.effect = one.engine.step(None)
        else:
            one.step()
        if one.effect is None:
            left.remove(number)
        return True

    def _drop(self, number: int) -> None:
        effect, ticket = self.trials[number].effect, self._tickets.pop(number, None)
        if ticket is not None and isinstance(effect, Acquire):
            effect.gate.leave(ticket)


def together(onion: Onion, jobs: list[Callable[[], None]]) -> None:
    """Do jobs in a thread each, all at once, and raise the first failure of any."""
    failures: list[BaseException] = []
    interval = sys.getswitchinterval()
    # Once all of them have begun: tools that trace threads cannot stand it while a thread begins.
    start = threading.Barrier(len(jobs), action=lambda: sys.setswitchinterval(1e-6))
    begun = threading.Semaphore(0)

    def work(job: Callable[[], None]) -> None:
        begun.release()
        start.wait(patience.PATIENCE)
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - told by the thread that runs the tests
            failures.append(error)

    threads = [threading.Thread(target=work, args=(job,), daemon=True) for job in jobs]
    try:
        with onion.subject.pulse.hold():
            for thread in threads:
                thread.start()
                begun.acquire(timeout=patience.PATIENCE)
            _wait(threads, failures)
    finally:
        sys.setswitchinterval(interval)
    if failures:
        raise failures[0]
    if any(thread.is_alive() for thread in threads):
        onion.subject.fail("blocked", f"{len(jobs)} threads at once", wants="hooks never block")


def _wait(threads: list[threading.Thread], failures: list[BaseException]) -> None:
    """Until all have ended, one has failed, or one hangs."""
    until = time.monotonic() + 2 * patience.PATIENCE  # who waits for a gate gives up before, and tells more
    for thread in threads:
        while thread.is_alive() and not failures and time.monotonic() < until:
            thread.join(0.05)


def threaded_trial(onion: Onion, text: str, mode: str, where: str) -> Trial:
    """A call for a thread of its own."""
    return Trial(onion, where, ask(text, mode=mode), driver=WaitingDriver(Service(onion)))
