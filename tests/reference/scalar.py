"""Reference rows of the scalar operators: values, first and second partial derivatives at hard points.

Each operator is a SymPy expression; its derivatives are SymPy's closed forms, evaluated by mpmath at the exact binary64 inputs
with so many digits (1500 for elementary functions) that no cancellation within binary64's range can be felt.
Piecewise operators are a few lines of Python each. Points where a convention of ops.md decides (kinks, poles, domain errors,
infinities, NaN) are never computed: they are the hand-written table of scalar_edges.py.
"""
import math
import operator
import random
from fractions import Fraction
from functools import lru_cache, partial, reduce

import sympy
from mpmath import mp, mpf

import calculus_points
import special
import special_points
from decimals import condition, hexed, rounded, text
from scalar_edges import EDGES
from scalar_points import POINTS

# op: family, parameters, expression, bound of the value, bound of the first partials
SMOOTH = {
    "add": ("arithmetic", "a b", "a + b", "exact", "exact"),
    "subtract": ("arithmetic", "a b", "a - b", "exact", "exact"),
    "multiply": ("arithmetic", "a b", "a*b", "exact", "exact"),
    "divide": ("arithmetic", "a b", "a/b", "exact", "ulp2"),
    "negative": ("arithmetic", "x", "-x", "exact", "exact"),
    "pow": ("arithmetic", "x y", "x**y", "ulp4", "rel"),
    "reciprocal": ("arithmetic", "x", "1/x", "exact", "ulp4"),
    "square": ("arithmetic", "x", "x**2", "exact", "exact"),
    "sqrt": ("arithmetic", "x", "sqrt(x)", "exact", "ulp2"),
    "rsqrt": ("arithmetic", "x", "1/sqrt(x)", "ulp4", "ulp4"),
    "cbrt": ("arithmetic", "x", "cbrt(x)", "ulp4", "ulp4"),
    "fma": ("arithmetic", "a b c", "a*b + c", "exact", "exact"),
    "hypot": ("arithmetic", "x y", "sqrt(x**2 + y**2)", "ulp4", "ulp4"),
    "lerp": ("arithmetic", "a b t", "a + t*(b - a)", "rel", "rel"),
    "exp": ("exponential", "x", "exp(x)", "ulp1", "ulp1"),
    "exp2": ("exponential", "x", "2**x", "ulp2", "ulp2"),
    "expm1": ("exponential", "x", "exp(x) - 1", "ulp2", "ulp2"),
    "log": ("exponential", "x", "log(x)", "ulp1", "ulp1"),
    "log2": ("exponential", "x", "log(x)/log(2)", "ulp2", "ulp2"),
    "log10": ("exponential", "x", "log(x)/log(10)", "ulp2", "ulp2"),
    "log1p": ("exponential", "x", "log(1 + x)", "ulp2", "ulp2"),
    "logaddexp": ("exponential", "a b", "log(exp(a) + exp(b))", "rel", "rel"),
    "log1mexp": ("exponential", "x", "log(1 - exp(x))", "ulp4", "ulp4"),
    "xlogy": ("exponential", "x y", "x*log(y)", "ulp4", "ulp4"),
    "xlog1py": ("exponential", "x y", "x*log(1 + y)", "ulp4", "ulp4"),
    "sin": ("trigonometric", "x", "sin(x)", "ulp1", "ulp1"),
    "cos": ("trigonometric", "x", "cos(x)", "ulp1", "ulp1"),
    "tan": ("trigonometric", "x", "tan(x)", "ulp4", "ulp4"),
    "asin": ("trigonometric", "x", "asin(x)", "ulp4", "ulp4"),
    "acos": ("trigonometric", "x", "acos(x)", "ulp4", "ulp4"),
    "atan": ("trigonometric", "x", "atan(x)", "ulp4", "ulp4"),
    "atan2": ("trigonometric", "y x", "atan2(y, x)", "ulp4", "rel"),
    "sinc": ("trigonometric", "x", "sin(pi*x)/(pi*x)", "ulp4", "rel"),
    "sinpi": ("trigonometric", "x", "sin(pi*x)", "ulp2", "ulp2"),
    "cospi": ("trigonometric", "x", "cos(pi*x)", "ulp2", "ulp2"),
    "sinh": ("hyperbolic", "x", "sinh(x)", "ulp4", "ulp4"),
    "cosh": ("hyperbolic", "x", "cosh(x)", "ulp4", "ulp4"),
    "tanh": ("hyperbolic", "x", "tanh(x)", "ulp4", "ulp4"),
    "asinh": ("hyperbolic", "x", "asinh(x)", "ulp4", "ulp4"),
    "acosh": ("hyperbolic", "x", "acosh(x)", "ulp4", "ulp4"),
    "atanh": ("hyperbolic", "x", "atanh(x)", "ulp4", "ulp4"),
    "sigmoid": ("activation", "x", "1/(1 + exp(-x))", "ulp4", "ulp4"),
    "log_sigmoid": ("activation", "x", "-log(1 + exp(-x))", "ulp4", "ulp4"),
    "softplus": ("activation", "x", "log(1 + exp(x))", "ulp4", "ulp4"),
    "gelu": ("activation", "x", "x*Phi(x)", "rel", "rel"),
    "silu": ("activation", "x", "x/(1 + exp(-x))", "ulp4", "rel"),
    "erf": ("special", "x", "erf(x)", "rel", "rel"),
    "erfc": ("special", "x", "erfc(x)", "rel", "rel"),
    "ndtr": ("special", "x", "Phi(x)", "rel", "rel"),
    "gammaln": ("special", "x", "loggamma(x)", "rel", "rel"),
    "digamma": ("special", "x", "polygamma(0, x)", "rel", "rel"),
    "polygamma": ("special", "n x", "polygamma(n, x)", "rel", "rel"),
}
# What only derivatives are made of (family calculus), and is no more than a formula.
CALCULUS = {
    "chain_multiply": ("calculus", "a b", "a*b", "exact", "exact"),
    "chain_divide": ("calculus", "a b", "a/b", "exact", "ulp2"),
    "sech2": ("calculus", "x", "1/cosh(x)**2", "ulp4", "ulp4"),
}
FORMS = {**SMOOTH, **CALCULUS}
DIGITS = {"gelu": 150, "erf": 150, "erfc": 150, "ndtr": 150, "gammaln": 150, "digamma": 150, "polygamma": 150}

# Piecewise operators: arguments -> (value, partials); their second derivatives are zero.
PIECEWISE = {
    "abs": ("arithmetic", lambda x: (abs(x), [math.copysign(1, x)])),
    "sign": ("arithmetic", lambda x: (math.copysign(1, x), [0.0])),
    "remainder": ("arithmetic", lambda x, y: remainder(x, y)),
    "floor": ("rounding", lambda x: (keep_sign(math.floor(x), x), [0.0])),
    "ceil": ("rounding", lambda x: (keep_sign(math.ceil(x), x), [0.0])),
    "round": ("rounding", lambda x: (keep_sign(round(Fraction(x)), x), [0.0])),
    "trunc": ("rounding", lambda x: (keep_sign(math.trunc(x), x), [0.0])),
    "less": ("comparison", lambda a, b: (truth(a < b), [0.0, 0.0])),
    "less_equal": ("comparison", lambda a, b: (truth(a <= b), [0.0, 0.0])),
    "greater": ("comparison", lambda a, b: (truth(a > b), [0.0, 0.0])),
    "greater_equal": ("comparison", lambda a, b: (truth(a >= b), [0.0, 0.0])),
    "equal": ("comparison", lambda a, b: (truth(a == b), [0.0, 0.0])),
    "not_equal": ("comparison", lambda a, b: (truth(a != b), [0.0, 0.0])),
    "logical_and": ("comparison", lambda a, b: (truth(a != 0 and b != 0), [0.0, 0.0])),
    "logical_or": ("comparison", lambda a, b: (truth(a != 0 or b != 0), [0.0, 0.0])),
    "logical_not": ("comparison", lambda a: (truth(a == 0), [0.0])),
    "isfinite": ("comparison", lambda a: (truth(math.isfinite(a)), [0.0])),
    "isnan": ("comparison", lambda a: (truth(math.isnan(a)), [0.0])),
    "where": ("choice", lambda c, a, b: (a, [0.0, 1.0, 0.0]) if c != 0 else (b, [0.0, 0.0, 1.0])),
    "maximum": ("choice", lambda *xs: shared(max(xs), xs)),
    "minimum": ("choice", lambda *xs: shared(min(xs), xs)),
    "clip": ("choice", lambda x, lo, hi: shared(min(max(x, lo), hi), (x, lo, hi))),
    "copysign": ("choice", lambda x, s: (math.copysign(x, s), [math.copysign(1, x) * math.copysign(1, s), 0.0])),
    "relu": ("activation", lambda x: (x, [1.0]) if x > 0 else (0.0, [0.0])),
}
# Those of the family calculus.
STEPWISE = {
    **PIECEWISE,
    "nonnegative": ("calculus", lambda x: (abs(x), [1.0])),
    "same": ("calculus", lambda a, b: (truth(a == b), [0.0, 0.0])),
}


def truth(flag):
    return 1.0 if flag else 0.0


def keep_sign(whole, x):
    """Rounding to a whole number keeps the operand's sign, on zero too."""
    return math.copysign(float(whole), x)


def shared(value, operands):
    """The operands equal to the value share the derivative (rule 3)."""
    hits = [x == value for x in operands]
    return value, [mpf(1) / sum(hits) if hit else 0.0 for hit in hits]


def remainder(x, y):
    """Python's sign rule; exact quotient by rational arithmetic, so the partial by y is the true floor."""
    quotient = math.floor(Fraction(x) / Fraction(y))
    value = Fraction(x) - quotient * Fraction(y)
    if value == 0:
        return math.copysign(0.0, y), [1.0, mpf(-quotient)]
    return mpf(value.numerator) / value.denominator, [1.0, mpf(-quotient)]


class Phi(sympy.Function):
    """The normal distribution, opaque to SymPy: it would rewrite erfc(-z) as 2 - erfc(z) and lose the tail."""

    def fdiff(self, argindex=1):
        return sympy.exp(-self.args[0] ** 2 / 2) / sympy.sqrt(2 * sympy.pi)


@lru_cache(maxsize=None)
def closed_forms(op, count, fixed, x_negative, order=3):
    """Callables (value, gradient, Hessian, third derivatives: as far as `order` goes) of an operator; `fixed`: ((position, constant), ...)."""
    _, parameters, expression, _, _ = FORMS[op]
    names = parameters.split()
    if count > len(names):  # n-ary add and multiply
        names = names + [f"extra{i}" for i in range(count - len(names))]
        expression = {"add": " + ", "multiply": "*"}[op].join(names)
    if op == "cbrt" and x_negative:
        expression = "-cbrt(-x)"
    symbols = [sympy.Symbol(name) for name in names]
    tree = sympy.sympify(expression, locals={"Phi": Phi, **dict(zip(names, symbols))})
    for position, constant in fixed:
        if constant == int(constant) and (op == "polygamma" or position == 1):
            tree = tree.subs(symbols[position], sympy.Integer(int(constant)))
    moving = [s for i, s in enumerate(symbols) if i not in dict(fixed)]
    gradient = [sympy.diff(tree, s) for s in moving]
    hessian = [[sympy.diff(g, s) for s in moving] for g in gradient] if order > 1 else []
    third = [[[sympy.diff(h, s) for s in moving] for h in line] for line in hessian] if order > 2 else []
    functions = [{"loggamma": lambda x: mp.re(mp.loggamma(x)), "polygamma": lambda n, x: mp.psi(n, x), "erfc": far_erfc,
                  "Phi": lambda x: far_erfc(-x / mp.sqrt(2)) / 2}, "mpmath"]
    return sympy.lambdify(symbols, [tree, gradient, hessian, third], modules=functions, cse=True)


def far_erfc(x):
    """mpmath's erfc stops at huge arguments, where the function is 0 or 2 far beyond any digit asked for."""
    return mp.erfc(x) if abs(x) < 10**6 else mpf(0 if x > 0 else 2)


def smooth_row(op, args, constants, note, scale=1):
    family, _, _, bound, partials_bound = FORMS[op]
    fixed = tuple((i, c) for i, c in enumerate(constants or []) if c is not None)
    with mp.workdps(scale * DIGITS.get(op, 1500)):
        exact_args = [mpf(a) for a in args]
        value, gradient, hessian, third = closed_forms(op, len(args), fixed, args[0] < 0)(*exact_args)
        if value == 0 and op in SIGNED_ZERO:
            value = SIGNED_ZERO[op](args)
        gradient = [mpf(g) for g in gradient]
        moving = [x for i, x in enumerate(exact_args) if i not in dict(fixed)]
        row = start(op, args, constants, family)
        row["value"] = text(value)
        row["partials"] = [unsigned(text(g)) for g in gradient]
        row["second"] = [[unsigned(text(mpf(h))) for h in line] for line in hessian]
        if op in ("add", "multiply") and len(args) > 2:  # n-ary: one rounding an operation
            bound, partials_bound = "ulp2", "ulp2"
        if op == "pow" and fixed and fixed[0][0] == 1 and fixed[0][1] == int(fixed[0][1]) and abs(fixed[0][1]) > 4:
            bound = "rel"
        elif op == "pow" and fixed and fixed[0][0] == 1:
            partials_bound = "ulp4"
        finish(row, value, bound, partials_bound)
        row["cond"] = condition([x * g for x, g in zip(moving, gradient)], mpf(value))
        row["cond_partials"] = [condition([x * h for x, h in zip(moving, line)], g) for line, g in zip(hessian, gradient)]
        row["cond_second"] = [[condition([x * t for x, t in zip(moving, cube)], mpf(h)) for cube, h in zip(plane, line)]
                              for plane, line in zip(third, hessian)]
        if row["value"] in ("0.0", "-0.0") and mpf(value) != 0:
            row["any_zero_sign"] = True  # an underflow, not an exact zero
        row["note"] = note
        return row


def special_row(op, args, note, scale=1):
    """A row of special.py: the condition numbers are those of smooth_row."""
    orders = special.orders(op)  # arguments in front that are constant
    with mp.workdps(scale * special.digits(args)):
        points = [mpf(a) for a in args]
        value, gradient, hessian, third = special.derivatives(op, points)
        points = points[orders:]
        row = start(op, args, [*args[:orders], *[None] * len(points)] if orders else None, special.family(op))
        row["value"] = text(value)
        row["partials"] = [unsigned(text(g)) for g in gradient]
        row["second"] = [[unsigned(text(h)) for h in line] for line in hessian]
        finish(row, value, "rel", "rel")
        row["cond"] = condition([x * g for x, g in zip(points, gradient)], value)
        row["cond_partials"] = [condition([x * h for x, h in zip(points, line)], g) for line, g in zip(hessian, gradient)]
        row["cond_second"] = [[condition([x * t for x, t in zip(points, cube)], h) for cube, h in zip(plane, line)]
                              for plane, line in zip(third, hessian)]
        if row["value"] in ("0.0", "-0.0") and value != 0:
            row["any_zero_sign"] = True
        row["note"] = note
        return row


def unsigned(word):
    """The sign of a zero derivative says nothing."""
    return "0.0" if word == "-0.0" else word


# IEEE 754's sign of an exact zero, where mpmath has none.
SIGNED_ZERO = {
    "add": lambda a: reduce(operator.add, a), "pow": lambda a: math.pow(*a), "subtract": lambda a: a[0] - a[1], "multiply": math.prod, "negative": lambda a: -a[0],
    "fma": lambda a: a[0] * a[1] + a[2], "divide": lambda a: a[0] / a[1], "lerp": lambda a: 0.0,
    **{op: lambda a: a[0] for op in "sin tan asin atan sinh tanh asinh atanh expm1 log1p sqrt cbrt erf gelu silu sinpi".split()},
    "square": lambda a: 0.0,
    "atan2": lambda a: math.atan2(a[0], a[1]),
}


def start(op, args, constants, family):
    row = {"op": op, "args": [hexed(float(a)) for a in args]}
    if constants:
        row["constants"] = [None if c is None else hexed(float(c)) for c in constants]
    row["family"] = family
    return row


def finish(row, value, bound, partials_bound):
    row["bound"], row["partials_bound"] = bound, partials_bound
    if bound == "exact":
        row["rounded"] = rounded(value)


def piecewise_row(op, args, constants, note):
    family, rule = STEPWISE[op]
    row = start(op, args, constants, family)
    with mp.workdps(700):
        value, partials = rule(*args)
        moving = [p for i, p in enumerate(partials) if not (constants and constants[i] is not None)]
        row["value"] = text(value)
        row["partials"] = [unsigned(text(p)) for p in moving]
        row["second"] = [["0.0"] * len(moving) for _ in moving]
        finish(row, value, "exact", "ulp2" if op == "remainder" else "exact")
    row["note"] = note
    return row


def edge_row(op, args, value, partials, note, constants=None, any_zero_sign=False):
    """A row of the hand table; texts are nan, inf, -inf, signed zeros, or SymPy expressions such as pi/2; None: not checked."""
    if op in FORMS:
        family, bound, partials_bound = FORMS[op][0], FORMS[op][3], FORMS[op][4]
    elif op in special_points.POINTS | calculus_points.FUNCTIONS:
        family, bound, partials_bound = special.family(op), "rel", "rel"
    else:
        family, bound, partials_bound = STEPWISE[op][0], "exact", "exact"
    row = start(op, args, constants, family)
    with mp.workdps(80):
        value = written(value)
        row["value"] = text(value)
        row["partials"] = [text(written(p)) for p in partials]
        finish(row, value, bound, partials_bound)
    if any_zero_sign:
        row["any_zero_sign"] = True
    row["note"] = note
    return row


def written(entry):
    if entry is None or entry in ("nan", "inf", "-inf", "0.0", "-0.0"):
        return entry
    return mpf(sympy.sympify(entry).evalf(60))


def pseudo_random(op):
    """Three ordinary points an operator of one variable, so that the hard ones are not the only ones."""
    source = random.Random("nablad " + op)
    low, high = {"asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1), "acosh": (1, 20), "log1p": (-1, 9), "log1mexp": (-5, 0),
                 "log": (0, 20), "log2": (0, 20), "log10": (0, 20), "sqrt": (0, 20), "rsqrt": (0, 20), "gammaln": (0, 20),
                 "digamma": (0, 20)}.get(op, (-6, 6))
    return [low + (high - low) * source.random() for _ in range(3)]


def rows(scale=1):
    """All rows; `scale` multiplies the working digits (the self-check sees that nothing changes)."""
    result = []
    edges = [*EDGES, *special_points.EDGES, *calculus_points.EDGES]
    for op in [*FORMS, *STEPWISE]:
        build = partial(smooth_row, scale=scale) if op in FORMS else piecewise_row
        for entry in (POINTS | calculus_points.FORMULAS)[op]:
            args, note, *constants = entry
            result.append(build(op, args, constants[0] if constants else None, note))
        if op in FORMS and " " not in FORMS[op][1]:
            result.extend(build(op, [x], None, "pseudo-random, ordinary") for x in pseudo_random(op))
        result.extend(edge_row(*entry[:5], **(entry[5] if len(entry) > 5 else {})) for entry in edges if entry[0] == op)
    for op, points in (special_points.POINTS | calculus_points.FUNCTIONS).items():
        result.extend(special_row(op, args, note, scale) for args, note in points)
        result.extend(edge_row(*entry[:5], **(entry[5] if len(entry) > 5 else {})) for entry in edges if entry[0] == op)
    return result
