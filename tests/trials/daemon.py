"""A nablad process and a plain client of it, for the trials. Standard library only."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binary():
    """The server that is tried: NABLAD, else the newest that was built."""
    if "NABLAD" in os.environ:
        return os.environ["NABLAD"]
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    built = [os.path.join(target, profile, "nablad") for profile in ("debug", "release")]
    built = [path for path in built if os.path.exists(path)]
    if not built:
        raise SystemExit("no nablad was built: cargo build --release, or NABLAD=path")
    return max(built, key=os.path.getmtime)


class Daemon:
    """A server on a port of 127.0.0.1, with that store; more settings by their names, and more of the environment as it stands."""

    def __init__(self, store, port=0, log=None, settings=None, environment=None):
        named = {"store.url": store, "http.listen": f"127.0.0.1:{port}", "service.workers": 2, **(settings or {})}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NABLAD__")} | (environment or {})
        environment |= {"NABLAD__" + name.replace(".", "__").upper(): str(value) for name, value in named.items()}
        begun = time.monotonic()
        self.process = subprocess.Popen([binary(), "serve"], env=environment, stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        if not line.startswith("nablad listening on http://"):
            raise RuntimeError(f"nablad did not start with {store}: {line!r}")
        self.started_in = time.monotonic() - begun
        self.port = int(line.rsplit(":", 1)[1])

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024

    def descriptors(self):
        """Open files, sockets among them."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


class Client:
    """One connection to one port, made anew where it broke. Nothing is tried again."""

    def __init__(self, port, timeout=30):
        self.port, self.timeout, self.connection = port, timeout, None

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and JSON of the answer. OSError or HTTPException where there is none."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            text = None if body is None else json.dumps(body)
            self.connection.request(method, path, text, dict(headers or {}))
            answer = self.connection.getresponse()
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError):
            self.connection.close()
            self.connection = None
            raise


NO_ANSWER = (OSError, http.client.HTTPException, ValueError)


class Postgres:
    """A PostgreSQL of this trial alone, run by nobody in particular: as root, by the user postgres of Debian's package.

    On a socket; with a `certificate`, and the key beside it, on a port of 127.0.0.1 besides, where it takes encrypted connections alone."""

    def __init__(self, started=True, certificate=None):
        self.directory = tempfile.mkdtemp(prefix="nablad-pg-", dir="/tmp")
        self.programs = self._programs()
        self.user = []
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres")
            self.user = ["runuser", "-u", "postgres", "--"]
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "-D", self.directory + "/data")
        self.port, self.options = None, ""
        if certificate:
            self.port = free_port()
            with open(self.directory + "/data/pg_hba.conf", "w") as rules:
                rules.write("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
            for source, name in [(certificate, "server.pem"), (certificate.replace(".pem", ".key"), "server.key")]:
                shutil.copy(source, f"{self.directory}/{name}")
                os.chmod(f"{self.directory}/{name}", 0o600)
                if self.user:
                    shutil.chown(f"{self.directory}/{name}", "postgres")
            self.options = f" -c port={self.port} -c ssl=on -c ssl_cert_file={self.directory}/server.pem -c ssl_key_file={self.directory}/server.key"
        if started:
            self.start()

    @staticmethod
    def _programs():
        versions = sorted(os.listdir("/usr/lib/postgresql"), key=int) if os.path.isdir("/usr/lib/postgresql") else []
        for directory in [f"/usr/lib/postgresql/{version}/bin" for version in reversed(versions)]:
            if os.path.exists(directory + "/initdb"):
                return directory
        found = shutil.which("initdb")
        if not found:
            raise SystemExit("there is no PostgreSQL: apt-get install postgresql")
        return os.path.dirname(os.path.realpath(found))

    def _run(self, program, *arguments):
        command = [*self.user, f"{self.programs}/{program}", *arguments]
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr.decode()}")

    def start(self):
        options = f"-c listen_addresses={'127.0.0.1' if self.port else ''} -c unix_socket_directories={self.directory}{self.options}"
        self._run("pg_ctl", "-D", self.directory + "/data", "-l", self.directory + "/log", "-o", options, "-w", "start")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "-D", self.directory + "/data", "-m", mode, "-w", "stop")

    @property
    def url(self):
        return f"postgres://postgres@{urllib.parse.quote(self.directory, safe='')}{f':{self.port}' if self.port else ''}/postgres"

    def remove(self):
        try:
            self.stop()
        except RuntimeError:
            pass
        shutil.rmtree(self.directory, ignore_errors=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")
