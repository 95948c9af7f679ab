#!/usr/bin/env python3
"""kill -9 while functions are registered, renamed and deleted: nothing that was acknowledged is missing, nothing is there by half.

    tests/trials/kill.py [--times 100] [--threads 4] [--store file:PATH|postgres]

Each thread has names of its own and changes what they mean as fast as it is answered; the server is killed in the middle of it and
started again. What was acknowledged must be so; what was under way when the server died may be so or not, and nothing in between. Every
function that is listed must be there, whole, and compute what it says. Exits with 1 where anything is wrong.
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time

from daemon import NO_ANSWER, Client, Daemon, Postgres, percentile


class Names(threading.Thread):
    """A thread that changes what its names mean, and knows what they may mean."""

    def __init__(self, number, port, known, counter, most):
        super().__init__(daemon=True)
        self.number, self.port, self.known, self.counter, self.most = number, port, known, counter, most
        self.acknowledged, self.wrong, self.latencies = 0, [], []

    def run(self):
        client, random_number = Client(self.port), random.Random(self.number)
        while True:
            name = f"t{self.number}_n{random_number.randrange(self.most)}"
            before = next(iter(self.known.get(name, {None})))
            after = None if before is not None and random_number.random() < 0.3 else self.counter()
            # from here on it may be either
            self.known[name] = {before, after}
            begun = time.monotonic()
            try:
                self._change(client, name, before, after)
            except NO_ANSWER:
                return
            self.latencies.append(time.monotonic() - begun)
            self.known[name] = {after}
            self.acknowledged += 1

    def _change(self, client, name, before, after):
        path, function = f"/functions/{name}", {"formula": f"x + {after}", "description": str(after)}
        if after is None:
            status, _, answer = client.ask("DELETE", path)
            expected = 204
        elif before is None:
            status, _, answer = client.ask("POST", "/functions", dict(function, name=name))
            expected = 201
        else:
            status, _, answer = client.ask("PUT", path, function, {"If-Match": "*"})
            expected = 200
        if status != expected:
            self.wrong.append(f"{name}, {before} to {after}: {status} {answer}")
            raise ValueError


def listed(client):
    """Every function by its id, page by page."""
    functions, cursor = {}, ""
    while cursor is not None:
        status, _, page = client.ask("GET", "/functions?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        assert status == 200, page
        functions.update((function["id"], function) for function in page["functions"])
        cursor = page["next"]
    return functions


def audit(client, known, seen):
    """What is wrong with what the server has. What names mean is known from here on."""
    wrong, functions = [], listed(client)
    means = {name: function for function in functions.values() for name in function["names"]}
    for name, may in known.items():
        function = means.pop(name, None)
        is_now = None if function is None else int(function["description"])
        if is_now not in may:
            wrong.append(f"{name} means {is_now}, and may mean {may}")
        known[name] = {is_now}
    wrong += [f"{name} was never given" for name in means]
    for id, function in functions.items():
        if id in seen:
            continue
        seen.add(id)
        status, _, answer = client.ask("POST", f"/functions/{id}/value", {"at": {"x": 0}})
        if status != 200 or answer["value"]["f"] != float(function["description"]):
            wrong.append(f"{function} computes {status} {answer}")
        status, _, answer = client.ask("GET", f"/functions/{id}")
        if status != 200 or answer["graph"]["inputs"] != ["x"]:
            wrong.append(f"{function} is shown as {status} {answer}")
    return wrong, len(functions)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--times", type=int, default=100)
    arguments.add_argument("--threads", type=int, default=4)
    arguments.add_argument("--names", type=int, default=20, help="of each thread")
    arguments.add_argument("--store", default="", help="file:PATH; `postgres` for a PostgreSQL of its own; default: a new file")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    directory = tempfile.mkdtemp(prefix="nablad-kill-")
    postgres = Postgres() if options.store == "postgres" else None
    store = postgres.url if postgres else options.store or f"file:{directory}/functions.redb"
    random_number, number, lock = random.Random(options.seed), [0], threading.Lock()

    def counter():
        with lock:
            number[0] += 1
            return number[0]

    known, seen, wrong, starts, latencies, acknowledged, functions = {}, set(), [], [], [], 0, 0
    try:
        for _ in range(options.times):
            server = Daemon(store)
            starts.append(server.started_in)
            mistakes, functions = audit(Client(server.port), known, seen)
            wrong += mistakes
            threads = [Names(i, server.port, known, counter, options.names) for i in range(options.threads)]
            for thread in threads:
                thread.start()
            time.sleep(random_number.uniform(0.05, 0.5))
            server.kill()
            for thread in threads:
                thread.join()
                acknowledged += thread.acknowledged
                latencies += thread.latencies
                wrong += thread.wrong
            if wrong:
                break
        server = Daemon(store)
        mistakes, functions = audit(Client(server.port), known, set())
        wrong += mistakes
        wrong += [] if server.stop() == 0 else ["the exit code is not 0"]
    finally:
        if postgres:
            postgres.remove()
    milliseconds = [1000 * latency for latency in latencies]
    size = os.path.getsize(store[5:]) if store.startswith("file:") else 0
    print(f"{len(starts)} kills, {acknowledged} changes acknowledged, {functions} functions at the end, {len(wrong)} wrong")
    print(f"a change: p50 {percentile(milliseconds, 0.5):.1f} ms, p99 {percentile(milliseconds, 0.99):.1f} ms; "
          f"a start: p50 {1000 * percentile(starts, 0.5):.0f} ms, longest {1000 * max(starts):.0f} ms; {size >> 10} KiB of file")
    for mistake in wrong[:20]:
        print("WRONG:", mistake)
    return 1 if wrong or acknowledged < 10 * len(starts) else 0


if __name__ == "__main__":
    sys.exit(main())
