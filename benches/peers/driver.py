"""The engine in a process of its own: `driver.rs`, told by lines what to do."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from measure import Contender

REPOSITORY = Path(__file__).resolve().parents[2]


def build():
    """The driver, built as a release is."""
    command = ["cargo", "build", "--release", "--locked", "--example", "peers-driver"]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "examples" / "peers-driver"


class Driver:
    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.directory = tempfile.TemporaryDirectory()
        self.body = Path(self.directory.name) / "request.json"
        self.results = Path(self.directory.name) / "results"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.directory.cleanup()

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the driver failed at: {' '.join(map(str, words))}")
        return answer

    def load(self, case):
        """nablad as a contender: its program compiled from the request's JSON."""
        self.body.write_text(encoded(case.request))
        self.ask("load", case.endpoint, self.body)

        def answer():
            self.ask("write", self.results)
            return np.fromfile(self.results, "<f8")

        return Contender("nablad", "nablad", lambda repeats: self.ask("run", repeats), answer, pid=self.process.pid)

    def first(self, case, times):
        """Seconds from JSON to JSON where nothing is known of the function, sorted."""
        self.body.write_text(encoded(case.request))
        return sorted(map(float, self.ask("first", case.endpoint, self.body, times).split()))


def encoded(request):
    return json.dumps(request, default=lambda array: array.tolist(), separators=(",", ":"))
