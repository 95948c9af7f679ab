"""Sends the requests that the documentation shows to a running server and compares the answers that it shows.

    readme.py URL FILE...

Every curl command in a ```sh block is run, its http://127.0.0.1:8080 being URL. Where the next block is ```json, that is the answer,
number for number; an answer with a `status` of 400 or more is a problem, without which every request must succeed.
A block under the line <!-- not run --> is left out.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

SHOWN = "http://127.0.0.1:8080"
# Everything outside of blocks counts as an item too, so that a marker is found where it stands.
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$|^(<!-- not run -->)$", re.MULTILINE | re.DOTALL)


def commands(block):
    """The curl commands of a block, each with the lines that it goes on for."""
    found, lines = [], block.splitlines()
    while lines:
        command = lines.pop(0).removeprefix("$ ")
        if not command.startswith("curl "):
            continue
        while lines and not complete(command):
            command += "\n" + lines.pop(0)
        found.append(command)
    return found


def complete(command):
    if command.endswith("\\"):
        return False
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def parsed(text):
    """The JSON of a block; None where it is not all there."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def differences(expected, actual, where=""):
    """Where the two differ. A request's id is its own."""
    if where == "/instance":
        return []
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = dict.fromkeys([*expected, *actual])
        return [line for name in names for line in differences(expected.get(name), actual.get(name), f"{where}/{name}")]
    return [] if expected == actual else [f"{where}: shown {json.dumps(expected)}, answered {json.dumps(actual)}"]


def trial(command, shown, url):
    """What is wrong with a command's answer."""
    refused = isinstance(shown, dict) and isinstance(shown.get("status"), int) and shown["status"] >= 400
    curl = f'set -euo pipefail; curl() {{ command curl -sS {"" if refused else "--fail-with-body"} "$@"; }}\n'
    run = subprocess.run(["bash", "-c", curl + command.replace(SHOWN, url)], capture_output=True, text=True, timeout=60)
    if run.returncode:
        return [f"exit code {run.returncode}: {run.stdout}{run.stderr}"]
    if shown is None:
        return []
    answer = parsed(run.stdout)
    return [f"the answer is not JSON: {run.stdout}"] if answer is None else differences(shown, answer)


def main():
    url, files = sys.argv[1], [Path(name) for name in sys.argv[2:]]
    count, faults = 0, []
    for file in files:
        blocks = BLOCK.findall(file.read_text(encoding="utf-8"))
        for i, (language, text, _) in enumerate(blocks):
            if language not in ("sh", "bash", "console") or (i and blocks[i - 1][2]):
                continue
            found = commands(text)
            follows = blocks[i + 1] if i + 1 < len(blocks) else ("", "", "")
            for command in found:
                # An answer shown belongs to the last command above it.
                shown = parsed(follows[1]) if follows[0] == "json" and command is found[-1] else None
                faults += [f"{file}: {command}\n    {fault}" for fault in trial(command, shown, url)]
                count += 1
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{count} requests of the documentation sent, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
