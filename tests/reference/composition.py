"""Reference rows of formulas: value, gradient and their condition numbers, in the contract's infix notation.

A formula is read with Python's own parser (the notations agree once ^ is ** and if is where) and run through the reference
interpreter on second-order jets at 60 digits; literals, pi and e are the binary64 numbers that the server sees. The self-check
derives the scalar formulas once more with SymPy.
"""
import ast
import math
import re

from mpmath import mp, mpf

from composition_cases import FORMULAS
from decimals import condition, text
from graph import Interpreter, Tensor, from_nested, size, to_nested
from jet import Jet

DIGITS = 60
ALIASES = {"select": "where", "Abs": "abs", "Max": "maximum", "Min": "minimum", "ln": "log", "expit": "sigmoid", "Phi": "ndtr", "lgamma": "gammaln", "psi": "digamma",
           "dot": "vecdot"}
BINARY = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "pow", ast.MatMult: "matmul"}
COMPARISONS = {ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal"}


def parsed(formula):
    """Python's syntax tree of a formula: statements in order."""
    return ast.parse(re.sub(r"\bif\(", "where(", formula.replace("^", "**")).replace("; ", "\n")).body


class Formula:
    def __init__(self, context, convert):
        self.context, self.convert, self.interpreter = context, convert, Interpreter(context, convert)

    def run(self, formula, inputs):
        """(output name, its Tensor): the last statement, named f when it has no name."""
        names = {"pi": self.constant(math.pi), "e": self.constant(math.e), **inputs}
        for statement in parsed(formula):
            name = statement.targets[0].id if isinstance(statement, ast.Assign) else "f"
            result = names[name] = self.walk(statement.value, names)
        return name, result

    def constant(self, value):
        return Tensor((), [Jet(self.convert(value))])

    def apply(self, op, *args, **attributes):
        return self.interpreter.apply(op, list(args), attributes)

    def walk(self, node, names):
        match node:
            case ast.Constant(value):
                return self.constant(value)
            case ast.Name(name):
                return names[name]
            case ast.UnaryOp(ast.USub(), operand):
                return self.apply("negative", self.walk(operand, names))
            case ast.BinOp(left, operator, right):
                return self.apply(BINARY[type(operator)], self.walk(left, names), self.walk(right, names))
            case ast.Compare(left, [operator], [right]):
                return self.apply(COMPARISONS[type(operator)], self.walk(left, names), self.walk(right, names))
            case ast.Call(ast.Name(name), args, keywords):
                attributes = {k.arg: ast.literal_eval(k.value) for k in keywords}
                return self.apply(ALIASES.get(name, name), *(self.walk(a, names) for a in args), **attributes)
            case ast.List(elements):
                return self.apply("stack", *(self.walk(e, names) for e in elements))
            case ast.Subscript(value, index):
                return self.subscript(self.walk(value, names), index.elts if isinstance(index, ast.Tuple) else [index])
        raise ValueError(ast.dump(node))

    def subscript(self, tensor, parts):
        if not any(isinstance(part, ast.Slice) for part in parts):
            return self.apply("index", tensor, at=[ast.literal_eval(part) for part in parts])
        bound = lambda part: None if part is None else ast.literal_eval(part)
        return self.apply("slice", tensor, start=[bound(p.lower) for p in parts], stop=[bound(p.upper) for p in parts], step=[bound(p.step) for p in parts])


def moving(at, convert):
    """The inputs as tensors whose entries move by the keys (input, flat position), and the values by key."""
    tensors, values = {}, {}
    for name, nested in at.items():
        tensors[name] = from_nested(nested, None, convert)
        for i, entry in enumerate(tensors[name].items):
            entry.gradient = {(name, i): convert(1)}
            values[name, i] = entry.value
    return tensors, values


def answer(formula, at, context, convert):
    """(output name, jet of the scalar result, input tensors, input values by key)."""
    tensors, values = moving(at, convert)
    name, result = Formula(context, convert).run(formula, tensors)
    assert size(result.shape) == 1 and result.shape == (), formula
    return name, result.items[0], tensors, values


def row_of(formula, at):
    name, result, tensors, values = answer(formula, at, mp, mpf)
    gradient, conditions = {}, {}
    for source, tensor in tensors.items():
        keys = [(source, i) for i in range(size(tensor.shape))]
        slopes = [result.gradient.get(key, mpf(0)) for key in keys]
        bends = [condition([values[other] * result.hessian.get((key, other), 0) for other in values], slope) for key, slope in zip(keys, slopes)]
        gradient[source] = to_nested(tensor.shape, [text(s, 50) for s in slopes])
        conditions[source] = to_nested(tensor.shape, bends)
    cond = condition([values[key] * result.gradient.get(key, 0) for key in values], result.value)
    row = {"formula": formula, "at": at, "value": text(result.value, 50), "gradient": gradient, "bound": 1e-13, "cond": cond, "cond_gradient": conditions}
    if name != "f":
        row["output"] = name
    return row


def rows(scale=1):
    """All rows; `scale` multiplies the working digits (the self-check sees that nothing changes)."""
    with mp.workdps(scale * DIGITS):
        return [row_of(formula, at) for formula, points in FORMULAS for at in points]
