"""Compare ``jackfield serve`` with litellm's proxy on the same mock, in one run; README.md tells how to read it.

``python benchmarks/gateway.py --litellm .bench-proxy/bin/python --check``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gateways
from load import Door, calls, streams
from payloads import KEY
from processes import Broken, Cores, Server

AT_ONCE = 32
KINDS = {"call": "answer", "stream": "single-20-250"}
"""What is asked for: a whole answer, and a stream of 20 events."""
RATE, LATENCY, MEMORY = 10.0, 0.1, 0.25
"""What is promised beside litellm: at least so many times the requests a second, at most such a part of the added
median latency and of the memory."""
FIRST = 0.5
"""What is promised of 1,000 streams: seconds to the first byte, 99 of 100."""


def main() -> int:
    """Run what the command line asks for; 1 where ``--check`` finds a promise broken."""
    options = arguments()
    if not options.litellm and not options.streams:
        sys.stderr.write("nothing is measured: name --litellm, or some --streams\n")
        return 2
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = Cores.choose()
    gateways.pin(cores.server)
    results: dict[str, Any] = {}
    with Server(cores) as url, TemporaryDirectory() as folder, ExitStack() as stack:
        mine = stack.enter_context(gateways.jackfield(url, folder, cores))
        if options.litellm:
            try:
                other = stack.enter_context(
                    gateways.litellm(url, folder, cores, python=options.litellm, models=KINDS.values())
                )
            except (Broken, OSError) as error:
                sys.stderr.write(f"litellm could not be measured: {error}\n")
                return 1
            results["rounds"] = asyncio.run(compare(Door(url, KEY), [mine, other], options.rounds, options.seconds))
            results["memory"] = {gateway.name: gateway.memory() for gateway in (mine, other)}
        if options.streams:
            results["streams"] = asyncio.run(many(mine, options.streams, options.spread, options.events))
    verdicts = judge(results)
    sys.stdout.write("\n".join([*report(results), "", *(line for _, line in verdicts)]) + "\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(options.check and not all(kept for kept, _ in verdicts))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", help="interpreter that has litellm[proxy]; left out, nothing is compared")
    parser.add_argument("--rounds", type=int, default=10, help="interleaved rounds (default: 10)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (default: 2)")
    parser.add_argument("--streams", type=int, default=1000, help="streams at once, one event a second; 0: none")
    parser.add_argument("--events", type=int, default=20, help="of each of them (default: 20)")
    parser.add_argument("--spread", type=float, default=2.0, help="seconds over which they are opened (default: 2)")
    parser.add_argument("--json", type=Path, help="write all that was measured to this file")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a promise is not kept")
    return parser.parse_args()


async def many(gateway: gateways.Gateway, count: int, spread: float, events: int) -> dict[str, float]:
    """Streams at one event a second: whether any lost something, and how long their first bytes took."""
    await calls(gateway.door, KINDS["stream"], at_once=AT_ONCE, seconds=1)  # what is only done once is not measured
    before = gateway.memory()
    running = asyncio.ensure_future(streams(gateway.door, f"paced-{events}-1", count=count, spread=spread))
    await asyncio.sleep(spread + events / 2)
    within = gateway.memory()
    firsts = sorted(times.first for times in await running)  # raises where one is not whole
    p99 = firsts[int(len(firsts) * 0.99)]
    return {"count": count, "median": statistics.median(firsts), "p99": p99, "memory": within - before}


async def compare(
    direct: Door, rivals: list[gateways.Gateway], rounds: int, seconds: float
) -> list[dict[str, dict[str, float]]]:
    """Measure the mock itself and each gateway in turn, in alternate order."""
    doors = {"direct": direct, **{rival.name: rival.door for rival in rivals}}
    for door in doors.values():
        for model in KINDS.values():
            await calls(door, model, at_once=AT_ONCE, seconds=1)
    found = []
    for number in range(rounds):
        sys.stderr.write(f"round {number + 1} of {rounds} ...\n")
        one: dict[str, dict[str, float]] = {}
        for name in list(doors)[:: 1 if number % 2 else -1]:
            one[name] = {}
            for kind, model in KINDS.items():
                alone, _ = await calls(doors[name], model, at_once=1, seconds=seconds)
                one[name][f"{kind} latency"] = statistics.median(times.last for times in alone)
                _, one[name][f"{kind} rate"] = await calls(doors[name], model, at_once=AT_ONCE, seconds=seconds)
        found.append(one)
    return found


def ratios(rounds: list[dict[str, dict[str, float]]], kind: str) -> tuple[list[float], list[float]]:
    """Of each round: requests a second as multiples of litellm's, and the added latency as a part of litellm's."""
    rates = [one["jackfield"][f"{kind} rate"] / one["litellm"][f"{kind} rate"] for one in rounds]
    name = f"{kind} latency"
    added = [
        (one["jackfield"][name] - one["direct"][name]) / (one["litellm"][name] - one["direct"][name]) for one in rounds
    ]
    return rates, added


def judge(results: dict[str, Any]) -> list[tuple[bool, str]]:
    """Whether each promise that was measured is kept, with a line that says so."""
    found: list[tuple[bool, str]] = []

    def say(kept: bool, line: str) -> None:
        found.append((kept, f"  {line}: {'kept' if kept else 'missed'}"))

    if rounds := results.get("rounds"):
        for kind in KINDS:
            rate, added = map(statistics.median, ratios(rounds, kind))
            say(rate >= RATE, f"{kind}: {rate:.1f} times the requests a second of litellm, at least {RATE:.0f}")
            say(added <= LATENCY, f"{kind}: {added:.3f} of litellm's added median latency, at most {LATENCY}")
        part = results["memory"]["jackfield"] / results["memory"]["litellm"]
        say(part <= MEMORY, f"memory: {part:.2f} of litellm's, at most {MEMORY}")
    if told := results.get("streams"):
        say(
            told["p99"] <= FIRST,
            f"{told['count']} streams whole, first byte p99 {told['p99']:.2f} s, at most {FIRST} s",
        )
    return found


def report(results: dict[str, Any]) -> list[str]:
    """The lines of the report: medians over the rounds, with the range of the ratios."""
    lines = []
    if rounds := results.get("rounds"):
        lines.append(f"{len(rounds)} rounds; latency of one at a time, requests a second of {AT_ONCE} at once")
        for kind in KINDS:
            for name in rounds[0]:
                latency = statistics.median(one[name][f"{kind} latency"] for one in rounds) * 1e3
                rate = statistics.median(one[name][f"{kind} rate"] for one in rounds)
                lines.append(f"  {kind:<7} {name:<10} {latency:>8.2f} ms {rate:>10,.0f} a second")
            rates, added = ratios(rounds, kind)
            span = f"rate {min(rates):.1f} to {max(rates):.1f}, latency {min(added):.3f} to {max(added):.3f}"
            lines.append(f"  {kind:<7} ratios: {span}")
        lines += [f"  memory  {name:<10} {size / 2**20:>8.0f} MiB" for name, size in results["memory"].items()]
    if told := results.get("streams"):
        lines.append(
            f"{told['count']} streams: first byte median {told['median'] * 1e3:.0f} ms, p99 {told['p99'] * 1e3:.0f} ms,"
            f" {told['memory'] / 2**20:.0f} MiB more"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
