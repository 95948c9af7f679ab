"""Reference rows of Taylor series: the coefficients of a formula along a direction, by mpmath's numerical differentiation at high precision.

The formula is run through the reference interpreter at x + t·dx for mpmath to differentiate by t: no rule of differentiation, and no
arithmetic of series, has part in it.
"""
from mpmath import mp, mpf

from composition import Formula
from decimals import condition, text
from graph import Tensor, from_nested
from jet import Jet
from taylor_cases import SERIES

DIGITS = 60
ORDER = 10


def flat(nested):
    """(shape, the entries as exact mpf)."""
    tensor = from_nested(nested, None, mpf)
    return tensor.shape, [entry.value for entry in tensor.items]


def coefficients(formula, point, direction):
    """(output name, [c0, … c10]); `point` and `direction` are {name: (shape, entries)}."""
    named = []

    def value(t):
        moved = {name: Tensor(shape, [Jet(x + t * d) for x, d in zip(entries, direction[name][1])]) for name, (shape, entries) in point.items()}
        name, result = Formula(mp, mpf).run(formula, moved)
        assert result.shape == (), formula
        named.append(name)
        return result.items[0].value

    found = [mpf(c) for c in mp.taylor(value, mpf(0), ORDER)]
    # what differentiation by numbers leaves of a coefficient that is 0
    noise = mpf(10) ** (5 - mp.dps) * max(abs(c) for c in found)
    return named[0], [c if abs(c) > noise else mpf(0) for c in found]


def nudged(inputs, name, i, by):
    shape, entries = inputs[name]
    return {**inputs, name: (shape, [entry * (1 + by) if j == i else entry for j, entry in enumerate(entries)])}


def row_of(formula, at, direction):
    point, way = ({name: flat(nested) for name, nested in inputs.items()} for inputs in (at, direction))
    name, exact = coefficients(formula, point, way)
    step = mpf(10) ** (-mp.dps // 3)
    changes = [[] for _ in exact]
    for source in at:
        for i in range(len(point[source][1])):
            for near in ((nudged(point, source, i, step), way), (point, nudged(way, source, i, step))):
                for terms, moved, c in zip(changes, coefficients(formula, *near)[1], exact):
                    terms.append((moved - c) / step)
    conditions = [condition(terms, c) for terms, c in zip(changes, exact)]
    conditions = [cond and float(mp.nstr(mpf(cond), 3)) for cond in conditions]
    row = {"formula": formula, "at": at, "direction": direction, "coefficients": [text(c, 50) for c in exact], "bound": 1e-13, "cond": conditions}
    if name != "f":
        row["output"] = name
    return row


def rows(scale=1):
    """All rows; `scale` multiplies the working digits (the self-check sees that nothing changes)."""
    with mp.workdps(scale * DIGITS):
        return [row_of(formula, at, direction) for formula, ways in SERIES for at, direction in ways]
