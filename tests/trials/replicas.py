#!/usr/bin/env python3
"""Two servers on one PostgreSQL behind HAProxy: register on one, evaluate on the other; kill one under load; stop PostgreSQL.

    tests/trials/replicas.py [--seconds 20]

Clients try again what was not answered or answered with 502 or 503, as any client of a service should: with that, nothing may be lost and
nothing may be wrong. Needs haproxy and PostgreSQL of Debian's packages. Exits with 1 where anything is wrong.
"""

import argparse
import itertools
import random
import subprocess
import sys
import tempfile
import threading
import time

from daemon import NO_ANSWER, Client, Daemon, Postgres, free_port, percentile

HAPROXY = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    option redispatch 1
    retries 3
    retry-on conn-failure
frontend all
    bind 127.0.0.1:{port}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /readyz
    default-server inter 200ms fall 2 rise 1
    server a 127.0.0.1:{a} check
    server b 127.0.0.1:{b} check
"""


class Load(threading.Thread):
    """A client that registers functions of its own and evaluates what was registered, and tries again."""

    def __init__(self, number, port, registered, until):
        super().__init__(daemon=True)
        self.number, self.port, self.registered, self.until = number, port, registered, until
        self.answered, self.again, self.latencies, self.wrong = 0, 0, [], []

    def run(self):
        client, random_number = Client(self.port), random.Random(self.number)
        for count in itertools.count():
            if time.monotonic() > self.until:
                return
            begun = time.monotonic()
            if count % 5 == 0:
                value = 1_000_000 * (self.number + 1) + count
                body = {"formula": f"x^2 + {value}", "name": f"c{self.number}_{count}"}
                status, answer = self._try(client, "/functions", body)
                good = status in (200, 201)
                if good:
                    self.registered.append((body["name"], value))
            else:
                name, value = random_number.choice(self.registered)
                status, answer = self._try(client, f"/functions/{name}/gradient", {"at": {"x": 3}})
                good = status == 200 and answer == {"value": {"f": 9.0 + value}, "gradient": {"x": 6.0}}
            self.latencies.append(time.monotonic() - begun)
            self.answered += 1
            if not good:
                self.wrong.append(f"{status} {answer}")

    def _try(self, client, path, body):
        status, answer = 0, None
        for attempt in range(8):
            try:
                status, _, answer = client.ask("POST", path, body)
                if status not in (502, 503):
                    return status, answer
            except NO_ANSWER as fault:
                status, answer = 0, repr(fault)
            self.again += 1
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
        return status, answer


def across(a, b, count):
    """Registered on one, evaluated on the other at once; and how long a name that is replaced on one keeps its meaning on the other."""
    wrong, one, other = [], Client(a.port), Client(b.port)
    for i in range(count):
        status, _, answer = one.ask("POST", "/functions", {"formula": f"x * {i}", "name": f"across_{i}"})
        seen, _, value = other.ask("POST", f"/functions/across_{i}/value", {"at": {"x": 1}})
        if status != 201 or seen != 200 or value["value"]["f"] != float(i):
            wrong.append(f"across_{i}: {status} {answer}, {seen} {value}")
    waits = []
    for i in range(10):
        status, _, answer = one.ask("PUT", "/functions/across_0", {"formula": f"x + {i}"}, {"If-Match": "*"})
        begun = time.monotonic()
        while other.ask("POST", "/functions/across_0/value", {"at": {"x": 0}})[2]["value"]["f"] != float(i):
            if time.monotonic() - begun > 2:
                wrong.append(f"after two seconds the other server has not seen {status} {answer}")
                break
        waits.append(time.monotonic() - begun)
    return wrong, waits


def outage(a, postgres):
    """PostgreSQL stopped: 503 for what needs it, in time, and nothing else changed; started: as before."""
    wrong, client, slowest = [], Client(a.port), 0.0
    postgres.stop()
    time.sleep(1)
    for _ in range(5):
        for method, path, body in [
            ("POST", "/functions", {"formula": "x + 77"}),
            ("POST", "/functions/across_1/value", {"at": {"x": 1}}),
            ("POST", "/value", {"function": "across_1", "at": {"x": 1}}),
            ("GET", "/functions", None),
            ("GET", "/functions/across_1", None),
            ("DELETE", "/functions/across_1", None),
        ]:
            begun = time.monotonic()
            status, headers, answer = client.ask(method, path, body)
            slowest = max(slowest, time.monotonic() - begun)
            if status != 503 or not headers["Retry-After"] or answer["type"] != "/problems/overloaded":
                wrong.append(f"{method} {path} without PostgreSQL: {status} {answer}")
        status, _, answer = client.ask("POST", "/value", {"formula": "x^2", "at": {"x": 3}})
        if status != 200:
            wrong.append(f"a function of one's own without PostgreSQL: {status} {answer}")
        if client.ask("GET", "/readyz")[0] != 503:
            wrong.append("ready without PostgreSQL")
    postgres.start()
    begun = time.monotonic()
    while client.ask("POST", "/functions/across_1/value", {"at": {"x": 1}})[0] != 200:
        if time.monotonic() - begun > 10:
            wrong.append("not well again after 10 s")
            break
        time.sleep(0.01)
    back = time.monotonic() - begun
    if client.ask("GET", "/readyz")[0] != 200:
        wrong.append("not ready with PostgreSQL")
    if client.ask("POST", "/functions", {"formula": "x + 77"})[0] != 201:
        wrong.append("no registration after PostgreSQL is back")
    return wrong, slowest, back


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--seconds", type=float, default=20, help="of load, in which one server is killed and the other restarted")
    arguments.add_argument("--clients", type=int, default=8)
    options = arguments.parse_args()
    postgres, wrong, processes = Postgres(), [], []
    try:
        a, b = Daemon(postgres.url), Daemon(postgres.url)
        processes += [a, b]
        mistakes, waits = across(a, b, 100)
        wrong += mistakes
        print(f"100 registered on one and evaluated on the other at once, {len(mistakes)} wrong; "
              f"a replaced name is seen there after {1000 * min(waits):.0f} to {1000 * max(waits):.0f} ms")
        if max(waits) > 1:
            wrong.append("a name's change took longer than a second")

        port = free_port()
        with tempfile.NamedTemporaryFile("w", suffix=".cfg", delete=False) as config:
            config.write(HAPROXY.format(port=port, a=a.port, b=b.port))
        balancer = subprocess.Popen(["haproxy", "-db", "-f", config.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            registered, client = [], Client(port)
            for _ in range(100):
                # until it listens and has seen that both are ready
                time.sleep(0.1)
                try:
                    if client.ask("POST", "/functions", {"formula": "x^2 + 1", "name": "first"})[0] in (200, 201):
                        break
                except NO_ANSWER:
                    pass
            else:
                raise RuntimeError("HAProxy does not come")
            begun = time.monotonic()
            registered.append(("first", 1))
            clients = [Load(i, port, registered, begun + options.seconds) for i in range(options.clients)]
            for client in clients:
                client.start()
            time.sleep(options.seconds * 0.3)
            a.kill()
            time.sleep(options.seconds * 0.2)
            a = Daemon(postgres.url, port=a.port)
            processes.append(a)
            time.sleep(options.seconds * 0.2)
            if b.stop() != 0:
                wrong.append("SIGTERM under load: the exit code is not 0")
            for client in clients:
                client.join()
        finally:
            balancer.kill()
            balancer.wait()
        answered, again = sum(client.answered for client in clients), sum(client.again for client in clients)
        latencies = [1000 * latency for client in clients for latency in client.latencies]
        lost = [mistake for client in clients for mistake in client.wrong]
        wrong += lost
        print(f"one killed and started again, the other stopped under load: {answered} requests, {again} tried again, {len(lost)} lost or wrong; "
              f"p50 {percentile(latencies, 0.5):.1f} ms, p99 {percentile(latencies, 0.99):.0f} ms, longest {max(latencies):.0f} ms")
        missing = 0
        last = Client(a.port)
        for name, value in list(registered):
            status, _, answer = last.ask("POST", f"/functions/{name}/value", {"at": {"x": 0}})
            missing += status != 200 or answer["value"]["f"] != float(value)
        print(f"{len(registered)} acknowledged, {missing} missing")
        wrong += [f"{missing} acknowledged functions are missing"] if missing else []

        mistakes, slowest, back = outage(a, postgres)
        wrong += mistakes
        print(f"PostgreSQL stopped: 503 within {1000 * slowest:.0f} ms, {len(mistakes)} wrong; well again {1000 * back:.0f} ms after its start")
    finally:
        for process in processes:
            if process.process.poll() is None:
                process.kill()
        postgres.remove()
    for mistake in wrong[:20]:
        print("WRONG:", mistake)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
