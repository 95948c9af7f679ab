"""What was measured, as lines while it runs and as a page at the end."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

KINDS = ("JAX", "CasADi VM", "PyTorch", "NumPy", "limit")
# seconds from the bytes of a request to those of its answer
FIRST_GOALS = {"W1 Black–Scholes, 1 point": 0.002, "W8 random graph, 100,000 nodes": 0.1}

INTRODUCTION = """\
# How fast

Written by [benches/peers/run.py](../benches/peers/README.md), never by hand. Value and derivatives of the same functions at the same
numbers, double precision, **one core**: nablad's engine in process, given its function as the JSON graph or formula that a client sends, and
in the same run, taking turns with it, the other ways to get the same numbers. Every answer was checked against derivatives by hand before and
after it was timed (largest difference within 1e-12 of the largest number). The server has [a page of its own](performance-services.md).

- *JAX* is `jit`-compiled, device arrays in and out; *CasADi VM* its virtual machine through its buffers; *PyTorch* is eager.
- The *limit* is what the machine can do with this function by hand: vector loops in C with `-ffast-math`, a tape in C for the random graph,
  NumPy over OpenBLAS where matrix products are all that counts.
- Times are processor time, warm, medians of samples; ratios are those of the medians. Beside them stand the ratios of the shortest samples
  and of the medians by the clock on the wall: where the three differ, the machine was busy, and *foreign* says how many of its processors
  other processes kept busy meanwhile.
"""


def seconds(time):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if time >= size:
            return f"{time / size:.3g} {unit}"
    return f"{time * 1e9:.3g} ns"


def lines(case):
    """A case as it is printed when it is measured."""
    found = [f"{case.label} (foreign {case.foreign:.2f})"]
    for c in case.contenders:
        spread = f"[{seconds(min(c.processor))} .. {seconds(max(c.processor))}]"
        compiled = "" if c.compile_seconds is None else f"  compiled in {seconds(c.compile_seconds)}"
        found.append(f"  {c.name:28} {seconds(c.median):>9} {spread:28}{compiled}")
    return "\n".join(found)


def table(head, rows):
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def goals(cases):
    rows = []
    for case in cases:
        nablad = case.contenders[0]
        for kind, goal in case.goals.items():
            peer = case.best(kind)
            if peer is None:
                continue
            ratio = nablad.median / peer.median
            wall = sorted(nablad.wall)[len(nablad.wall) // 2] / sorted(peer.wall)[len(peer.wall) // 2]
            least = min(nablad.processor) / min(peer.processor)
            verdict = "yes" if ratio <= goal else f"**missed** ({ratio / goal:.1f} ×)"
            rows.append([case.label, peer.name, f"{goal:g}", f"{ratio:.3g}", f"{least:.3g}", f"{wall:.3g}", verdict])
    return table(["workload", "nablad ÷", "goal ≤", "ratio", "of the shortest", "by the wall", "met"], rows)


def times(cases):
    rows = []
    for case in cases:
        best = [case.best(kind) for kind in ("nablad", *KINDS)]
        cells = ["–" if c is None else seconds(c.median) for c in best]
        rows.append([case.label, *cells, f"{case.foreign:.2f}"])
    return table(["workload", "nablad", *KINDS, "foreign"], rows)


def first_answers(firsts):
    rows = []
    for case, sorted_times in firsts:
        goal, median = FIRST_GOALS[case.label], sorted_times[len(sorted_times) // 2]
        verdict = "yes" if median <= goal else f"**missed** ({median / goal:.1f} ×)"
        others = [case.best(kind) for kind in ("JAX", "CasADi VM")]
        compiled = ["–" if c is None else seconds(c.compile_seconds) for c in others]
        rows.append([case.label, seconds(goal), seconds(median), seconds(sorted_times[0]), verdict, *compiled])
    return table(["workload", "goal ≤", "median", "shortest", "met", "JAX compiles in", "CasADi builds in"], rows)


def tables(cases, firsts):
    parts = ["## Goals\n", goals(cases), "\n## Times\n\nThe fastest of each kind.\n", times(cases)]
    if firsts:
        parts += ["\n## First answers\n\nFrom the bytes of a request to the bytes of its answer, where nothing is known of the function:"]
        parts += ["reading, compiling, running, writing. By the clock on the wall.\n", first_answers(firsts)]
    return "\n".join(parts)


def page(cases, firsts):
    return "\n".join([INTRODUCTION, tables(cases, firsts), "\n## The machine\n", machine(), ""])


def machine(used="of which one was used", measured=("jax", "jaxlib", "casadi", "torch", "numpy", "scipy")):
    """The facts that numbers depend on, the versions of what was measured among them."""
    cpu = dict(line.split(":", 1) for line in command("lscpu").splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in cpu.items()}
    flags = facts.get("Flags", "").split()
    vectors = [name for flag, name in (("avx2", "AVX2"), ("fma", "FMA"), ("avx512f", "AVX-512")) if flag in flags]
    caches = [f"{name} {facts[key]}" for name, key in (("L1d", "L1d cache"), ("L2", "L2 cache"), ("L3", "L3 cache")) if key in facts]
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = f"{facts.get('Model name', platform.processor())}, family {facts.get('CPU family')} model {facts.get('Model')}"
    virtual = f"; virtual ({facts['Hypervisor vendor']})" if "Hypervisor vendor" in facts else ""
    packages = [f"{name} {version(name)}" for name in measured if version(name)]
    found = [
        f"{datetime.date.today()}, revision {command('git', 'rev-parse', '--short', 'HEAD')}",
        f"{model}, {facts.get('CPU(s)')} processors {used}, {', '.join(vectors)}{virtual}",
        f"caches of the machine: {'; '.join(caches)}; memory {gib:.0f} GiB",
        f"Linux {platform.release().split('-')[0]}, {' '.join(platform.libc_ver())}, {command('gcc', '--version').splitlines()[0]}",
        f"{command('rustc', '--version')}, Python {platform.python_version()}, {', '.join(packages)}",
    ]
    return "\n".join(f"- {fact}" for fact in found)


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def command(*words):
    return subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()
