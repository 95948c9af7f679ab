#!/usr/bin/env python3
"""Requests a second of a warm single-point gradient over HTTP, against a bare axum echo of the same bytes in and out.

Both servers run at once and are loaded by wrk in turn (A B A B ...), so that whatever else the machine does falls on both alike.
Exit code 1 when nablad's median falls below the required share of the echo's. ../README.md says how to build and read it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")) / "release"
REQUEST = HERE / "request.json"
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A process that prints the address it listens on as the last word of its first line."""

    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if "listening on" not in line:
            sys.exit(f"{name} did not start")
        self.url = line.split()[-1] + "/gradient"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, body):
        post = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(post, timeout=10) as answer:
            return answer.read()

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def load(server, seconds, connections):
    """One run of wrk: requests a second, microseconds of the server's CPU a request, latencies at 50 % and 99 % in microseconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "post.lua"), server.url]
    before = server.cpu_seconds()
    wrk = subprocess.run(command, env={**os.environ, "BODY": str(REQUEST)}, capture_output=True, text=True, check=True)
    used = server.cpu_seconds() - before
    line = next(line for line in wrk.stdout.splitlines() if line.startswith("RESULT"))
    requests, microseconds, errors, p50, p99 = map(int, line.split()[1:])
    if errors or not requests:
        sys.exit(f"{server.name}: {errors} of {requests} requests failed")
    return {"req/s": requests / microseconds * 1e6, "cpu µs/req": used / requests * 1e6, "p50 µs": p50, "p99 µs": p99}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nablad", default=RELEASE / "nablad", help="default: cargo's release build")
    parser.add_argument("--echo", default=RELEASE / "examples" / "echo", help="default: cargo's release build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of one run of wrk")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--require", type=float, default=0.70, help="least share of the echo's requests a second")
    options = parser.parse_args()

    for binary in (options.nablad, options.echo):
        if not Path(binary).is_file():
            sys.exit(f"no {binary}: cargo build --release --bin nablad --example echo")
    body = REQUEST.read_bytes()
    with tempfile.NamedTemporaryFile() as file, Server("nablad", options.nablad, "serve", "--listen", "127.0.0.1:0") as nablad:
        answer = nablad.ask(body)
        file.write(answer)
        file.flush()
        with Server("axum echo", options.echo, file.name) as echo:
            if echo.ask(body) != answer:
                sys.exit("the echo does not answer what nablad answers")
            print(f"request {len(body)} bytes, answer {len(answer)} bytes, {options.connections} connections, "
                  f"{options.rounds} rounds of {options.seconds} s, {os.cpu_count()} cores; requests a second:", flush=True)
            runs = {nablad: [], echo: []}
            for server in runs:
                load(server, 1, options.connections)
            for number in range(options.rounds):
                for server in runs:
                    runs[server].append(load(server, options.seconds, options.connections))
                a, b = (runs[server][-1]["req/s"] for server in runs)
                print(f"  round {number + 1}: nablad {a:8.0f}   axum echo {b:8.0f}   ratio {a / b:.2f}", flush=True)

    medians = {server: {key: statistics.median(run[key] for run in loads) for key in loads[0]} for server, loads in runs.items()}
    print(f"{'median':12}" + "".join(f"{key:>12}" for key in medians[nablad]))
    for server, median in medians.items():
        print(f"{server.name:12}" + "".join(f"{value:12.1f}" for value in median.values()))
    ratio = medians[nablad]["req/s"] / medians[echo]["req/s"]
    paired = statistics.median(a["req/s"] / b["req/s"] for a, b in zip(runs[nablad], runs[echo]))
    print(f"ratio of medians {ratio:.2f}, required {options.require:.2f}; median of the rounds' ratios {paired:.2f}")
    sys.exit(ratio < options.require)


if __name__ == "__main__":
    main()
