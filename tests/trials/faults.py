#!/usr/bin/env python3
"""A full disk, a clock that jumps, and SIGTERM under load.

    tests/trials/faults.py [--times 5] [disk] [clock] [signal]

disk: functions are registered in a file on a disk of a few MB until it is full. Changes are then 503 with Retry-After, the rest goes on; when
there is room again changes are taken without a restart; after a kill -9 nothing that was acknowledged is missing, and nothing is there by half.
Needs root for the disk (a tmpfs); otherwise it is left out, and says so.

clock: the wall clock of the running process jumps by hours, days and decades, back and forth, and the monotonic clock goes on, as when somebody
sets a clock. Rates, deadlines, connections and caches must not notice; what shows the wall clock (when a function was registered) must.
Needs libfaketime of Debian's packages.

signal: the server is told to stop (SIGTERM) while callers evaluate and register. What was sent before is answered, whole; what was
acknowledged is there after the next start; the exit code is 0.

Exits with 1 where anything is wrong.
"""

import argparse
import datetime
import glob
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from daemon import NO_ANSWER, Client, Daemon, binary
from kill import listed


def whole(client, acknowledged):
    """What is wrong with the functions that there are: acknowledged ones missing, or any that is not what it says."""
    wrong, functions = [], listed(client)
    names = {name: function for function in functions.values() for name in function["names"]}
    wrong += [f"{name} is missing" for name in acknowledged if name not in names]
    for function in functions.values():
        status, _, answer = client.ask("POST", f"/functions/{function['id']}/value", {"at": {"x": 0}})
        if status != 200 or answer["value"]["f"] != float(function["description"]):
            wrong.append(f"{function} computes {status} {answer}")
    return wrong, len(functions)


def register(client, value, padding=0):
    """Registers a function of about so many bytes."""
    terms = "".join(f" + {value}.{i} * x" for i in range(padding // 40))
    body = {"formula": f"{value}{terms}" if terms else f"x + {value}", "name": f"f{value}", "description": str(value), "inputs": ["x"]}
    return client.ask("POST", "/functions", body)


def disk():
    if os.geteuid() != 0:
        print("SKIPPED: a full disk, which takes root to mount one")
        return []
    wrong, directory = [], tempfile.mkdtemp(prefix="nablad-disk-")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", directory], stderr=subprocess.PIPE)
    if mounted.returncode != 0:
        print(f"SKIPPED: a full disk, for want of one: {mounted.stderr.decode().strip()}")
        os.rmdir(directory)
        return []
    server, acknowledged, refused, number = None, [], 0, itertools.count(1)
    try:
        with open(f"{directory}/ballast", "wb") as ballast:
            ballast.write(b"\0" * (2 << 20))
        server = Daemon(f"file:{directory}/functions.redb")
        client = Client(server.port)

        def until_full(most):
            """Registers until nothing goes any more."""
            for _ in range(most):
                value = next(number)
                status, headers, answer = register(client, value, 20_000)
                if status == 503 and headers["Retry-After"]:
                    return True
                if status != 201:
                    wrong.append(f"POST /functions: {status} {answer}")
                acknowledged.append(f"f{value}")
            return False

        for round in range(2):
            if not until_full(1000):
                wrong.append("the disk never was full")
            for _ in range(20):
                status, headers, answer = register(client, next(number), 20_000)
                refused += status == 503 and bool(headers["Retry-After"])
                if status == 201:
                    acknowledged.append(answer["name"])
                elif status != 503:
                    wrong.append(f"POST /functions on a full disk: {status} {answer}")
                for method, path, body in [("POST", "/value", {"formula": "x^2", "at": {"x": 3}}), ("GET", "/functions", None), ("GET", "/readyz", None)]:
                    status, _, answer = client.ask(method, path, body)
                    if status != 200:
                        wrong.append(f"{method} {path} on a full disk: {status} {answer}")
            if round == 0:
                os.remove(f"{directory}/ballast")
                status, _, answer = register(client, next(number), 20_000)
                if status != 201:
                    wrong.append(f"POST /functions when there is room again: {status} {answer}")
                acknowledged.append(answer.get("name"))
        server.kill()
        server = Daemon(f"file:{directory}/functions.redb")
        mistakes, count = whole(Client(server.port), acknowledged)
        wrong += mistakes
        print(f"a full disk: {len(acknowledged)} acknowledged, {refused} refused, {count} there after kill -9, {len(wrong)} wrong")
    finally:
        if server and server.process.poll() is None:
            server.kill()
        subprocess.run(["umount", directory])
        os.rmdir(directory)
    return wrong


HOUR = 3600
JUMPS = [5 * HOUR, -10 * HOUR, 30 * 24 * HOUR, 0, -20 * 365 * 24 * HOUR, 20 * 365 * 24 * HOUR, 0]
BUSY = {"formula": "v = broadcast_to(x, shape=[200000]); sum(sin(v * x) * exp(-v * x) + tanh(v + x))", "at": {"x": 0.7}}


def clock():
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") + glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not libraries:
        raise SystemExit("there is no libfaketime: apt-get install libfaketime")
    wrong, directory = [], tempfile.mkdtemp(prefix="nablad-clock-")
    offset = f"{directory}/offset"

    def jump(seconds):
        with open(offset + ".new", "w") as file:
            file.write(f"{seconds:+d}")
        os.replace(offset + ".new", offset)

    jump(0)
    key = subprocess.run([binary(), "key", "alice", "--scopes", "evaluate,register"], capture_output=True, check=True, text=True).stdout
    secret = next(word for line in key.splitlines() if line.startswith("#") for word in line.split() if len(word) > 40)
    limited = subprocess.run([binary(), "key", "bob"], capture_output=True, check=True, text=True).stdout
    slow = next(word for line in limited.splitlines() if line.startswith("#") for word in line.split() if len(word) > 40)
    lines = [next(line for line in text.splitlines() if line and not line.startswith("#")) for text in (key, limited)]
    server = Daemon(f"file:{directory}/functions.redb",
                    settings={"keys.list": f"{lines[0]} rate=0; {lines[1]} rate=1 burst=2", "http.idle_seconds": 60, "limits.deadline_seconds": 5},
                    environment={"LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": offset, "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
                                 "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"})
    order, first = [], None
    try:
        # one connection for each, kept over all jumps
        alice, bob = Client(server.port), Client(server.port)
        headers, limited = {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Bearer {slow}"}

        def ask(method, path, body=None, more=None):
            return alice.ask(method, path, body, {**headers, **(more or {})})

        for number, seconds in enumerate(JUMPS):
            # bob uses up what he has, so that a jump would show
            while (answered := bob.ask("POST", "/value", {"formula": "x", "at": {"x": 1}}, limited))[0] == 200:
                pass
            kept = alice.connection
            jump(seconds)
            said = f"after a jump to {seconds / HOUR:+.0f} h"
            begun = time.monotonic()
            status, fields, answer = bob.ask("POST", "/value", {"formula": "x", "at": {"x": 1}}, limited)
            if answered[0] != 429 or (status != 429 and time.monotonic() - begun < 0.5) or int(fields["Retry-After"] or 1) > 2:
                wrong.append(f"{said} the rate is another: {answered[0]}, then {status} with Retry-After {fields['Retry-After']}")
            # evaluated with a deadline that is far, and stopped by one that is near
            status, _, answer = ask("POST", "/gradient", {"formula": "x^2", "at": {"x": 3}})
            if (status, answer) != (200, {"value": {"f": 9.0}, "gradient": {"x": 6.0}}):
                wrong.append(f"{said}: {status} {answer}")
            begun = time.monotonic()
            many = {**BUSY, "at": {}, "points": {"x": [0.7 + i / 1000 for i in range(1000)]}}
            status, _, answer = ask("POST", "/gradient", many, {"Request-Timeout": "0.3"})
            took = time.monotonic() - begun
            if status != 504 or not 0.2 < took < 3:
                wrong.append(f"{said} a deadline of 0.3 s: {status} after {took:.2f} s {str(answer)[:200]}")
            # the registry's times are the wall clock's, its order and its names are not
            status, _, answer = ask("POST", "/functions", {"formula": f"x + {number}", "name": f"f{number}", "description": str(number)})
            order.append(f"f{number}")
            shown = ask("GET", f"/functions/f{number}")[2]
            created = datetime.datetime.fromisoformat(shown["created"].replace("Z", "+00:00")).timestamp() - time.time()
            if status != 201 or abs(created - seconds) > 30:
                wrong.append(f"{said}: {status} {answer}, created {shown['created']}")
            if [function["name"] for function in ask("GET", "/functions")[2]["functions"]] != order:
                wrong.append(f"{said} the order of functions is another")
            if ask("POST", "/functions/f0/value", {"at": {"x": 1}})[2]["value"] != {"f": 1.0}:
                wrong.append(f"{said} a function means something else")
            if ask("GET", "/readyz")[0] != 200:
                wrong.append(f"{said} it is not ready")
            # a request a second: what the rate gives back it gives back in a real second
            time.sleep(1.2)
            status, _, answer = bob.ask("POST", "/value", {"formula": "x", "at": {"x": 1}}, limited)
            if status != 200:
                wrong.append(f"{said} a second gives nothing back: {status} {answer}")
            if kept is not None and alice.connection is not kept:
                wrong.append(f"{said} the connection was closed")
            first = first or kept
        code = server.stop()
        if code != 0:
            wrong.append(f"the exit code is {code}")
        print(f"a clock that jumps: {len(JUMPS)} jumps of up to 40 years, {len(wrong)} wrong")
    finally:
        if server.process.poll() is None:
            server.kill()
    return wrong


class Sending(threading.Thread):
    """Sends one request after the other, and remembers when each was sent and what came."""

    def __init__(self, number, port):
        super().__init__(daemon=True)
        self.number, self.port, self.sent, self.acknowledged, self.wrong = number, port, [], [], []

    def run(self):
        client = Client(self.port)
        for count in itertools.count(1):
            value = self.number * 1_000_000 + count
            begun = time.monotonic()
            try:
                if count % 3 == 0:
                    status, _, answer = register(client, value)
                    good = status == 201
                    self.acknowledged += [f"f{value}"] if good else []
                else:
                    status, _, answer = client.ask("POST", "/gradient", BUSY)
                    good = status == 200 and set(answer) == {"value", "gradient"}
                self.sent.append((begun, True))
                if not good and status != 503:
                    self.wrong.append(f"{status} {json.dumps(answer)[:300]}")
            except NO_ANSWER:
                self.sent.append((begun, False))
                return


def terminated(times):
    wrong, answered, acknowledged, slowest, after = [], 0, [], 0, 0
    directory = tempfile.mkdtemp(prefix="nablad-signal-")
    for round in range(times):
        server = Daemon(f"file:{directory}/functions.redb")
        threads = [Sending(round * 10 + number, server.port) for number in range(1, 9)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        told = time.monotonic()
        code = server.stop()
        slowest = max(slowest, time.monotonic() - told)
        if code != 0:
            wrong.append(f"the exit code is {code}")
        for thread in threads:
            thread.join()
            wrong += thread.wrong
            # what was on its way to the server's socket when the signal came was sent to nobody
            before = [whole for begun, whole in thread.sent if begun < told - 0.005]
            answered += sum(before)
            after += len(thread.sent) - len(before)
            if not all(before):
                wrong.append("a request that was sent before the signal has no answer")
            acknowledged += thread.acknowledged
    server = Daemon(f"file:{directory}/functions.redb")
    mistakes, count = whole(Client(server.port), acknowledged)
    wrong += mistakes
    server.kill()
    print(f"SIGTERM under load, {times} times: {answered} requests sent before were answered, {after} were sent after; ended within {slowest:.2f} s; "
          f"{len(acknowledged)} acknowledged, {count} there, {len(wrong)} wrong")
    return wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("faults", nargs="*", choices=["disk", "clock", "signal", []], default=[])
    arguments.add_argument("--times", type=int, default=5, help="how often the server is told to stop")
    options = arguments.parse_args()
    trials = {"disk": disk, "clock": clock, "signal": lambda: terminated(options.times)}
    wrong = [mistake for name in options.faults or trials for mistake in trials[name]()]
    for mistake in wrong[:20]:
        print("WRONG:", mistake)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
