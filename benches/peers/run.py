#!/usr/bin/env python3
"""nablad's engine beside JAX, CasADi, PyTorch, NumPy and what C reaches: the same functions, the same numbers, one core, one run.

Every answer is checked, before and after it is timed. Prints what it measures, and writes docs/performance.md. README.md says more.
"""

import argparse
import os
import sys
from pathlib import Path

# Libraries look when they are loaded: before anything else is imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", default="W1,W2,W3,W5,W6,W7,W8", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=11, help="samples of each, taken in turn; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.03, help="of a sample; default: %(default)s")
    parser.add_argument("--most", type=float, default=6, help="seconds for all samples of one, but for three; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="small sizes, three rounds: whether all still answer the same")
    parser.add_argument("--core", type=int, help="the core to use; default: the first that is allowed")
    parser.add_argument("--driver", type=Path, help="a driver that is built; default: build it")
    parser.add_argument("--output", type=Path, help="default: docs/performance.md where everything is measured, else nowhere")
    options = parser.parse_args()

    import driver

    binary = options.driver or driver.build()
    # after the build, for which all cores are welcome, and before XLA counts them; children inherit it
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)) if options.core is None else options.core})
    import report
    from measure import measure
    from workloads import ALL

    wanted = options.workloads.split(",")
    if unknown := set(wanted) - set(ALL):
        parser.error(f"there is no workload {', '.join(sorted(unknown))}")
    rounds = 3 if options.quick else options.rounds
    cases, firsts = [], []
    for module in (module for name in wanted for module in ALL[name]):
        for case in module.cases(options.quick):
            with driver.Driver(binary) as engine:
                if case.label in report.FIRST_GOALS:
                    firsts.append((case, engine.first(case, 5 * rounds)))
                measure(case, engine.load(case), rounds, options.seconds, options.most)
            print(report.lines(case), flush=True)
            for contender in case.contenders:
                contender.release()
            cases.append(case)
    page = report.page(cases, firsts)
    everything = set(wanted) == set(ALL) and not options.quick
    output = options.output or (driver.REPOSITORY / "docs" / "performance.md" if everything else None)
    print(report.tables(cases, firsts))
    if output:
        output.write_text(page)
        print(f"written: {output}")


if __name__ == "__main__":
    sys.exit(main())
