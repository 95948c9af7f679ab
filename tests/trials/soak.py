#!/usr/bin/env python3
"""Callers of every kind for a long time, three of ten of them hostile: what they are answered, and whether the process stays as it was.

    tests/trials/soak.py [--seconds 600] [--nablad target/release/nablad] [--write docs/reliability.md]

A server with a file of functions is asked by callers who mean well (goodwill.py) and by others (malice.py). Exits with 1 where
- an answer to a caller who means well is not exactly what it must be, or a hostile one gets a status that its kind must not get: of 5xx
  only 503, and 504 where the deadline is what is tried;
- memory grows: the median of the last quarter of the time is more than a tenth and 16 MiB above that of the second quarter. In less
  than two minutes the caches and what each worker keeps (64 MiB) still fill, and may;
- descriptors or threads stay open: when all have gone there are as many descriptors as before, no connection, no bytes in flight, no work;
- the server is not ready at any of the looks in between, logs an error, or does not end with exit code 0.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import re
import statistics
import sys
import tempfile
import time

from daemon import Daemon, percentile
from goodwill import Person
from malice import SETTINGS, Villain
from wire import Wire, message


class Seen:
    """What was seen of the answers."""

    def __init__(self):
        self.latencies, self.wrong, self.hostile, self.statuses, self.turned_away, self.good = {}, [], {}, {}, 0, 0
        self.late = []

    def took(self, kind, seconds):
        self.latencies.setdefault(kind, []).append(seconds)
        self.good += 1


async def caller(number, daemon, seen, options, until, slow):
    """Takes turns, well-meaning and hostile, so that the share of the latter comes to what was asked for."""
    dice = random.Random(options.seed * 1000 + number)
    wire = Wire(daemon.port)
    person, villain = Person(number, wire, dice, seen), Villain(daemon.port, dice, seen)
    while time.monotonic() < until:
        hostile = sum(seen.hostile.values())
        behind = hostile < options.hostile * (hostile + seen.good + seen.turned_away)
        if dice.random() < (0.6 if behind else 0.1):
            # those who take their time take none of the others'
            slow -= {task for task in slow if task.done()}
            slow.add(asyncio.ensure_future(villain.turn(len(slow) < 100)))
            await asyncio.sleep(0)
        else:
            await person.turn()
        await asyncio.sleep(options.pause)
    wire.close()


async def looks(daemon, seen, until, every):
    """Memory, descriptors and readiness, again and again."""
    samples, wire = [], Wire(daemon.port)
    due = time.monotonic()
    while time.monotonic() < until:
        seen.late.append(time.monotonic() - due)
        samples.append((daemon.memory(), daemon.descriptors(), daemon.threads()))
        answer, _ = await wire.ask(message("GET", "/readyz"))
        if answer.status != 200:
            seen.wrong.append(f"not ready: {answer}")
        due = time.monotonic() + every
        await asyncio.sleep(every)
    wire.close()
    return samples


async def gauges(daemon):
    """What the server counts of itself."""
    wire = Wire(daemon.port)
    answer, _ = await wire.ask(message("GET", "/metrics"))
    wire.close()
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", answer.body.decode(), re.M)}


IDLE = {"nablad_http_connections": 1, "nablad_http_requests_in_flight": 1, "nablad_bytes_in_flight": 0, "nablad_queue_requests": 0, "nablad_workers_busy": 0}


async def soaked(daemon, options):
    seen, slow = Seen(), set()
    begun = time.monotonic()
    before = daemon.descriptors()
    until = begun + options.seconds
    looking = asyncio.ensure_future(looks(daemon, seen, until, min(1, options.seconds / 80)))
    await asyncio.gather(*(caller(number, daemon, seen, options, until, slow) for number in range(options.callers)))
    if slow:
        await asyncio.wait(slow)
    samples = await looking
    # connections that were closed here are gone there a moment later
    for _ in range(100):
        await asyncio.sleep(0.1)
        after, now = daemon.descriptors(), await gauges(daemon)
        left = {name: now.get(name) for name, value in IDLE.items() if now.get(name) != value}
        if not left and after <= before:
            break
    else:
        seen.wrong.append(f"10 s after all have gone: {after} descriptors instead of {before}, {left}")
    return seen, samples, now


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--callers", type=int, default=12)
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between two requests of a caller")
    parser.add_argument("--hostile", type=float, default=0.3, help="the share of hostile requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nablad", help="the server; default: the newest that was built")
    parser.add_argument("--write", help="a page with the marks <!-- soak --> and <!-- /soak -->")
    options = parser.parse_args()
    if options.nablad:
        os.environ["NABLAD"] = options.nablad
    directory = tempfile.mkdtemp(prefix="nablad-soak-")
    with open(f"{directory}/log", "w+") as log:
        daemon = Daemon(f"file:{directory}/functions.redb", log=log, settings={**SETTINGS, "log.format": "json"})
        try:
            seen, samples, now = asyncio.run(soaked(daemon, options))
            code = daemon.stop()
        finally:
            if daemon.process.poll() is None:
                daemon.kill()
        log.seek(0)
        logged = [json.loads(line) for line in log if line.startswith("{")]
    errors = [line for line in logged if line.get("level") == "ERROR"]
    quarters = [samples[len(samples) * i // 4:len(samples) * (i + 1) // 4] for i in range(4)]
    memory, files, threads = ([statistics.median(sample[i] for sample in quarter) for quarter in quarters] for i in range(3))
    most = max(sample[0] for sample in samples)
    bound = SETTINGS["service.memory_bytes"] + SETTINGS["service.cache_bytes"] + (64 << 20) * 3 + 100 * (100 << 10)
    hostile, good = sum(seen.hostile.values()), seen.good + seen.turned_away
    latencies = [seconds for all in seen.latencies.values() for seconds in all]
    mib = lambda size: f"{size / 2**20:.0f}"
    filling = SETTINGS["service.cache_bytes"] + (64 << 20) * 2 if options.seconds < 120 else 0
    flat = memory[3] <= 1.1 * memory[1] + (16 << 20) + filling
    rows = [
        (f"requests, and of them hostile, in {options.seconds:.0f} s", f"{good + hostile:,}, {hostile / (good + hostile):.0%}", "30 %", True),
        ("answers that are wrong, of either", str(len(seen.wrong)), "none", not seen.wrong),
        ("well-meaning: 503", f"{seen.turned_away} ({seen.turned_away / max(good, 1):.2%})", "", True),
        ("well-meaning: p50, p99, longest", ", ".join(f"{percentile(latencies, share) * 1e3:.1f} ms" for share in (0.5, 0.99, 1)), "", True),
        ("hostile, by status (0: closed)", ", ".join(f"{count:,} × {status}" for status, count in sorted(seen.statuses.items())), "", True),
        ("memory, median of each quarter", ", ".join(map(mib, memory)) + " MiB", f"the last ≤ 1.1 × the second + {mib((16 << 20) + filling)} MiB", flat),
        ("memory, most", f"{mib(most)} MiB", f"< {mib(bound)} MiB", most < bound),
        ("descriptors, median of each quarter", ", ".join(f"{count:.0f}" for count in files), "as before, when all have gone", True),
        ("threads, median of each quarter", ", ".join(f"{count:.0f}" for count in threads), "", True),
        ("errors logged; exit code", f"{len(errors)}; {code}", "0; 0", not errors and code == 0),
    ]
    machine = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line), platform.machine())
    build = "an unoptimised build" if "/debug/" in os.path.realpath(f"/proc/self/cwd/{os.environ.get('NABLAD', '')}") else "a release build"
    table = f"{len(os.sched_getaffinity(0))} cores ({machine}), shared with {options.callers} callers in Python; {build}; {time.strftime('%Y-%m-%d')}.\n\n"
    table += "| what | seen | must be |\n| --- | --- | --- |\n"
    table += "".join(f"| {what} | {got} | {goal} |\n" for what, got, goal, _ in rows)
    print(table)
    print(f"the callers' own loop was late by at most {max(seen.late) * 1e3:.0f} ms")
    tenths = [statistics.median(sample[0] for sample in samples[len(samples) * i // 10:len(samples) * (i + 1) // 10]) for i in range(10)]
    print(f"memory, median of each tenth: {', '.join(map(mib, tenths))} MiB; cached {mib(now['nablad_cache_bytes'])} MiB")
    slowest = sorted(((percentile(all, 0.99), kind, len(all)) for kind, all in seen.latencies.items()), reverse=True)
    print("p99 by kind: " + ", ".join(f"{kind} {seconds * 1e3:.1f} ms of {count}" for seconds, kind, count in slowest))
    print("hostile by kind: " + ", ".join(f"{count} × {kind}" for kind, count in sorted(seen.hostile.items())))
    for line in errors[:10]:
        print("LOGGED:", line)
    for mistake in seen.wrong[:20]:
        print("WRONG:", mistake)
    if options.write:
        page = open(options.write).read()
        page, count = re.subn(r"(<!-- soak -->\n).*?(<!-- /soak -->)", lambda marks: marks[1] + table + marks[2], page, flags=re.S)
        if count != 1:
            sys.exit(f"{options.write} has no marks")
        open(options.write, "w").write(page)
    return 0 if all(met for *_, met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
