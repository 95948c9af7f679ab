"""Servers as processes, and what loads them: wrk with small requests, one socket with large ones."""

import os
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

HERE = Path(__file__).parent
# of the largest answer that is read
MOST_BYTES = 1 << 26


class Server:
    """A process that prints the address it listens on as the last word of its first line."""

    def __init__(self, name, *command, **environment):
        self.name, self.url = name, None
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)

    def ready(self):
        """Waits until it listens. Apart from the start, so that many start at once."""
        if self.url:
            return self
        line = self.process.stdout.readline()
        if "listening on" not in line:
            raise SystemExit(f"{self.name} did not start: {line}")
        # whatever it says later is nobody's, and must not fill the pipe
        threading.Thread(target=lambda: self.process.stdout.read(), daemon=True).start()
        self.url = line.split()[-1]
        host, port = self.url.removeprefix("http://").split(":")
        self.address = host, int(port)
        for _ in range(600):
            try:
                socket.create_connection(self.address, 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"{self.name} does not listen at {self.url}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self):
        # the clock of another process, as clock_getcpuclockid(3) makes it
        return time.clock_gettime((~self.process.pid << 3) | 2)


@dataclass
class Contender:
    """One service in one case: what it is asked and how its answer is read. Several servers are asked at once.

    `samples` are figures by name.
    """

    name: str
    servers: list[Server]
    path: str
    body: bytes
    read: Callable[[bytes], list]
    rounds: int | None = None
    differs: float = 0.0
    answer_bytes: int = 0
    samples: list[dict] = field(default_factory=list)

    def cpu_seconds(self):
        return sum(server.cpu_seconds() for server in self.servers)


class Client:
    """One request at a time on a connection of its own, into memory that is there already."""

    def __init__(self):
        self.memory = memoryview(bytearray(b"\1") * MOST_BYTES)

    def ask(self, contender, server):
        """Seconds from the first byte sent to the last received, and the body of the answer."""
        head = (f"POST {contender.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(contender.body)}\r\nConnection: close\r\n\r\n").encode()
        message = head + contender.body
        with socket.create_connection(server.address, 120) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begun = last = time.perf_counter()
            connection.sendall(message)
            filled = 0
            while got := connection.recv_into(self.memory[filled:]):
                filled += got
                last = time.perf_counter()
        head, _, body = bytes(self.memory[:filled]).partition(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise SystemExit(f"{contender.name} at {contender.path}: {head.decode()}\n{body[:500].decode()}")
        return last - begun, dechunked(body) if b"transfer-encoding: chunked" in head.lower() else body


class Clients:
    """As many as there are servers to be asked at once."""

    def __init__(self, most):
        self.clients = [Client() for _ in range(most)]
        self.threads = ThreadPoolExecutor(most)

    def ask(self, contender):
        """Seconds until the last has answered, and the answers, which must be the same."""
        asked = [self.threads.submit(client.ask, contender, server) for client, server in zip(self.clients, contender.servers)]
        seconds, answers = zip(*(one.result() for one in asked))
        if len(set(answers)) != 1:
            raise SystemExit(f"{contender.name}: not the same answers")
        return max(seconds), answers[0]

    def sample(self, contender):
        before = contender.cpu_seconds()
        seconds, answer = self.ask(contender)
        contender.answer_bytes = len(answer)
        return {"seconds": seconds, "cpu": contender.cpu_seconds() - before}


def dechunked(body):
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2:end + 2 + size])
        at = end + 2 + size + 2


def wrk(contender, seconds, connections):
    """One run of wrk: requests a second, seconds of the server's processors a request, latencies in seconds."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(contender.body)
        file.flush()
        url = contender.servers[0].url + contender.path
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "post.lua", url]
        before = contender.cpu_seconds()
        run = subprocess.run(command, env={**os.environ, "BODY": file.name}, capture_output=True, text=True, check=True)
        used = contender.cpu_seconds() - before
    line = next(line for line in run.stdout.splitlines() if line.startswith("RESULT"))
    requests, microseconds, errors, p50, p99 = map(int, line.split()[1:])
    if errors or not requests:
        raise SystemExit(f"{contender.name}: {errors} of {requests} requests failed")
    return {"rate": requests / microseconds * 1e6, "cpu": used / requests, "p50": p50 / 1e6, "p99": p99 / 1e6}


def in_turn(contenders, rounds, sample):
    """`rounds` samples of each, in one order and then in the other; how many processors others kept busy meanwhile."""
    with Foreign({server for contender in contenders for server in contender.servers}) as foreign:
        for number in range(rounds):
            for contender in contenders if number % 2 == 0 else contenders[::-1]:
                if contender.rounds is None or number < contender.rounds:
                    contender.samples.append(sample(contender))
    return foreign.processors


class Foreign:
    """How many processors were kept busy by what is neither these servers nor this process and those it waited for."""

    def __init__(self, servers):
        self.servers = servers

    def snapshot(self):
        user, nice, system, _, _, irq, softirq, _ = map(int, open("/proc/stat").readline().split()[1:9])
        busy = (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
        own = sum(os.times()[:4]) + sum(server.cpu_seconds() for server in self.servers)
        return busy - own, time.perf_counter()

    def __enter__(self):
        self.before = self.snapshot()
        return self

    def __exit__(self, *_):
        busy, now = self.snapshot()
        self.processors = max(0.0, (busy - self.before[0]) / (now - self.before[1]))
