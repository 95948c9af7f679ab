#!/usr/bin/env python3
"""A PostgreSQL that is not there at the start, comes, goes and comes back under requests, and one that speaks TLS alone.

    tests/trials/database.py [--times 3]

Without it the server evaluates, is not ready, and answers 503 with Retry-After to what needs a registered function; with it it is ready, and
nothing that was acknowledged is missing. Over TLS it is used by those whose sslmode and certificates allow it and by nobody else. Needs
PostgreSQL of Debian's packages and openssl. Exits with 1 where anything is wrong.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time

from daemon import NO_ANSWER, Client, Daemon, Postgres

OWN = {"formula": "x^2", "at": {"x": 3}}


def until_ready(client, ready, wrong, most=15):
    """Seconds until /readyz says so."""
    begun = time.monotonic()
    while (client.ask("GET", "/readyz")[0] == 200) != ready:
        if time.monotonic() - begun > most:
            wrong.append(f"after {most} s /readyz does not say that it is {'' if ready else 'not '}ready")
            break
        time.sleep(0.01)
    return time.monotonic() - begun


def without(client, wrong):
    """What must hold while the database is away."""
    status, headers, answer = client.ask("GET", "/readyz")
    if status != 503 or "store" not in answer["detail"]:
        wrong.append(f"/readyz without PostgreSQL: {status} {answer}")
    if client.ask("POST", "/value", OWN)[0] != 200 or client.ask("GET", "/livez")[0] != 200:
        wrong.append("does not evaluate without PostgreSQL")
    slowest = 0
    for method, path, body in [("POST", "/functions", {"formula": "x + 1", "name": "early"}), ("GET", "/functions", None),
                               ("POST", "/value", {"function": "early", "at": {"x": 1}})]:
        begun = time.monotonic()
        status, headers, answer = client.ask(method, path, body)
        slowest = max(slowest, time.monotonic() - begun)
        if status != 503 or not headers["Retry-After"]:
            wrong.append(f"{method} {path} without PostgreSQL: {status} {answer}")
    return slowest


class Registering(threading.Thread):
    """Registers and evaluates without a pause, and knows what was acknowledged."""

    def __init__(self, number, port):
        super().__init__(daemon=True)
        self.number, self.port, self.over, self.acknowledged, self.away, self.wrong = number, port, False, [], 0, []

    def run(self):
        client, count = Client(self.port), 0
        while not self.over:
            count += 1
            name, value = f"r{self.number}_{count}", 1_000_000 * self.number + count
            try:
                status, headers, answer = client.ask("POST", "/functions", {"formula": f"x + {value}", "name": name})
                if status == 201:
                    self.acknowledged.append((name, value))
                elif status == 503 and headers["Retry-After"]:
                    self.away += 1
                    # it may have come through all the same, under this name and no other
                elif status != 200:
                    self.wrong.append(f"POST /functions: {status} {answer}")
                status, _, answer = client.ask("POST", "/value", OWN)
                if status != 200 or answer["value"]["f"] != 9.0:
                    self.wrong.append(f"POST /value: {status} {answer}")
            except NO_ANSWER as fault:
                self.wrong.append(f"no answer: {fault!r}")


def late_and_away(times):
    wrong, postgres, server = [], Postgres(started=False), None
    try:
        server = Daemon(postgres.url)
        client = Client(server.port)
        slowest = without(client, wrong)
        postgres.start()
        came = until_ready(client, True, wrong)
        print(f"started without PostgreSQL in {1000 * server.started_in:.0f} ms; 503 within {1000 * slowest:.0f} ms; "
              f"ready {1000 * came:.0f} ms after it came")
        threads = [Registering(number, server.port) for number in range(1, 4)]
        for thread in threads:
            thread.start()
        seen, back = [], []
        for _ in range(times):
            time.sleep(0.5)
            postgres.stop()
            seen.append(until_ready(client, False, wrong))
            slowest = max(slowest, without(client, wrong))
            postgres.start()
            back.append(until_ready(client, True, wrong))
        time.sleep(0.3)
        for thread in threads:
            thread.over = True
        for thread in threads:
            thread.join()
            wrong += thread.wrong
        acknowledged = [known for thread in threads for known in thread.acknowledged]
        missing = 0
        for name, value in acknowledged:
            status, _, answer = client.ask("POST", f"/functions/{name}/value", {"at": {"x": 0}})
            missing += status != 200 or answer["value"]["f"] != float(value)
        if missing or len(acknowledged) < times:
            wrong.append(f"{missing} of {len(acknowledged)} acknowledged functions are missing")
        print(f"stopped and started {times} times under requests: not ready within {1000 * max(seen):.0f} ms, 503 within {1000 * slowest:.0f} ms, "
              f"ready again within {1000 * max(back):.0f} ms; {len(acknowledged)} acknowledged, {missing} missing, "
              f"{sum(thread.away for thread in threads)} answered 503")
        if server.stop() != 0:
            wrong.append("the exit code is not 0")
    finally:
        if server and server.process.poll() is None:
            server.kill()
        postgres.remove()
    return wrong


def certificates(directory):
    """An authority, a certificate for localhost that it has signed, and another authority."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in ("authority", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout", f"{name}.key",
                "-out", f"{name}.pem", "-subj", f"/CN={name}")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(f"{directory}/names", "w") as names:
        names.write("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2", "-extfile", "names",
            "-out", "server.pem")


def encrypted():
    """Who may use a PostgreSQL that takes encrypted connections alone."""
    wrong, directory = [], tempfile.mkdtemp(prefix="nablad-tls-")
    certificates(directory)
    postgres = Postgres(certificate=f"{directory}/server.pem")
    table = [
        ("localhost", "", "", True), ("localhost", "prefer", "", True), ("localhost", "require", "", True), ("localhost", "disable", "", False),
        ("localhost", "", "authority", True), ("localhost", "verify-full", "authority", True), ("localhost", "verify-full", "server", True),
        ("localhost", "verify-full", "other", False), ("127.0.0.1", "verify-full", "authority", False), ("127.0.0.1", "verify-ca", "authority", True),
        ("127.0.0.1", "require", "other", False), ("127.0.0.1", "", "", True),
    ]
    try:
        for host, mode, roots, usable in table:
            url = f"postgres://postgres@{host}:{postgres.port}/postgres" + (f"?sslmode={mode}" if mode else "")
            server = Daemon(url, settings={"store.tls_roots": f"{directory}/{roots}.pem" if roots else ""})
            try:
                client = Client(server.port)
                status, _, answer = client.ask("POST", "/functions", {"formula": "x + 1"})
                ready = client.ask("GET", "/readyz")[0]
                if (ready == 200, status in (200, 201)) != (usable, usable):
                    wrong.append(f"{host} sslmode={mode} {roots}: /readyz {ready}, POST /functions {status} {answer}")
            finally:
                server.kill()
        print(f"over TLS: {len(table)} ways to connect, {len(wrong)} wrong")
    finally:
        postgres.remove()
    return wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--times", type=int, default=3, help="how often PostgreSQL is stopped and started")
    options = arguments.parse_args()
    wrong = late_and_away(options.times) + encrypted()
    for mistake in wrong[:20]:
        print("WRONG:", mistake)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
