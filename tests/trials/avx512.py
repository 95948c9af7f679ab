#!/usr/bin/env python3
"""The unit tests on a CPU with AVX-512, which few machines have: in Linux inside Bochs, an emulator of whole PCs that has it.

    tests/trials/avx512.py [--cpu MODEL] [--binary FILE] [--needs FLAG,FLAG] [FILTER ...]

Builds the tests optimised, since only then loops are vectorised; packs them with the libraries they need, busybox and a kernel of Debian
into a CD; boots Bochs from it and waits until the tests have ended. FILTER is part of a test's name, by default those of the elementwise
functions. Exits with 0 if the guest's CPU had what was needed and tests ran and all passed.

Runs on Debian for x86-64, not as root: `apt-get install bochs bochs-term xorriso`. The guest's packages are downloaded by
`apt-get download` and unpacked, not installed. Linux needs less than a minute to start there; what it then does is about a hundred times
slower than on the host.
"""

import argparse
import gzip
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "avx512"
TOOLS = {"bochs": "bochs", "xorriso": "xorriso", "apt-get": "apt", "dpkg-deb": "dpkg", "ldd": "libc-bin"}
V4 = ["avx512f", "avx512bw", "avx512dq", "avx512vl"]  # what the code of this name needs (src/engine/exec/elementwise.rs)
KERNEL = "linux-image-cloud-amd64"  # small, and what it needs to start is built in
GUEST = {"busybox-static": "**/bin/busybox", "isolinux": "**/ISOLINUX/isolinux.bin", "syslinux-common": "**/modules/bios/ldlinux.c32"}

# What the guest says of itself, between the lines of the tests.
FLAGS, ENDED = "guest-flags:", "guest-ended:"
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc none /proc; $b mount -t sysfs none /sys; $b mount -t devtmpfs none /dev; $b mount -t tmpfs none /tmp
echo "{FLAGS}$($b grep -m 1 '^flags' /proc/cpuinfo | $b cut -d : -f 2)"
RUST_BACKTRACE=0 /tests --test-threads=1 {filters}
echo "{ENDED} $?"
$b sleep 1000000
"""
# Bochs 2.7 says of XSAVEC and XSAVES what does not add up: Linux would do without XSAVE, and so without AVX. It lacks aperfmperf. (Of its
# other CPUs with AVX-512, corei7_icelake_u says more that is wrong, and Linux hangs.) A second is as long for its timers as for the CPU's
# counter only if Linux is told how fast that counts.
BOOT = """DEFAULT tests
LABEL tests
KERNEL vmlinuz
INITRD initrd
APPEND console=ttyS0 loglevel=3 clearcpuid=xsavec,xsaves,aperfmperf tsc_early_khz={khz} tsc=reliable acpi=off nokaslr mitigations=off \
random.trust_cpu=on rdinit=/init
"""
KHZ = 50_000  # instructions in a guest's millisecond: the fewer, the less is spent on waiting for devices
BOCHS = """display_library: term
config_interface: textconfig
romimage: file=$BXSHARE/BIOS-bochs-latest
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
cpu: model={cpu}, count=1, ips={khz}000, reset_on_triple_fault=0
memory: guest=1024, host=1024
clock: sync=none
boot: cdrom
ata0-master: type=cdrom, path="{directory}/cd.iso", status=inserted
com1: enabled=1, mode=file, dev="{directory}/serial"
log: "{directory}/log"
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
plugin_ctrl: speaker=0
"""


def run(*command, **options):
    """What a command prints; the trial ends where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **options)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))} exits with {done.returncode}")
    return done.stdout


def built():
    """The unit tests' executable, optimised."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "CARGO_PROFILE_TEST_OPT_LEVEL": "3", "CARGO_PROFILE_TEST_DEBUG": "0"}
    lines = run("cargo", "test", "--no-default-features", "--lib", "--no-run", "--message-format=json", cwd=ROOT, env=environment)
    executables = [message["executable"] for message in map(json.loads, lines.splitlines()) if message.get("executable")]
    return Path(executables[-1])


def unpacked(directory):
    """What the guest needs of its packages, and the kernel first; they are unpacked in that directory."""
    newest = re.search(r"^Depends: (\S+)", run("apt-cache", "show", "--no-all-versions", KERNEL), re.M)[1]
    run("apt-get", "download", "-q", newest, *GUEST, cwd=directory, stderr=subprocess.DEVNULL)
    for package in directory.glob("*.deb"):
        run("dpkg-deb", "-x", package, directory)
    return [next(directory.glob(pattern)) for pattern in ("boot/vmlinuz-*", *GUEST.values())]


def archive(files):
    """An initial file system: a cpio archive of the format newc, of directories (None) and programs."""
    entries = dict.fromkeys(("proc", "sys", "dev", "tmp"))
    for path, content in files.items():
        entries.update(dict.fromkeys(str(parent) for parent in reversed(Path(path).parents) if parent.name))
        entries[path] = content
    packed = bytearray()
    for number, (path, content) in enumerate([*entries.items(), ("TRAILER!!!", b"")], 1):
        mode, name, content = 0o040755 if content is None else 0o100755, path.encode() + b"\0", content or b""
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        for part in (b"070701" + b"".join(b"%08X" % field for field in fields) + name, content):
            packed += part + bytes(-len(part) % 4)
    return bytes(packed)


def image(directory, binary, filters):
    """A CD that runs the tests when a PC starts from it."""
    (kernel, busybox, *loader), content = unpacked(directory), directory / "cd"
    content.mkdir()
    libraries = re.findall(r"(/\S+) \(0x", run("ldd", binary))
    files = {path.lstrip("/"): Path(path).read_bytes() for path in libraries}
    files |= {"bin/busybox": busybox.read_bytes(), "tests": binary.read_bytes(),
              "init": INIT.format(FLAGS=FLAGS, ENDED=ENDED, filters=shlex.join(filters)).encode()}
    (content / "initrd").write_bytes(gzip.compress(archive(files), 6))
    (content / "isolinux.cfg").write_text(BOOT.format(khz=KHZ))
    shutil.copy(kernel, content / "vmlinuz")
    for part in loader:
        shutil.copy(part, content)
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", directory / "cd.iso", "-b", "isolinux.bin", "-c", "boot.cat",
        "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", content, stderr=subprocess.DEVNULL)


def emulated(directory, cpu, seconds):
    """What the guest prints until its tests have ended, shown as it comes."""
    (directory / "bochsrc").write_text(BOCHS.format(cpu=cpu, khz=KHZ, directory=directory))
    command = ["bochs", "-q", "-f", directory / "bochsrc"]
    if "-rc filename" in run("bochs", "--help", stderr=subprocess.STDOUT):
        # Debian's has a debugger, which waits for commands
        (directory / "commands").write_text("continue\n")
        command += ["-rc", directory / "commands"]
    serial, text, shown, begun = directory / "serial", "", 0, time.monotonic()
    serial.touch()
    # its screen: a terminal that nobody looks at
    screen, inside = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), inside)
    bochs = subprocess.Popen(command, env=os.environ | {"TERM": "linux"}, start_new_session=True, **streams)
    os.close(inside)
    try:
        while not re.search(rf"{ENDED} \d+\n", text):
            if select.select([screen], [], [], 0.5)[0]:
                try:
                    os.read(screen, 1 << 16)
                except OSError:
                    bochs.wait()
            over = bochs.poll() is not None
            text = serial.read_bytes().decode(errors="replace").replace("\r", "")
            for line in text[shown:].splitlines(keepends=True):
                if line.endswith("\n"):
                    print(f"{time.monotonic() - begun:6.0f} s  {line}", end="", flush=True)
                    shown += len(line)
            if over or time.monotonic() - begun > seconds:
                log = (directory / "log").read_text(errors="replace").splitlines()[-15:]
                sys.exit("\n".join([*log, "Bochs has ended" if over else f"not done after {seconds:.0f} s"]))
    finally:
        bochs.kill()
        bochs.wait()
        os.close(screen)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("filters", nargs="*", metavar="FILTER", default=["elementwise::tests"], help="default: %(default)s")
    parser.add_argument("--binary", type=Path, help="tests that were built already; default: built here")
    parser.add_argument("--cpu", default="corei7_skylake_x", help="one of `bochs --help cpu`; default: %(default)s")
    parser.add_argument("--needs", default=",".join(V4), help="what the guest's CPU must have, by commas; default: %(default)s")
    parser.add_argument("--timeout", type=float, default=3600, help="how many seconds the guest may take; default: %(default)s")
    options = parser.parse_args()
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if not any(Path("/usr/lib").glob("*/bochs/plugins/libbx_term_gui.so")):
        missing.append("bochs-term")
    if missing:
        sys.exit(f"apt-get install {' '.join(missing)}")
    binary = options.binary or built()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    with tempfile.TemporaryDirectory(prefix="nablad-avx512-") as directory:
        image(Path(directory), binary, options.filters)
        text = emulated(Path(directory), options.cpu, options.timeout)

    flags = set(re.search(rf"^{FLAGS}(.*)", text, re.M)[1].split())
    counts = re.findall(r"^test result: .*?(\d+) passed; (\d+) failed", text, re.M)
    passed, failed = (sum(int(count[i]) for count in counts) for i in range(2))
    lacking = [flag for flag in options.needs.split(",") if flag not in flags]
    code = int(re.search(rf"{ENDED} (\d+)", text)[1])
    print(f"{options.cpu} has {' '.join(sorted(flag for flag in flags if flag.startswith(('avx', 'fma'))))}")
    print(f"{passed} passed, {failed} failed, exit code {code}" + (f"; the guest lacks {', '.join(lacking)}" if lacking else ""))
    return 1 if code or failed or not passed or lacking else 0


if __name__ == "__main__":
    sys.exit(main())
