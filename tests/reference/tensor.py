"""Reference rows of tensor operators: whole /jacobian requests with their exact values and Jacobians.

The reference interpreter (graph.py) runs on mpmath numbers at 60 digits. Where a convention decides (ties, NaN, zero vectors,
all -inf), the row carries its Jacobian by hand, and the interpreter must agree with it or the generator stops.
"""
from mpmath import mp, mpf

import arrange_cases
import contraction_cases
import scan_cases
import tensor_cases
from decimals import text
from graph import Interpreter, from_nested, size, to_nested

DIGITS = 60
CASES = [case for file in (tensor_cases, arrange_cases, scan_cases, contraction_cases) for case in file.CASES]


def shape_of(declared):
    return [] if isinstance(declared, str) else declared.get("shape", [])


def point(graph, at, convert):
    """The inputs as tensors, each entry moving by its own key (input, flat position)."""
    tensors = {}
    for declared in graph["inputs"]:
        name = declared if isinstance(declared, str) else declared["name"]
        tensor = from_nested(at[name], shape_of(declared), convert)
        for i, entry in enumerate(tensor.items):
            entry.gradient = {(name, i): convert(1)}
        tensors[name] = tensor
    return tensors


def number(value):
    return mpf(float(value)) if isinstance(value, str) else mpf(value)


def answer(graph, at):
    """(value, jacobian) as nested decimal texts."""
    tensors = point(graph, at, number)
    outputs = Interpreter(mp, number).run(graph, tensors)
    value, jacobian = {}, {}
    for name, result in outputs.items():
        value[name] = to_nested(result.shape, [signed(e.value) for e in result.items])
        jacobian[name] = {}
        for source, tensor in tensors.items():
            flat = [text(e.gradient.get((source, i), 0.0)) for e in result.items for i in range(size(tensor.shape))]
            jacobian[name][source] = to_nested((*result.shape, *tensor.shape), [("0.0" if f == "-0.0" else f) for f in flat])
    return value, jacobian


def signed(value):
    word = text(value)
    return "0.0" if word == "-0.0" else word


def rows(scale=1):
    """All rows; `scale` multiplies the working digits (the self-check sees that nothing changes)."""
    result = []
    with mp.workdps(scale * DIGITS):
        for case in CASES:
            graph, at = case["graph"], case["at"]
            value, jacobian = answer(graph, at)
            for part, computed in (("value", value), ("jacobian", jacobian)):
                if part in case:
                    assert computed == case[part], (case["name"], part, computed, case[part])
            row = {"name": case["name"], "request": {"graph": graph, "at": at}, "value": value, "jacobian": jacobian, "bound": case["bound"]}
            if "note" in case:
                row["note"] = case["note"]
            result.append(row)
    assert len({row["name"] for row in result}) == len(result)
    return result
