#!/usr/bin/env python3
"""nablad beside the other ways to get gradients over HTTP: bare axum, FastAPI with JAX, UM-Bridge; small requests, large ones, two cores.

Every answer is checked before anything is timed, and all servers of a case take turns. Prints what it measures, and writes
docs/performance-services.md. README.md says more.
"""

import argparse
import contextlib
import importlib.util
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import black_scholes as bs
from load import Clients, Contender, Server, in_turn, wrk

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release"
sys.path.insert(0, str(HERE.parent))  # for what the pages have in common, peers.report
CASES = ("small", "large", "cores")
CONNECTIONS = (1, 32)
TOLERANCE = 1e-12
POINTS = 100_000
# scenarios of so many options: a million points with five partials each, and next to no text
SCENARIOS = OPTIONS = 1_000

import report  # noqa: E402


class Run:
    """What is measured with."""

    def __init__(self, options, stack):
        self.options, self.stack, self.clients = options, stack, Clients(2)
        self.large_points = 1_000 if options.quick else POINTS
        self.scenarios = 20 if options.quick else SCENARIOS
        # started before anything else, as they take seconds
        self.fastapi = self.installed("fastapi", "fastapi", "jax", "numpy", "orjson", "uvicorn")
        self.umbridge = self.installed("umbridge", "umbridge", "jax", "numpy")

    def installed(self, name, *modules):
        """A Python service, where all that it needs is there."""
        if name not in self.options.peers:
            return None
        if missing := [module for module in modules if importlib.util.find_spec(module) is None]:
            print(f"{name} is left out: there is no {', '.join(missing)}", flush=True)
            return None
        return self.start(name, sys.executable, HERE / f"{name}_jax.py")

    def start(self, name, *command, **environment):
        return self.stack.enter_context(Server(name, *command, **environment))

    def nablad(self, workers=0):
        settings = {"NABLAD__SERVICE__WORKERS": str(workers), "NABLAD__LOG__LEVEL": "warn"}
        return self.start("nablad", self.options.nablad, "serve", "--listen", "127.0.0.1:0", **settings).ready()

    def axum(self, asked):
        """Bare axum, answering what `asked` answers, twice: without a look at the request, and reading it."""
        if "axum" not in self.options.peers:
            return []
        file = self.stack.enter_context(tempfile.NamedTemporaryFile())
        file.write(self.clients.ask(asked)[1])
        file.flush()
        servers = [self.start("axum", self.options.echo, file.name).ready()]
        paths = ((report.ECHO, "/gradient"), (report.TYPED, "/typed"))
        return [replace(asked, name=name, servers=servers, path=path) for name, path in paths]

    def check(self, contenders, reference):
        for contender in contenders:
            answer = self.clients.ask(contender)[1]
            contender.differs, contender.answer_bytes = bs.difference(contender.read(answer), reference), len(answer)
            if not contender.differs <= TOLERANCE:
                raise SystemExit(f"{contender.name} is off by {contender.differs:.2e}")

    def small(self):
        """S1, S2, S3: one point, again and again."""
        nablad = Contender(report.NABLAD, [self.nablad()], "/gradient", bs.one_point(), bs.read)
        contenders = [nablad, *self.axum(nablad)]
        if self.fastapi:
            contenders.append(replace(nablad, name=report.FASTAPI, servers=[self.fastapi.ready()]))
        if self.umbridge:
            contenders.append(Contender(report.UMBRIDGE, [self.umbridge.ready()], "/Gradient", bs.as_umbridge(), bs.read_umbridge))
        self.check(contenders, bs.hand(*bs.POINT))
        cases = []
        for connections in CONNECTIONS:
            for contender in contenders:
                wrk(contender, 1, connections)
            case = report.Case(connections, [replace(contender, samples=[]) for contender in contenders])
            case.foreign = in_turn(case.contenders, self.options.rounds, lambda c: wrk(c, self.options.seconds, connections))
            print(report.small([case]), flush=True)
            cases.append(case)
        return cases

    def large(self):
        """S4: many points as columns of JSON."""
        data = bs.columns(self.large_points)
        nablad = Contender(report.NABLAD, [self.nablad()], "/gradient", bs.as_columns(data), bs.read)
        contenders = [nablad, replace(nablad, name=report.ONE_WORKER, servers=[self.nablad(1)]), *self.axum(nablad)]
        if self.fastapi:
            server = [self.fastapi.ready()]
            contenders.append(replace(nablad, name=report.ORJSON, servers=server, path="/points"))
            contenders.append(replace(nablad, name=report.PYDANTIC, servers=server, path="/typed-points", rounds=3))
        self.check(contenders, [list(column) for column in zip(*map(bs.hand, *data))])
        return [self.timed(self.large_points, contenders, report.large)]

    def cores(self):
        """A million points by one worker, by two, and by two servers of one each: what the machine has to give."""
        options, factors = bs.columns(OPTIONS), bs.columns(self.scenarios, [(0.9, 1.1)] * 5, seed=2)
        ends = [0, 1, self.scenarios - 2, self.scenarios - 1]
        read = lambda answer: [[column[i] for i in ends] for column in bs.read(answer, bs.FACTORS)]
        one = Contender(report.ONE, [self.nablad(1)], "/gradient", bs.scenarios(options, factors), read)
        two = replace(one, name=report.TWO, servers=[self.nablad(2)])
        apart = replace(one, name=report.APART, servers=[*one.servers, self.nablad(1)])
        reference = zip(*(bs.scenario(options, [column[i] for column in factors]) for i in ends))
        self.check([one, two, apart], [list(column) for column in reference])
        if self.clients.ask(one)[1] != self.clients.ask(two)[1]:
            raise SystemExit("two workers do not answer the bytes that one does")
        return [self.timed(self.scenarios * OPTIONS, [one, two, apart], report.cores)]

    def timed(self, points, contenders, table):
        case = report.Case(points, [replace(contender, samples=[]) for contender in contenders])
        case.foreign = in_turn(case.contenders, 3 * self.options.rounds, self.clients.sample)
        print(table([case]), flush=True)
        return case


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nablad", type=Path, default=RELEASE / "nablad", help="default: cargo's release build")
    parser.add_argument("--echo", type=Path, default=RELEASE / "examples" / "echo", help="default: cargo's release build")
    parser.add_argument("--cases", default=",".join(CASES), help="default: %(default)s")
    parser.add_argument("--peers", default="axum,fastapi,umbridge", help="where they are installed; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="turns; three times as many of large requests; default: %(default)s")
    parser.add_argument("--seconds", type=int, default=3, help="of one run of wrk; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="little work, two rounds of a second: whether all still answer the same")
    parser.add_argument("--output", type=Path, help="default: docs/performance-services.md where everything is measured, else nowhere")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1
    wanted, options.peers = options.cases.split(","), options.peers.split(",")
    if unknown := set(wanted) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    for binary in (options.nablad, options.echo):
        if not binary.is_file():
            sys.exit(f"no {binary}: cargo build --release --bin nablad --example echo")
    if "small" in wanted and shutil.which("wrk") is None:
        sys.exit("no wrk: apt-get install wrk")

    with contextlib.ExitStack() as stack:
        run = Run(options, stack)
        measured = {name: getattr(run, name)() for name in CASES if name in wanted}
        everything = set(wanted) == set(CASES) and run.fastapi and run.umbridge and "axum" in options.peers and not options.quick
    print(report.goals(measured))
    output = options.output or (REPOSITORY / "docs" / "performance-services.md" if everything else None)
    if output:
        output.write_text(report.page(measured, options))
        print(f"written: {output}")


if __name__ == "__main__":
    main()
