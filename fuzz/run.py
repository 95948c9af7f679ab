#!/usr/bin/env python3
"""The fuzz targets under libFuzzer, for as many executions as are asked for.

Builds `fuzz/` with the coverage that libFuzzer reads (stable Rust and a C++ compiler, no sanitizer, no cargo-fuzz: the engine has unsafe
code only around vector kernels and machine code, which no sanitizer sees into), runs one target after another from the corpus that
is checked in, and counts. An execution that panics, takes over a second of the processor or exceeds the memory is a finding: its input is kept in
fuzz/artifacts/TARGET/, and the exit code is 1. Python's standard library is all it needs.

    fuzz/run.py                              # every target, 10^6 executions each
    fuzz/run.py derive --executions 10000    # one of them, in small
    fuzz/run.py derive --input FILE          # an input once more
    fuzz/run.py --merge                      # the corpus anew, from what earlier runs found
    fuzz/run.py --write docs/reliability.md  # and what was measured of each target, between its marks
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
TARGETS = ["graph", "formula", "points", "derive"]
TRIPLE = "x86_64-unknown-linux-gnu" if platform.machine() == "x86_64" else f"{platform.machine()}-unknown-linux-gnu"
BUILT = FUZZ / "target" / TRIPLE / "release"
FOUND = FUZZ / "target" / "found"
MEASURED = FUZZ / "target" / "measured"
# Bytes of an input, and megabytes of the process.
LONGEST = {"graph": 4096, "formula": 1024, "points": 1024, "derive": 96}
MEMORY = 2048
# Seconds of the clock after which an execution is given up. Its second of the processor it counts itself (fuzz_targets/processor.rs): a machine that does
# other things, too, may let it wait for longer.
PATIENCE = 60
# Set once this program is told to end.
ENDING = threading.Event()
# Of a target's corpus as it is checked in: files, and bytes.
MOST_FILES = 70
LARGEST = 60_000

# Comparisons are not traced, which would take half of the time: what inputs are compared with stands in the dictionary.
COVERAGE = ["--cfg", "fuzzing", "-Cpasses=sancov-module"] + [f"-Cllvm-args=-{flag}" for flag in (
    "sanitizer-coverage-level=4", "sanitizer-coverage-inline-8bit-counters", "sanitizer-coverage-pc-table",
    "simplifycfg-branch-fold-threshold=0")]


def build():
    """Everything but build scripts is instrumented: that is what naming the machine is for."""
    environment = os.environ | {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(COVERAGE)}
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--target", TRIPLE]
    subprocess.run([*command, "--manifest-path", FUZZ / "Cargo.toml", "--target-dir", FUZZ / "target"], env=environment, check=True)


def dictionary():
    """The words of requests and formulas: operators from the OpenAPI document, and its field names."""
    document = json.loads((FUZZ.parent / "openapi" / "openapi.json").read_text())
    words = {"{", "}", "[", "]", "null", "true", "false", "1e308", "-0.0", "NaN", "Infinity", "const", "e", "pi", "==", "<=", "**", "^", "@"}

    def walk(value):
        if isinstance(value, dict):
            words.update(value.get("properties", {}))
            words.update(word for word in value.get("enum", []) if isinstance(word, str))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document["components"])
    escaped = lambda word: "".join(f"\\x{byte:02x}" if byte in b'"\\' or byte > 126 else chr(byte) for byte in word.encode())
    path = FUZZ / "target" / "words.dict"
    path.write_text("".join(f'"{escaped(word)}"\n' for word in sorted(words)))
    return path


def fuzzer(target, *arguments, quiet=False):
    """One process; its exit code and what it said."""
    environment = os.environ | {"RUST_BACKTRACE": "1"}
    command = [BUILT / target, f"-timeout={PATIENCE}", f"-rss_limit_mb={MEMORY}", *arguments]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace")
    said = []
    # told to end, it says how far it has come
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: (ENDING.set(), process.send_signal(signal.SIGINT)))
    for line in process.stderr:
        said.append(line)
        if not quiet and re.match(r"#\d+\s+pulse", line):
            print("   ", line.rstrip(), flush=True)
    return process.wait(), "".join(said)


def holds(target, artifact):
    """Whether an input that took too long has no fault: the machine stood still meanwhile, and once more it is fast."""
    return all(fuzzer(target, "-runs=1", artifact, quiet=True)[0] == 0 for _ in range(2))


def run(target, executions):
    """A target until it has been executed so often; what was measured, by earlier runs and by this one."""
    found, artifacts, corpus = FOUND / target, FUZZ / "artifacts" / target, FUZZ / "corpus" / target
    for directory in (found, artifacts):
        directory.mkdir(parents=True, exist_ok=True)
    measured = MEASURED / f"{target}.json"
    if executions == 0:
        return []
    earlier = json.loads(measured.read_text()) if measured.is_file() else {"executions": 0, "seconds": 0, "edges": 0, "memory": 0, "findings": []}
    done, findings, memory, begun = 0, [], earlier["memory"], time.monotonic()
    while done < executions and len(findings) < 10 and not ENDING.is_set():
        kept = set(artifacts.iterdir())
        code, said = fuzzer(
            target, f"-runs={executions - done}", f"-max_len={LONGEST[target]}", f"-dict={dictionary()}", f"-artifact_prefix={artifacts}/",
            "-print_final_stats=1", "-reload=0", "-entropic=0", "-print_funcs=0", found, corpus)
        stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", said))
        done += int(stats.get("number_of_executed_units", 0))
        memory = max(memory, int(stats.get("peak_rss_mb", 0)))
        for artifact in sorted(set(artifacts.iterdir()) - kept):
            slow = artifact.name.startswith(("timeout", "slow-unit")) or "of the processor" in said
            if slow and holds(target, artifact):
                artifact.unlink()
                continue
            findings.append(artifact)
            print(said[-4000:], file=sys.stderr)
        if code != 0 and not stats and not ENDING.is_set():
            sys.exit(f"{target} ended with {code}:\n{said[-4000:]}")
    edges = [int(edges) for edges in re.findall(r"cov: (\d+) ft:", said)]
    MEASURED.mkdir(parents=True, exist_ok=True)
    measured.write_text(json.dumps({
        "executions": earlier["executions"] + done, "seconds": earlier["seconds"] + time.monotonic() - begun,
        "edges": max(edges, default=earlier["edges"]), "memory": memory, "day": time.strftime("%Y-%m-%d"),
        "findings": sorted(set(earlier["findings"]) | {file.name for file in findings})}))
    return findings


def merge(target):
    """Those of all inputs that are known which reach the most edges in the fewest bytes: the corpus, written anew."""
    corpus, scratch, control = FUZZ / "corpus" / target, FUZZ / "target" / "merged", FUZZ / "target" / "control"
    shutil.rmtree(scratch, ignore_errors=True)
    control.unlink(missing_ok=True)
    scratch.mkdir(parents=True)
    code, said = fuzzer(target, "-merge=1", "-use_counters=0", f"-merge_control_file={control}", f"-max_len={LONGEST[target]}", scratch,
                        corpus, FOUND / target, quiet=True)
    if code != 0:
        sys.exit(said[-4000:])
    # how many files, how many of them in the first directory, the files; then what each reaches
    lines = control.read_text().splitlines()
    files = [Path(line).read_bytes() for line in lines[2:2 + int(lines[0])]]
    reached = {}
    for words in map(str.split, lines[2 + len(files):]):
        if words[0] == "FT":
            reached[int(words[1])] = set(map(int, words[2:]))
    chosen, known, size = [], set(), 0
    while len(chosen) < MOST_FILES:
        best = max(reached, key=lambda i: (len(reached[i] - known) / (512 + len(files[i])), -i), default=None)
        if best is None or not reached[best] - known or size + len(files[best]) > LARGEST:
            break
        chosen.append(files[best])
        known |= reached.pop(best)
        size += len(files[best])
    shutil.rmtree(corpus)
    corpus.mkdir()
    for data in chosen:
        (corpus / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)
    everything = len(known.union(*reached.values()))
    print(f"{target}: {len(chosen)} files of {len(files)}, {size} bytes, reach {len(known)} of {everything} edges")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="target", help=", ".join(TARGETS))
    parser.add_argument("--executions", type=int, default=1_000_000, help="of each target (10^6)")
    parser.add_argument("--input", type=Path, help="run the targets on this file, and do nothing else")
    parser.add_argument("--merge", action="store_true", help="write the corpus anew from what was found, and do nothing else")
    parser.add_argument("--no-build", action="store_true", help="as built before")
    parser.add_argument("--anew", action="store_true", help="forget what earlier runs measured, whose executions count otherwise")
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- fuzz --> and <!-- /fuzz -->")
    options = parser.parse_args()
    targets = options.targets or TARGETS
    if unknown := set(targets) - set(TARGETS):
        parser.error(f"no target {', '.join(unknown)}")
    if not options.no_build:
        build()
    if options.input:
        for target in targets:
            code, said = fuzzer(target, "-runs=1", options.input, quiet=True)
            print(said)
        sys.exit(code)
    if options.merge:
        for target in targets:
            merge(target)
        return

    if options.anew:
        for target in targets:
            (MEASURED / f"{target}.json").unlink(missing_ok=True)
    found = []
    for target in targets:
        if ENDING.is_set():
            break
        print(f"{target}:", flush=True)
        found += run(target, options.executions)
    table = "| target | executions | seconds | edges reached | most memory | corpus | findings |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    for target in TARGETS:
        if (file := MEASURED / f"{target}.json").is_file():
            row, corpus = json.loads(file.read_text()), list((FUZZ / "corpus" / target).iterdir())
            size = sum(file.stat().st_size for file in corpus)
            table += (f"| `{target}` | {row['executions']:,} | {row['seconds']:,.0f} | {row['edges']:,} | {row['memory']} MB "
                      f"| {len(corpus)} files, {size / 1e3:.0f} kB | {len(row['findings']) or 'none'} |\n")
    print(table)
    if options.write:
        table = f"One core of {machine()}, shared with other work; {time.strftime('%Y-%m-%d')}.\n\n{table}"
        page, count = re.subn(r"(<!-- fuzz -->\n).*?(<!-- /fuzz -->)", lambda marks: marks[1] + table + marks[2], options.write.read_text(), flags=re.S)
        if count != 1:
            sys.exit(f"{options.write} has no marks")
        options.write.write_text(page)
    if found:
        sys.exit(1)


def machine():
    """The processor's name."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
