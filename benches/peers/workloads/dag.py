"""W8: a random graph of + · sin exp(−x²) over 16 inputs, every node of which counts: value and gradient at one point."""

import casadi
import numpy as np

import peers
from measure import Case

INPUTS = 16
GOALS = {"limit": 1.2, "CasADi VM": 0.6}
ADD, MULTIPLY, SIN, BELL = 1, 2, 3, 4


def graph(nodes):
    """Operations and their arguments in topological order, and the point. What nothing uses is added up at the end.

    A sum that would leave ±3 at the point becomes a sine, so that values stay small.
    """
    g = np.random.default_rng(8)
    x = g.uniform(-1, 1, INPUTS)
    kinds, draws = g.choice([ADD, MULTIPLY, SIN, BELL], size=nodes, p=[0.35, 0.35, 0.15, 0.15]), g.random((nodes, 2))
    op, left, right, value, used = [0] * INPUTS, [0] * INPUTS, [0] * INPUTS, list(x), [False] * INPUTS
    i = unused = INPUTS
    while i + unused - 1 < nodes:
        kind = int(kinds[i])
        a = max(0, i - 1 - int(draws[i, 0] * 200))  # deep: one of the last 200
        b = int(draws[i, 1] * i)  # wide: any
        if kind == ADD and abs(value[a] + value[b]) > 3:
            kind = SIN
        number = {ADD: value[a] + value[b], MULTIPLY: value[a] * value[b], SIN: np.sin(value[a]), BELL: np.exp(-value[a] ** 2)}[kind]
        op.append(kind)
        left.append(a)
        right.append(b if kind < SIN else 0)
        value.append(float(number))
        used.append(False)
        for argument in (a, b) if kind < SIN else (a,):
            unused -= not used[argument]
            used[argument] = True
        unused += 1
        i += 1
    sinks = [j for j in range(i) if not used[j]]
    total = sinks[0]
    for sink in sinks[1:]:
        op.append(ADD)
        left.append(total)
        right.append(sink)
        total = len(op) - 1
    return np.array(op, np.uint8), np.array(left, np.int32), np.array(right, np.int32), x


def replay(graph, x, make):
    """The graph once more, in whatever `make(op, a, b)` makes."""
    op, left, right, _ = graph
    values = list(x)
    for o, a, b in zip(*(array[INPUTS:].tolist() for array in (op, left, right))):
        values.append(make(o, values[a], values[b]))
    return values[-1]


def on_the_wire(graph):
    """A named node for each."""
    names, nodes = [f"x{i}" for i in range(INPUTS)], []

    def make(op, a, b):
        name = f"n{len(nodes) + INPUTS}"
        minus_square = {"op": "negative", "args": [{"op": "square", "args": [a]}]}
        called, args = {ADD: ("add", [a, b]), MULTIPLY: ("multiply", [a, b]), SIN: ("sin", [a]), BELL: ("exp", [minus_square])}[op]
        nodes.append({"name": name, "op": called, "args": args})
        return name

    return {"inputs": names, "outputs": [replay(graph, names, make)], "nodes": nodes}


def in_casadi(graph):
    def make(op, a, b):
        if op == ADD:
            return a + b
        if op == MULTIPLY:
            return a * b
        return casadi.sin(a) if op == SIN else casadi.exp(-(a * a))

    x = casadi.SX.sym("x", INPUTS)
    y = replay(graph, [x[i] for i in range(INPUTS)], make)
    return casadi.Function("F", [x], [y, casadi.gradient(y, x)])


def cases(quick):
    for nodes in (1_000, 10_000, 100_000)[: 1 if quick else 3]:
        drawn = op, left, right, x = graph(nodes)
        gradient, scratch = np.zeros(INPUTS), [np.zeros(len(op)) for _ in range(3)]
        # the tape's last argument is its only output; what it works in are arguments
        arguments = [INPUTS, len(op), op, left, right, x, *scratch]
        tape = peers.limit("dag", "tape", arguments, [gradient], "C tape", peers.STRICT, value=True)
        tape.run(1)
        others = [tape, peers.with_casadi(lambda: in_casadi(drawn), [x], "SX")]
        at = {f"x{i}": number for i, number in enumerate(x)}
        yield Case("W8 random graph", f"{nodes:,} nodes", "gradient", {"graph": on_the_wire(drawn), "at": at}, tape.answer(), others, GOALS)
