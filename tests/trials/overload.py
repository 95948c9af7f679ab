#!/usr/bin/env python3
"""Four times more load than the server can do: what happens to those it takes, and how fast it says no to the rest.

Starts a server of its own and measures in one run: start-up time and idle memory; in turns of seconds answers to one caller at a time, the
peak, with as many callers as keep every worker busy, and requests on a schedule that waits for nobody (an open loop) at a multiple of that
peak; last, memory under bodies that are together far larger than the memory that requests may hold. Python's standard library is all it needs.

Exit code 1 where a goal is missed. `--write docs/reliability.md` puts the table there, between its marks.
"""

import argparse
import asyncio
import json
import math
import os
import platform
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from wire import receive

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


class Server:
    """A server on a free port."""

    def __init__(self, binary, **settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NABLAD__")}
        environment |= {"NABLAD__" + name.replace(".", "__").upper(): str(value) for name, value in settings.items()}
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        self.start_seconds = time.perf_counter() - begun
        if "listening on" not in line:
            sys.exit("the server did not start")
        self.port = int(line.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def memory(self, field="VmRSS"):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024


class Connection:
    """One kept connection: a request at a time, its status and the seconds it took."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def post(self, path, body):
        begun = time.perf_counter()
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.writer.write(head.encode() + body)
            await self.writer.drain()
            answer = await receive(self.reader)
            status = answer.status
            if status in (429, 503) and "retry-after" not in answer.headers:
                status = -1
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            status = 0
        return status, time.perf_counter() - begun

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


def request(size):
    """A gradient over a vector of so many elements: little to send and to answer, much to compute."""
    formula = "sum(sin(v*x)*exp(-v*x) + tanh(v + x)); "
    return json.dumps({"formula": f"v = broadcast_to(x, shape=[{size}]) * 0.5 + cumulative_sum(broadcast_to(x, shape=[{size}])) * 1e-6; {formula}",
                       "at": {"x": 0.7}}).encode()


async def closed(port, path, body, callers, seconds, pause=0.005):
    """Callers who each wait for their answer: the answers' seconds by status."""
    seen = {}
    end = time.perf_counter() + seconds

    async def call():
        connection = Connection(port)
        while time.perf_counter() < end:
            status, took = await connection.post(path, body)
            seen.setdefault(status, []).append(took)
            if status != 200:
                await asyncio.sleep(pause)
        connection.close()

    await asyncio.gather(*(call() for _ in range(callers)))
    return seen


class Wire:
    """A kept connection of the open loop: when its request was due, what has come of the answer."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due, self.received = None, b""

    def receive(self):
        """The answer's status, 0 if the connection was closed, none if there is more to come."""
        try:
            data = self.socket.recv(1 << 20)
        except OSError:
            data = b""
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        head = self.received[:end].lower()
        if not data:
            return 0
        if end < 0 or len(self.received) < end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0]):
            return None
        self.received = b""
        status = int(head[9:12])
        return -1 if status == 503 and b"retry-after:" not in head else status


def opened(port, path, body, rate, seconds):
    """Requests at that rate, whatever becomes of them: the answers' seconds by status, from when each was due.

    Sockets and nothing above them: on the server's own cores the generator must cost next to nothing.
    """
    seen, idle, busy = {}, [Wire(port) for _ in range(20)], {}
    message = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    events = select.epoll()
    clock = time.perf_counter
    number, begun = 0, clock()
    while clock() < begun + seconds + 30 and (number < rate * seconds or busy):
        due = begun + number / rate
        if number >= rate * seconds:
            due = math.inf
        elif due <= clock():
            wire = idle.pop() if idle else Wire(port)
            wire.due = due
            wire.socket.sendall(message)
            events.register(wire.socket, select.EPOLLIN)
            busy[wire.socket.fileno()] = wire
            number += 1
            continue
        for file, _ in events.poll(min(max(due - clock(), 0), 1)):
            status = busy[file].receive()
            if status is None:
                continue
            wire = busy.pop(file)
            events.unregister(file)
            seen.setdefault(status, []).append(clock() - wire.due)
            if status == 0:
                wire.socket.close()
            else:
                idle.append(wire)
    if busy:
        seen["no answer"] = [math.inf] * len(busy)
    for wire in [*idle, *busy.values()]:
        wire.socket.close()
    return seen


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


async def sized(port, goal):
    """A request that takes about so many seconds."""
    size = 20_000
    for _ in range(6):
        body = request(size)
        await closed(port, "/gradient", body, 1, 0.2)
        took = statistics.median((await closed(port, "/gradient", body, 1, 0.5))[200])
        if abs(took / goal - 1) < 0.15:
            break
        size = max(1000, min(5_000_000, int(size * goal / took)))
    return body


async def overload(server, options):
    body = await sized(server.port, options.work / 1e3)
    workers = len(os.sched_getaffinity(0))
    alone, answered, over = [], dict.fromkeys((workers, 2 * workers), 0), {}
    rounds = max(1, round(options.seconds / 2.5))
    seconds = options.seconds / rounds
    # In turns: what else the machine does in one minute, and not in the next, then befalls all of them alike.
    for _ in range(rounds):
        alone += (await closed(server.port, "/gradient", body, 1, seconds))[200]
        most = 0
        for callers in answered:
            own = len((await closed(server.port, "/gradient", body, callers, seconds))[200])
            answered[callers] += own
            most = max(most, own)
        for status, all in opened(server.port, "/gradient", body, options.times * most / seconds, 3 * seconds).items():
            over.setdefault(status, []).extend(all)
    accepted, refused = over.get(200, []), over.get(503, [])
    return {
        "alone p50": percentile(alone, 0.5), "alone p99": percentile(alone, 0.99), "peak": max(answered.values()) / options.seconds,
        "offered": sum(map(len, over.values())) / options.seconds / 3, "goodput": len(accepted) / options.seconds / 3,
        "accepted p50": percentile(accepted, 0.5), "accepted p99": percentile(accepted, 0.99), "accepted most": max(accepted),
        "refused p50": percentile(refused, 0.5), "refused p99": percentile(refused, 0.99), "refused most": max(refused or [0]),
        "others": {status: len(all) for status, all in over.items() if status not in (200, 503)},
    }


async def bounded(server, callers, points):
    body = json.dumps({"formula": "sin(x)*y", "points": {"x": [0.123456789] * points, "y": [9.87654321] * points}}).encode()
    seen = await closed(server.port, "/gradient", body, callers, 8, pause=0.2)
    return len(body), {status: len(all) for status, all in sorted(seen.items())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nablad", default=TARGET / "release" / "nablad", help="default: cargo's release build")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement in all; three times that of the overload")
    parser.add_argument("--work", type=float, default=20, help="milliseconds of work in a request")
    parser.add_argument("--times", type=float, default=4, help="how many times the peak is offered")
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- overload --> and <!-- /overload -->")
    parser.add_argument("--lenient", action="store_true", help="no exit code for times, for machines that do other things as well")
    options = parser.parse_args()
    if not Path(options.nablad).is_file():
        sys.exit(f"no {options.nablad}: cargo build --release --bin nablad")

    starts, idle = [], []
    for _ in range(5):
        with Server(options.nablad) as server:
            starts.append(server.start_seconds)
            time.sleep(0.5)
            idle.append(server.memory())
    with Server(options.nablad) as server:
        m = asyncio.run(overload(server, options))
    memory, cache = 256 << 20, 64 << 20
    with Server(options.nablad, **{"service.memory_bytes": memory, "service.cache_bytes": cache}) as server:
        size, statuses = asyncio.run(bounded(server, 48, 200_000))
        peak_memory = server.memory("VmHWM")
    # What the process has besides: its own, and the scratch memory that each worker keeps.
    bound = memory + cache + (64 << 20) * (1 + len(os.sched_getaffinity(0)))

    ms = lambda seconds: f"{seconds * 1e3:.1f} ms"
    mib = lambda size: f"{size / 2**20:.0f} MiB"
    rows = [
        ("start to the first line, median of 5", ms(statistics.median(starts)), "< 100 ms", statistics.median(starts) < 0.1, True),
        ("memory at rest", f"{max(idle) / 1e6:.1f} MB", "< 30 MB", max(idle) < 30e6, False),
        ("one caller at a time: p50, p99", f"{ms(m['alone p50'])}, {ms(m['alone p99'])}", "", True, True),
        ("peak: answers a second", f"{m['peak']:.0f}", "", True, True),
        ("offered: requests a second", f"{m['offered']:.0f} ({m['offered'] / m['peak']:.1f} × the peak)", "", True, True),
        ("answered: a second", f"{m['goodput']:.0f} ({m['goodput'] / m['peak']:.0%} of the peak)", "≥ 90 %",
         m["goodput"] >= 0.9 * m["peak"], True),
        ("answered: p50, p99, longest", ", ".join(ms(m[f"accepted {key}"]) for key in ("p50", "p99", "most")), "", True, True),
        ("p99 beside that of one caller", f"{m['accepted p99'] / m['alone p99']:.2f} ×", "≤ 3 ×", m["accepted p99"] <= 3 * m["alone p99"], True),
        ("503: p50, p99, longest", ", ".join(ms(m[f"refused {key}"]) for key in ("p50", "p99", "most")), "p99 < 10 ms",
         m["refused p99"] < 0.01, True),
        ("answers that are neither", json.dumps(m["others"]) if m["others"] else "none", "none", not m["others"], False),
        (f"most memory, 48 callers with bodies of {size / 1e6:.0f} MB, room for {mib(memory)} and a cache of {mib(cache)}",
         f"{mib(peak_memory)}; answers {json.dumps(statuses)}", f"< {mib(bound)}",
         peak_memory < bound and set(statuses) <= {200, 503}, False),
    ]
    machine = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), platform.machine())
    table = f"{len(os.sched_getaffinity(0))} cores ({machine}), shared with the load generator; {time.strftime('%Y-%m-%d')}.\n\n"
    table += "| what | measured | goal |\n| --- | --- | --- |\n"
    table += "".join(f"| {what} | {measured} | {goal} |\n" for what, measured, goal, _, _ in rows)
    print(table)
    if options.write:
        page = options.write.read_text()
        page, count = re.subn(r"(<!-- overload -->\n).*?(<!-- /overload -->)", lambda marks: marks[1] + table + marks[2], page, flags=re.S)
        if count != 1:
            sys.exit(f"{options.write} has no marks")
        options.write.write_text(page)
    missed = [what for what, _, _, met, of_time in rows if not met and not (of_time and options.lenient)]
    if missed:
        sys.exit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
