"""What was measured, as tables while it runs and as a page at the end."""

import statistics
from dataclasses import dataclass

from load import Contender
from peers.report import machine, seconds, table

NABLAD = "nablad"
ECHO = "bare axum, nothing read"
TYPED = "bare axum, JSON by serde"
FASTAPI = "FastAPI + JAX"
UMBRIDGE = "UM-Bridge server + JAX"
ONE_WORKER = "nablad, one worker"
ORJSON = "FastAPI + JAX, orjson"
PYDANTIC = "FastAPI + JAX, pydantic"
ONE, TWO, APART = "one worker", "two workers", "two servers of one worker each, all of it from both at once"

INTRODUCTION = """\
# How fast as a service

Written by [benches/services/run.py](../benches/services/README.md), never by hand. Value and the five partials of Black–Scholes over HTTP
on one machine, whose processors the servers share with their load: nablad as it is installed, asked with its formula in every request; bare
axum, which knows the answer before; and FastAPI and UM-Bridge's own server, which have the function compiled in by JAX. Every answer was
held to derivatives by hand before it was timed; *differs* is the largest difference, relative to the largest number of its column.

All servers of a table run at once and take turns, in one order and then in the other. Figures are medians of the turns, and ratios are
those of the medians; beside them stand the ratios of the best turns and the median of the ratios turn by turn: where the three differ, the
machine was busy, and *foreign* says how many of its processors other processes kept busy meanwhile. A goal is met or
missed where the first and the third agree on it. *CPU* is the processor time of the server alone; *by CPU* is the ratio of what the same
work takes of it.
"""
SMALL = """\
One point a request, answered from the second time on by the program of the first; wrk with one thread. The answer of a bare server that
does not read its request is the least that HTTP costs here; the other one reads the request into numbers and prints the answer from
numbers.
"""
LARGE = """\
All points in one request, five columns of full doubles, answered with six. One connection, by the clock on the wall from the first byte
sent to the last received. What the bare servers take is what moving the bytes costs, and what reading and printing the numbers by serde
costs with it, on one core.
"""
CORES = """\
W1 at a million points: a thousand options under a thousand scenarios, for each scenario the value of all and its partials by a factor of
each input, so that next to no time goes into text. The last row is the same work twice, by two processes that share nothing: what the
machine has to give.
"""


@dataclass
class Case:
    size: int
    contenders: list[Contender]
    foreign: float = 0.0

    def of(self, name):
        return next((contender for contender in self.contenders if contender.name == name), None)


def figures(contender, figure):
    return [sample[figure] for sample in contender.samples]


def median(contender, figure):
    return statistics.median(figures(contender, figure))


def small(cases):
    rows = []
    for case in cases:
        for c in case.contenders:
            rates = figures(c, "rate")
            times = [seconds(median(c, figure)) for figure in ("p50", "p99", "cpu")]
            sizes = f"{len(c.body)} → {c.answer_bytes}"
            rows.append([str(case.size), c.name, f"{median(c, 'rate'):,.0f}", f"{min(rates):,.0f} .. {max(rates):,.0f}", *times, sizes,
                         f"{c.differs:.1e}", f"{case.foreign:.2f}"])
    head = ["connections", "server", "requests/s", "least .. most", "p50", "p99", "CPU a request", "bytes", "differs", "foreign"]
    return table(head, rows)


def large(cases):
    rows = []
    for case in cases:
        for c in case.contenders:
            sizes = f"{len(c.body) / 1e6:.1f} → {c.answer_bytes / 1e6:.1f}"
            rows.append([f"{case.size:,}", c.name, *spread(c), seconds(median(c, "cpu")), sizes, f"{c.differs:.1e}", f"{case.foreign:.2f}"])
    return table(["points", "server", "time", "least .. most", "CPU", "MB", "differs", "foreign"], rows)


def cores(cases):
    rows = []
    for case in cases:
        one = median(case.of(ONE), "seconds")
        for c in case.contenders:
            gain = len(c.servers) * one / median(c, "seconds")
            cells = [seconds(median(c, "cpu")), f"{gain:.2f}", f"{c.differs:.1e}", f"{case.foreign:.2f}"]
            rows.append([f"{case.size:,}", c.name, *spread(c), *cells])
    return table(["points", "nablad with", "time", "least .. most", "CPU", "times the work of one", "differs", "foreign"], rows)


def spread(contender):
    times = figures(contender, "seconds")
    return seconds(statistics.median(times)), f"{seconds(min(times))} .. {seconds(max(times))}"


def goals(measured):
    """The goals of what was measured, and whether they are met."""
    wanted = []
    for case in measured.get("small", []):
        if case.size == 32:
            for floor in (TYPED, ECHO):
                wanted.append((f"small request, 32 connections: requests/s ÷ {floor}", case, NABLAD, floor, "rate", max, ">=", 0.85))
                wanted.append((f"small request, 32 connections: p99 ÷ {floor}", case, NABLAD, floor, "p99", min, "<=", 2))
            wanted.append((f"small request, 32 connections: requests/s ÷ {FASTAPI}", case, NABLAD, FASTAPI, "rate", max, ">=", 20))
    for case in measured.get("large", []):
        wanted.append((f"{case.size:,} points as JSON: time ÷ {ORJSON}", case, NABLAD, ORJSON, "seconds", min, "<=", 0.4))
    for case in measured.get("cores", []):
        wanted.append((f"{case.size:,} points: time of one worker ÷ that of two", case, ONE, TWO, "seconds", min, ">=", 1.8))
    rows = []
    for label, case, ours, theirs, figure, best, sign, goal in wanted:
        a, b = case.of(ours), case.of(theirs)
        if a is None or b is None:
            continue
        ratio = median(a, figure) / median(b, figure)
        of_best = best(figures(a, figure)) / best(figures(b, figure))
        by_turn = statistics.median(x / y for x, y in zip(figures(a, figure), figures(b, figure)))
        costs = median(a, "cpu") / median(b, "cpu")
        by_cpu = {"rate": f"{1 / costs:.3g}", "seconds": f"{costs:.3g}" if ours == NABLAD else "–"}.get(figure, "–")
        missed = [goal / x if sign == ">=" else x / goal for x in (ratio, by_turn)]
        met = {0: "yes", 1: "unclear", 2: f"**missed** ({missed[0]:.2f} ×)"}[sum(x > 1 for x in missed)]
        rows.append([label, f"{'≥' if sign == '>=' else '≤'} {goal:g}", f"{ratio:.3g}", f"{of_best:.3g}", f"{by_turn:.3g}", by_cpu, met])
    return table(["", "goal", "ratio", "of the best", "turn by turn", "by CPU", "met"], rows)


def page(measured, options):
    parts = [INTRODUCTION, "## Goals\n", goals(measured)]
    sections = (
        ("small", "Small requests", SMALL, small),
        ("large", "Many points as JSON", LARGE, large),
        ("cores", "Two cores", CORES, cores),
    )
    for name, title, text, tabulate in sections:
        if name in measured:
            parts += [f"\n## {title}\n", text, tabulate(measured[name])]
    packages = ("fastapi", "uvicorn", "orjson", "pydantic", "umbridge", "aiohttp", "jax", "jaxlib", "numpy")
    turns = f"- {options.rounds} turns of {options.seconds} s with small requests, {3 * options.rounds} turns with large ones"
    parts += ["\n## The machine\n", machine("shared by servers and load", packages), turns, ""]
    return "\n".join(parts)
