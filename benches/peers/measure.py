"""Cases, and how their contenders are timed: in turn, in one run, on one core.

The time of a sample is the processor time of the process that computes: what a clock on the wall would show on a machine that does
nothing else. The wall is recorded beside it, and so is what other processes did meanwhile.
"""

import os
import statistics
import time
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

TOLERANCE = 1e-12


@dataclass
class Contender:
    """One way to compute the answer of a case.

    `kind` is the column of the table it stands in: nablad, JAX, CasADi VM, PyTorch, NumPy or limit. `run(n)` computes n times;
    `answer()` is what it computed: all of the case's reference, or its last part.
    """

    kind: str
    name: str
    run: Callable[[int], object]
    answer: Callable[[], np.ndarray]
    compile_seconds: float | None = None
    pid: int = 0
    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.processor)

    def release(self):
        """Lets the data go; what was measured stays."""
        self.run = self.answer = None

    def clock(self):
        # the clock of another process, as clock_getcpuclockid(3) makes it
        return time.clock_gettime((~self.pid << 3) | 2) if self.pid else time.process_time()

    def sample(self, repeats):
        processor, wall = self.clock(), time.perf_counter()
        self.run(repeats)
        return (self.clock() - processor) / repeats, (time.perf_counter() - wall) / repeats


@dataclass
class Case:
    """A workload at one size: nablad's request, the answer that all must give, the peers, and the goals as ratios by kind."""

    workload: str
    size: str
    endpoint: str
    request: dict
    reference: np.ndarray
    peers: list[Contender]
    goals: dict[str, float]
    contenders: list[Contender] = field(default_factory=list)
    foreign: float = 0.0

    @property
    def label(self):
        return f"{self.workload}, {self.size}"

    def best(self, kind):
        """The fastest of a kind."""
        return min((c for c in self.contenders if c.kind == kind), key=lambda c: c.median, default=None)


def error(answer, reference):
    """The largest difference, against the largest number of the reference."""
    answer = np.asarray(answer, float).ravel()
    reference = np.asarray(reference, float).ravel()[-answer.size:]
    return float(np.max(np.abs(answer - reference)) / np.max(np.abs(reference)))


def check(case, contender):
    """Ends the run where an answer is wrong."""
    answer = contender.answer()
    whole = answer.size == case.reference.size or contender.kind != "nablad"
    if not whole or not error(answer, case.reference) <= TOLERANCE:
        raise SystemExit(f"{case.label}: {contender.name} is off by {error(answer, case.reference):.2e}")


def measure(case, nablad, rounds, sample_seconds, most_seconds):
    """Times all contenders of a case in turn, forwards and backwards, after checking what they answer."""
    case.contenders = [nablad, *case.peers]
    plans = []
    for contender in case.contenders:
        contender.run(1)
        check(case, contender)
        repeats, seconds = 1, contender.sample(1)[0]
        while seconds * repeats < sample_seconds:
            repeats = int(repeats * min(10, max(1.5, 1.1 * sample_seconds / max(seconds * repeats, 1e-9)))) + 1
            seconds = contender.sample(repeats)[0]
        plans.append((contender, repeats, max(3, min(rounds, int(most_seconds / (seconds * repeats))))))
    with Foreign(nablad.pid) as foreign:
        for number in range(rounds):
            for contender, repeats, share in plans if number % 2 == 0 else plans[::-1]:
                if number < share:
                    processor, wall = contender.sample(repeats)
                    contender.processor.append(processor)
                    contender.wall.append(wall)
    for contender in case.contenders:
        check(case, contender)  # what was timed is what was checked
    case.foreign = foreign.processors


class Foreign:
    """How many processors other processes kept busy."""

    def __init__(self, pid):
        self.pid = pid

    def snapshot(self):
        user, nice, system, _, _, irq, softirq, _ = map(int, open("/proc/stat").readline().split()[1:9])
        busy = (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
        own = time.process_time() + time.clock_gettime((~self.pid << 3) | 2)
        return busy - own, time.perf_counter()

    def __enter__(self):
        self.before = self.snapshot()
        return self

    def __exit__(self, *_):
        busy, now = self.snapshot()
        self.processors = max(0.0, (busy - self.before[0]) / (now - self.before[1]))
