"""Reference rows of second derivatives of tensor operators: whole /hessian requests with their exact gradients and Hessians.

Each is a weighted sum of one operator's elements, so that no second derivative goes unseen. The reference interpreter (graph.py)
carries second derivatives along on mpmath numbers at 60 digits; where it knows first derivatives alone, they are differenced at 150.
"""
from mpmath import mp, mpf

from decimals import text
from graph import Interpreter, size, to_nested
from second_cases import CASES
from tensor import number, point
from tensor_cases import declared, op

DIGITS = 60


def weighted(expression, shape):
    """A sum of the expression's elements with weights of both signs, none 0."""
    weights = [((7 * k + 3) % 11 - 5.5) / 4 for k in range(size(shape))]
    return op("sum", op("multiply", {"const": to_nested(shape, weights)}, expression))


def word(value):
    shown = text(value)
    return "0.0" if shown == "-0.0" else shown


def differenced(graph, at, keys):
    """The Hessian by central differences of the gradient with steps of 10^-40: 70 of its digits are right."""
    with mp.workdps(150):
        step, hessian = mpf(10) ** -40, {}
        for name, i in (key for own in keys.values() for key in own):
            sides = []
            for h in (step, -step):
                tensors = point(graph, at, number)
                tensors[name].items[i].value += h
                sides.append(Interpreter(mp, number).run(graph, tensors)["f"].items[0].gradient)
            for key in (key for own in keys.values() for key in own):
                slope = (sides[0].get(key, 0) - sides[1].get(key, 0)) / (2 * step)
                hessian[(name, i), key] = slope if abs(slope) > mpf(10) ** -60 else mpf(0)
        return hessian


def row_of(case):
    graph = {"inputs": declared(case["at"]), "nodes": [], "outputs": [{"name": "y", "value": case["expression"]}]}
    shape = Interpreter(mp, number).run(graph, point(graph, case["at"], number))["y"].shape
    graph["outputs"] = [{"name": "f", "value": weighted(case["expression"], shape)}]
    tensors = point(graph, case["at"], number)
    result = Interpreter(mp, number).run(graph, tensors)["f"].items[0]
    keys = {name: [(name, i) for i in range(size(tensor.shape))] for name, tensor in tensors.items()}
    gradient = {name: to_nested(tensors[name].shape, [word(result.gradient.get(key, mpf(0))) for key in own]) for name, own in keys.items()}
    second = differenced(graph, case["at"], keys) if case["differenced"] else result.hessian
    hessian = {a: {b: to_nested((*tensors[a].shape, *tensors[b].shape), [word(second.get((i, j), mpf(0))) for i in keys[a] for j in keys[b]])
                   for b in keys} for a in keys}
    return {"op": case["op"], "request": {"graph": graph, "at": case["at"]}, "value": word(result.value), "gradient": gradient, "hessian": hessian, "bound": case["bound"]}


def rows(scale=1):
    with mp.workdps(scale * DIGITS):
        return [row_of(case) for case in CASES]
