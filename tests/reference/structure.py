"""Reference rows of the structure operators: whole /jacobian requests with functions in functions, their exact values and Jacobians, and the
Hessian of a weighed sum of all outputs.

The reference interpreter (graph.py, structures.py) carries first and second derivatives along on mpmath numbers at 80 digits. Where a
matrix is taken apart, derivatives are differences of values at 150 digits, as in linear_algebra.py.
"""
from mpmath import mp, mpf

import linear_algebra
from decimals import text
from graph import Interpreter, size, to_nested
from structure_cases import CASES
from tensor import number, point

DIGITS = 80
NOISE = mpf(10) ** -60  # what an implicit function's last digits make of a zero


def word(value, largest):
    if value is None or abs(value) <= largest * NOISE:
        return "0.0"
    shown = text(value)
    return "0.0" if shown == "-0.0" else shown


def words(values):
    largest = max([abs(x) for x in values if mp.isfinite(x)] + [mpf(0)])
    return [word(value, largest) for value in values]


def run(graph, at):
    tensors = point(graph, at, number)
    return tensors, Interpreter(mp, number).run(graph, tensors)


def answer(graph, at):
    tensors, results = run(graph, at)
    value, jacobian = {}, {}
    for name, result in results.items():
        value[name] = to_nested(result.shape, [linear_algebra.positive(text(item.value)) for item in result.items])
        jacobian[name] = {}
        for source, tensor in tensors.items():
            entries = [item.gradient.get((source, i), mpf(0)) for item in result.items for i in range(len(tensor.items))]
            jacobian[name][source] = to_nested((*result.shape, *tensor.shape), words(entries))
    return value, jacobian


def hessian(graph, at):
    _, results = run(graph, at)
    kept = [output for output in graph["outputs"] if size(results[output["name"]].shape)]
    flat = {name: (result.shape, result.items) for name, result in results.items()}
    whole = linear_algebra.weighed({**graph, "outputs": kept}, flat)
    tensors, result = run(whole, at)
    second = result["f"].items[0].hessian
    blocks = {}
    for a, left in tensors.items():
        blocks[a] = {}
        for b, right in tensors.items():
            entries = [second.get(((a, i), (b, j)), mpf(0)) for i in range(len(left.items)) for j in range(len(right.items))]
            blocks[a][b] = to_nested((*left.shape, *right.shape), words(entries))
    return {"graph": whole, "blocks": blocks}


def rows(scale=1):
    """All rows; `scale` multiplies the working digits (the self-check sees that nothing changes)."""
    result = []
    for case in CASES:
        graph, at = case["graph"], case["at"]
        row = {"name": case["name"], "op": case["op"], "request": {"graph": graph, "at": at}}
        differenced = case.get("differenced")
        with mp.workdps(scale * (linear_algebra.DIGITS if differenced else DIGITS)):
            if differenced:
                flattened = linear_algebra.flattened(graph, at)
                row["value"], row["jacobian"] = linear_algebra.answer(graph, flattened)
            else:
                row["value"], row["jacobian"] = answer(graph, at)
            for name, blocks in case.get("by_hand", {}).items():
                row["jacobian"][name] = {**row["jacobian"][name], **blocks}
            row["bound"] = case["bound"]
            for key in ("floor", "note"):
                if key in case:
                    row[key] = case[key]
            if case["hessian"]:
                row["hessian"] = linear_algebra.hessian(graph, flattened) if differenced else hessian(graph, at)
        result.append(row)
    assert len({row["name"] for row in result}) == len(result)
    return result
