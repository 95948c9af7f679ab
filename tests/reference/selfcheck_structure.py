"""The derivatives of structure.jsonl, which jets carry through loops, against differences of values at 150 digits, which know nothing of jets."""
import json

import numpy as np
from mpmath import mp, mpf

import linear_algebra

# Where differences see something else: name -> why.
EXPECTED = {
    "call, at a kink": "rule 3", "call, at a pole that nothing reaches": "rule 1", "call, at a pole": "rule 2", "map, at kinks and ties": "rule 3", "scan, at kinks": "rule 3", "while_loop, with a kink": "rule 3",
    "fixed_point, that is small": "second differences vanish beside the value", "while_loop, at the edge of its condition": "steps differ on both sides", "root, found roughly": "differentiated where it is", "odeint, a kink, rk4": "rule 3", "odeint, a kink, dopri5": "rule 3",
}


def differs(ours, theirs):
    """Looser than the 30 digits that are written: differences keep some 70 of 150, implicit functions fewer."""
    ours, theirs = (np.array(side, dtype=object).reshape(-1) for side in (ours, theirs))
    if len(ours) != len(theirs):
        return True
    numbers = [mpf(x) for x in ours]
    largest = max([abs(x) for x in numbers if mp.isfinite(x)] + [mpf(0)])
    return any(mp.isfinite(x) and not abs(x - mpf(y)) <= largest * mpf("1e-28") for x, y in zip(numbers, theirs))


def compare(rows):
    counted = bad = 0
    for row in rows:
        at = row["request"]["at"]
        if row["op"] == "stop_gradient" or row["name"] in EXPECTED or "NaN" in json.dumps(at) or "nan" in json.dumps(row["value"]) or "hessian" not in row:
            continue
        with mp.workdps(linear_algebra.DIGITS):
            graph = row["request"]["graph"]
            flattened = linear_algebra.flattened(graph, at)
            value, jacobian = linear_algebra.answer(graph, flattened)
            second = linear_algebra.hessian(row["hessian"]["graph"], flattened)["blocks"]
            checks = [("value", row["value"][name], value[name]) for name in value]
            checks += [(f"d{name}/d{x}", row["jacobian"][name][x], jacobian[name][x]) for name in value for x in at]
            checks += [(f"d2/d{x}d{y}", row["hessian"]["blocks"][x][y], second[x][y]) for x in at for y in at]
            for what, ours, theirs in checks:
                counted += 1
                if differs(ours, theirs):
                    bad += 1
                    print("structure:", row["name"], what, ours, theirs)
    return counted, bad

