"""Rewrites the reference data beside this script; --check only compares, --selfcheck compares with NumPy, SciPy and JAX.

    python tests/reference/generate.py [--check | --selfcheck] [scalar] [tensor] [linear_algebra] [structure] [second] [composition] [taylor]
"""
import argparse
import json
import sys
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# those that take longest first
FILES = ("linear_algebra", "structure", "scalar", "taylor", "second", "tensor", "composition")


def rendered(name):
    """The whole data file as text: one JSON object a line."""
    rows = __import__(name).rows()
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the checked-in data differ")
    parser.add_argument("--selfcheck", action="store_true", help="compare the checked-in data with NumPy, SciPy and, if there, JAX")
    parser.add_argument("files", nargs="*", choices=[[], *FILES], help="default: all")
    options = parser.parse_args()
    names = options.files or FILES
    if options.selfcheck:
        import selfcheck
        return selfcheck.run(names)
    stale = []
    with Pool() as pool:
        contents = dict(zip(names, pool.map(rendered, names, chunksize=1)))
    for name, data in contents.items():
        path = Path(__file__).with_name(name + ".jsonl")
        if not options.check:
            path.write_text(data, encoding="utf-8")
            print(f"{path.name}: {data.count(chr(10))} rows")
        elif not path.exists() or path.read_text(encoding="utf-8") != data:
            stale.append(path.name)
    if stale:
        print("differs from what the generator writes: " + ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
