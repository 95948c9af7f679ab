"""Compares the checked-in data with programs that know nothing of its generator; only differences that matter are printed.

scalar: values with NumPy and SciPy in binary64, first and second partials with the hand-written derivatives of jet.py.
tensor: values with NumPy, Jacobians with JAX (when installed).
linear_algebra: values with NumPy and SciPy.
structure: derivatives with differences at 150 digits.
second: Hessians with JAX (when installed).
composition: gradients with SymPy's derivatives at 50 digits, and the bounds with jets in plain binary64.
taylor: orders 0 to 2 with second-order jets.
Differences that ops.md intends are listed by name in the tables EXPECTED_*.
"""
import json
import math
from pathlib import Path

import mpmath
import numpy as np
import scipy.special as sp
import sympy
from mpmath import mp, mpf

import jet
import selfcheck_linear_algebra
import selfcheck_structure
from selfcheck_arrays import words

HERE = Path(__file__).parent

# Scalar values where the peer itself loses digits or has another convention: (op, arguments) -> why.
EXPECTED_VALUES = {
    ("sinc", 1e10 + 0.5): "NumPy: sin(pi x) with pi x rounded", **{("sinc", x): "NumPy: sin(pi x) with pi x rounded" for x in (1.0, -2.0, 3.0, 1e22)},
    **{(op, x): "this file's own peer is naive" for op, x in (("sinpi", 1.0), ("sinpi", 9007199254740991.0), ("cospi", 1.5), ("gelu", -38.0))},
    ("ndtr", -38.2): "SciPy: subnormal results are 0", ("erfc", 27.0): "SciPy: subnormal results are 0", ("gammaln", 5e-324): "SciPy: overflow below 1e-308",
}
# Tensor rows where NumPy's values or JAX's Jacobians follow another convention than ops.md: name -> why.
UNSCALED = "squares are not scaled"
EXPECTED_TENSOR_VALUES = {**{f"{kind}, {label}": "NumPy: what rounding leaves of equals" for kind in ("var", "std") for label in ("constant", "constant rows")}, "std, squares overflow": UNSCALED, "std, squares underflow": UNSCALED,
                          "vector_norm 2, squares overflow": UNSCALED, "vector_norm 2, squares underflow": UNSCALED, "vector_norm 2, huge and tiny": UNSCALED}
EXPECTED_JACOBIANS = {
    **EXPECTED_TENSOR_VALUES,
    "vector_norm 1 with a zero": "JAX: abs'(0) = 1 here", "vector_norm 1 of the zero vector": "JAX: abs'(0) = 1 here", "vector_norm inf of the zero vector": "JAX: abs'(0) = 1/2 here",
    "vector_norm 2 of the zero vector": "JAX: NaN at 0", "vector_norm 2, one zero row": "JAX: NaN at 0",
    "logsumexp, all -inf": "JAX: NaN", "logsumexp, one row all -inf": "JAX: NaN",
    "max with NaN": "JAX: NaN derivative", "min with NaN": "JAX: NaN derivative",
    **{f"{kind}, {label}": "JAX: what rounding leaves of equals counts" for kind in ("var", "std") for label in ("constant", "constant rows")}, "std of equals": "JAX: what rounding leaves of equals counts",
    **{f"var, {label}": "JAX: 0 where nothing is left to divide by" for label in ("one element, correction 1", "too few for the correction", "fewer still")},
    **{f"{kind}, NaN in one row": "JAX: NaN beside the row" for kind in ("var", "std")}, "std, one element": "JAX: NaN at 0", "std, scalar": "JAX: NaN at 0", "std, squares overflow": UNSCALED, "std, squares underflow": UNSCALED,
    "cumulative_prod, NaN in the middle": "JAX: NaN beside the NaN", "cumulative_prod, a zero and infinity": "JAX: NaN for 0 times infinity", "linear_recurrence, chain of a zero and infinity": "JAX: where in place of the product's own rule",
    **{f"sort, {label}": "JAX: ties do not share" for label in ("two of three tie", "all tie, descending", "zeros of both signs tie", "NaN is the largest")}, "polyval, at NaN": "JAX: NaN beside the NaN",
    **{f"interp, {label}": "JAX: the slope of one side" for label in ("at the ends", "at a valley", "at a bend downwards", "a flat piece")}, "interp, NaN": "JAX: no NaN",
    "sqrt(x^2) at 0": "JAX: NaN", "0 times sqrt at 0": "JAX: NaN", "sqrt at 0 in a vector": "JAX: NaN beside the pole",
}


def rows(name):
    return [json.loads(line) for line in (HERE / (name + ".jsonl")).read_text(encoding="utf-8").splitlines()]


# scalar

def _softplus(x):
    return np.logaddexp(0.0, x)


PEERS = {
    "add": lambda *a: sum(a[1:], a[0]), "subtract": np.subtract, "multiply": lambda *a: math.prod(a), "divide": np.divide, "negative": np.negative, "pow": np.power, "reciprocal": lambda x: 1 / np.float64(x),
    "square": np.square, "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(np.float64(x)), "cbrt": np.cbrt, "abs": np.abs, "sign": np.sign, "remainder": np.remainder, "hypot": np.hypot,
    "lerp": lambda a, b, t: a + t * (b - a), "floor": np.floor, "ceil": np.ceil, "round": np.round, "trunc": np.trunc, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log,
    "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "logaddexp": np.logaddexp, "log1mexp": lambda x: np.log(-np.expm1(x)) if x > -0.7 else np.log1p(-np.exp(x)), "xlogy": sp.xlogy, "xlog1py": sp.xlog1py,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinc": np.sinc,
    "sinpi": lambda x: np.sin(np.pi * math.fmod(x, 2)) if math.isfinite(x) else np.nan, "cospi": lambda x: np.sin(np.pi * (0.5 - abs(math.fmod(x, 2)))) if math.isfinite(x) else np.nan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal, "equal": np.equal, "not_equal": np.not_equal,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not, "isfinite": np.isfinite, "isnan": np.isnan, "where": np.where,
    "maximum": lambda *a: np.max(np.array(a)), "minimum": lambda *a: np.min(np.array(a)), "clip": np.clip, "copysign": np.copysign, "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": sp.expit, "log_sigmoid": sp.log_expit, "softplus": _softplus, "gelu": lambda x: x * sp.ndtr(x) if x != -np.inf else -0.0, "silu": lambda x: x * sp.expit(x),
    "erf": sp.erf, "erfc": sp.erfc, "ndtr": sp.ndtr, "gammaln": sp.gammaln, "digamma": sp.psi, "polygamma": lambda n, x: sp.polygamma(int(n), x),
}


def value_differs(row, peer):
    """Looser than any bound of the data: what remains is a disagreement, not rounding."""
    expected = float(row["value"])
    if math.isnan(expected) or math.isinf(expected) or expected == 0:
        same = (math.isnan(expected) and math.isnan(peer)) or peer == expected
        signs = expected != 0 or row.get("any_zero_sign") or math.copysign(1, peer) == math.copysign(1, expected)
        return not (same and signs)
    exact, tolerance = mpf(row["value"]), 16 * math.ulp(expected) * max(1, row.get("cond") or 1)
    if row["bound"] == "exact":
        return peer != float.fromhex(row["rounded"])
    return not abs(mpf(float(peer)) - exact) <= tolerance


def check_scalar():
    bad = counted = 0
    for row in rows("scalar"):
        args = [np.float64(float.fromhex(a)) for a in row["args"]]
        if row["op"] in PEERS:
            with np.errstate(all="ignore"):
                peer = float(PEERS[row["op"]](*args))
            counted += 1
            if value_differs(row, peer) and (row["op"], *map(float, args)) not in EXPECTED_VALUES:
                bad += 1
                print("scalar value:", row["op"], [float(a) for a in args], "data", row["value"], "peer", repr(peer))
        counted += 1
        for what in jets_differ(row):
            bad += 1
            print("scalar", what, row["op"], [float(a) for a in args])
    return counted, bad


def jets_differ(row):
    """Names of what jet.py's hand-written derivatives see otherwise (smooth rows only: those with second derivatives)."""
    if "second" not in row or row["op"] not in jet.ONE | jet.TWO:
        return
    args = [float.fromhex(a) for a in row["args"]]
    if not all(map(math.isfinite, args)) or abs(args[0]) > 1e250 and row["op"] in ("erfc", "gelu", "ndtr"):
        return
    digits = 150 if row["family"] == "special" or row["op"] == "gelu" else 1500
    with mp.workdps(digits):
        fixed = [c is not None for c in row.get("constants", [None] * len(args))]
        operands = [jet.Jet(mpf(a), {} if f else {i: mpf(1)}) for i, (a, f) in enumerate(zip(args, fixed))]
        try:
            result = jet.apply(mp, row["op"], operands)
        except (ZeroDivisionError, OverflowError):
            return
        keys = [i for i, f in enumerate(fixed) if not f]
        for found, stated, what in [(result.value, row["value"], "value")] + [(result.gradient.get(i, 0), p, "partial") for i, p in zip(keys, row["partials"])] + [
                (result.hessian.get((i, j), 0), h, "second") for i, line in zip(keys, row["second"]) for j, h in zip(keys, line)]:
            if not matches(mp.re(found), stated):
                yield f"{what}: data {stated}, jets {mp.nstr(found, 30)}"


def matches(found, stated):
    if stated in ("inf", "-inf"):
        return abs(found) > 1e308 and (found > 0) == (stated == "inf")
    if float(stated) == 0:
        return abs(found) < mpf(2) ** -1074
    return abs(found - mpf(stated)) <= abs(mpf(stated)) * mpf(10) ** -28


# tensor

def evaluate_graph(xp, graph, inputs, functions=()):
    """The graph in NumPy or JAX: `xp` is the array module, `inputs` name -> array."""
    functions = {**dict(functions), **graph.get("functions", {})}
    nodes, done = {n["name"]: n for n in graph["nodes"]}, dict(inputs)

    def argument(arg):
        if isinstance(arg, str):
            if arg not in done:
                done[arg] = node(nodes[arg])
            return done[arg]
        if isinstance(arg, (int, float)):
            return xp.asarray(float(arg))
        return xp.asarray(arg["const"], dtype=float) if "const" in arg else node(arg)

    def node(n):
        a = [argument(arg) for arg in n["args"]]
        attributes = {k: (tuple(v) if isinstance(v, list) else v) for k, v in n.items() if k not in ("name", "op", "args")}
        return array_op(xp, n["op"], a, attributes, functions)

    return {(o if isinstance(o, str) else o["name"]): argument(o if isinstance(o, str) else o["value"]) for o in graph["outputs"]}


def array_op(xp, op, a, k, functions):
    log_softmax = lambda x, axis=-1: x - array_op(xp, "logsumexp", [x], {"axis": axis, "keepdims": True}, functions)
    if op == "call":
        body = functions[k["function"]]
        names = [i if isinstance(i, str) else i["name"] for i in body["inputs"]]
        result = evaluate_graph(xp, body, dict(zip(names, a)), functions)
        return result if len(result) > 1 else next(iter(result.values()))
    if op == "item":
        return a[0][k["index"]] if isinstance(k["index"], str) else list(a[0].values())[k["index"]]
    if op == "logsumexp":
        if xp is np:
            return sp.logsumexp(a[0], axis=k.get("axis"), keepdims=k.get("keepdims", False))
        import jax
        return jax.nn.logsumexp(a[0], axis=k.get("axis"), keepdims=k.get("keepdims", False))
    if op == "vector_norm":
        order = {"Infinity": np.inf}.get(k.get("ord", 2), k.get("ord", 2))
        return xp.linalg.vector_norm(a[0], axis=k.get("axis"), keepdims=k.get("keepdims", False), ord=order)
    if op == "slice":
        lists = [k.get(w, ()) for w in ("start", "stop", "step")]
        return a[0][tuple(slice(*(part[i] if i < len(part) else None for part in lists)) for i in range(a[0].ndim))]
    if op == "take":
        return xp.take(a[0], np.array(k["indices"]), axis=k.get("axis", 0))
    if op == "scatter_add":
        axis = k.get("axis", 0)
        moved, updates, where = xp.moveaxis(a[0], axis, 0), xp.moveaxis(a[1], axis, 0), np.array(k["indices"])
        if xp is np:
            moved = moved.copy()
            np.add.at(moved, where, updates)
        else:
            moved = moved.at[where].add(updates)
        return xp.moveaxis(moved, 0, axis)
    table = {
        "index": lambda: a[0][k["at"]], "outer": lambda: xp.outer(*a), "vecdot": lambda: xp.sum(xp.multiply(*a), axis=k.get("axis", -1)),
        "softmax": lambda: xp.exp(log_softmax(a[0], **k)), "log_softmax": lambda: log_softmax(a[0], **k),
        "reshape": lambda: xp.reshape(a[0], k["shape"]), "permute_dims": lambda: xp.transpose(a[0], k["axes"]), "broadcast_to": lambda: xp.broadcast_to(a[0], k["shape"]),
        "expand_dims": lambda: xp.expand_dims(a[0], k["axis"]), "squeeze": lambda: xp.squeeze(a[0], k["axis"]), "concat": lambda: xp.concatenate(a, axis=k.get("axis", 0)), "stack": lambda: xp.stack(a, axis=k.get("axis", 0)),
        "add": lambda: sum(a[1:], a[0]), "multiply": lambda: math.prod(a[1:], start=a[0]), "pow": lambda: xp.power(a[0], a[1]), "fma": lambda: a[0] * a[1] + a[2], "lerp": lambda: a[0] + a[2] * (a[1] - a[0]),
        "sigmoid": lambda: 1 / (1 + xp.exp(-a[0])), "where": lambda: xp.where(a[0] != 0, a[1], a[2]), "atan2": lambda: xp.arctan2(*a), "less": lambda: (a[0] < a[1]) * 1.0, "greater": lambda: (a[0] > a[1]) * 1.0,
    }
    further = words(xp, a, k)
    return table[op]() if op in table else further[op]() if op in further else getattr(xp, op)(*a, **k)


def as_array(nested, shape=None):
    array = np.array(nested, dtype=float)
    return array if shape is None or array.size else np.zeros(shape)


def close(found, stated, bound):
    found, stated = np.asarray(found, dtype=float), np.asarray(stated, dtype=float)
    if stated.size == 0:
        return found.size == 0
    if found.shape != stated.shape or not np.array_equal(np.isnan(found), np.isnan(stated)):
        return False
    finite = stated[np.isfinite(stated)]
    scale = np.max(np.abs(finite), initial=0.0)
    tolerance = 0 if bound == "exact" else bound * scale
    with np.errstate(invalid="ignore"):
        return bool(np.all((found == stated) | np.isnan(stated) | (np.abs(found - stated) <= tolerance)))


def check_tensor():
    try:
        import jax
        jax.config.update("jax_enable_x64", True)
    except ImportError:
        jax = None
        print("tensor: no JAX, Jacobians not compared")
    bad = counted = 0
    for row in rows("tensor"):
        graph, at = row["request"]["graph"], row["request"]["at"]
        shapes = {(i if isinstance(i, str) else i["name"]): (() if isinstance(i, str) else tuple(i.get("shape", ()))) for i in graph["inputs"]}
        inputs = {name: as_array(value, shapes[name]).reshape(shapes[name]) for name, value in at.items()}
        with np.errstate(all="ignore"):
            values = evaluate_graph(np, graph, inputs)
        for name, value in values.items():
            counted += 1
            if not close(value, as_array(row["value"][name]), row["bound"]) and row["name"] not in EXPECTED_TENSOR_VALUES:
                bad += 1
                print("tensor value:", row["name"], name, np.asarray(value).tolist(), row["value"][name])
        if jax:
            found = jax.jacfwd(lambda i: evaluate_graph(jax.numpy, graph, i))({n: jax.numpy.asarray(v) for n, v in inputs.items()})
            for name, blocks in row["jacobian"].items():
                for source, block in blocks.items():
                    counted += 1
                    agrees = close(found[name][source], as_array(block), row["bound"])
                    if agrees and row["name"] in EXPECTED_JACOBIANS:
                        print("tensor Jacobian: JAX agrees after all:", row["name"], source)
                    if not agrees and row["name"] not in EXPECTED_JACOBIANS:
                        bad += 1
                        print("tensor Jacobian:", row["name"], name, source, np.asarray(found[name][source]).tolist(), block)
    return counted, bad


# second

def check_second():
    try:
        import jax
    except ImportError:
        print("second: no JAX, nothing compared")
        return 0, 0
    jax.config.update("jax_enable_x64", True)
    bad = counted = 0
    for row in rows("second"):
        graph = row["request"]["graph"]
        inputs = {name: jax.numpy.asarray(as_array(value)) for name, value in row["request"]["at"].items()}
        found = jax.jacfwd(jax.jacrev(lambda i: evaluate_graph(jax.numpy, graph, i)["f"]))(inputs)
        for a, blocks in row["hessian"].items():
            for b, block in blocks.items():
                counted += 1
                if not close(found[a][b], as_array(block), 1e-10):
                    bad += 1
                    print("second:", row["op"], graph["outputs"], a, b, np.asarray(found[a][b]).tolist(), block)
    return counted, bad


# composition

class Double:
    """mpmath's binary64 context with libm's functions where it has them and IEEE overflow of exp."""

    loggamma = math.lgamma

    def __getattr__(self, name):
        return getattr(math, name, None) or getattr(mpmath.fp, name)

    def exp(self, x):
        return float(np.exp(x))

    def psi(self, n, x):
        return float(sp.polygamma(n, x))


def check_composition():
    import composition
    bad = counted = 0
    for row in rows("composition"):
        with np.errstate(all="ignore"):
            _, found, tensors, _ = composition.answer(row["formula"], row["at"], Double(), float)
        entries = [(found.value, row["value"], row["cond"], "value")]
        for source, tensor in tensors.items():
            flat = lambda nested: np.array(nested, dtype=object).ravel().tolist()
            entries += [(found.gradient.get((source, i), 0.0), g, c, f"{source}[{i}]")
                        for i, (g, c) in enumerate(zip(flat(row["gradient"][source]), flat(row["cond_gradient"][source])))]
        for value, stated, cond, what in entries:
            counted += 1
            exact = mpf(stated)
            if not abs(mpf(value) - exact) <= row["bound"] * max(1, cond or 0) * abs(exact) + mpf(2) ** -1074:
                bad += 1
                print("composition, binary64 jets:", row["formula"], row["at"], what, value, stated, "cond", cond)
        scalars = all(isinstance(v, float) for v in row["at"].values())
        if scalars:
            for what in sympy_differs(row):
                bad += 1
                print("composition, SymPy:", row["formula"], row["at"], what)
            counted += 1
    return counted, bad


def sympy_differs(row):
    """The row's gradient once more by SymPy (chains too deep for symbolic derivatives, and logical forms, are left out)."""
    text = row["formula"].replace("^", "**")
    if len(text) > 160 and "(" * 8 in text.replace("sin", "") or text.count("(") > 40 or any(word in text for word in ("if(", "where", "[", "maximum", "relu")):
        return
    pieces, definitions = text.split("; "), {}
    special = {"ndtr": lambda x: sympy.erfc(-x / sympy.sqrt(2)) / 2, "softplus": lambda x: sympy.log(1 + sympy.exp(x)), "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)), "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
               "log1p": lambda x: sympy.log(1 + x), "gammaln": sympy.loggamma, "logaddexp": lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)), "gelu": lambda x: x * sympy.erfc(-x / sympy.sqrt(2)) / 2,
               "silu": lambda x: x / (1 + sympy.exp(-x)), "abs": sympy.Abs, "pi": sympy.Symbol("PI"), "e": sympy.Symbol("EULER")}
    symbols = {name: sympy.Symbol(name, real=True) for name in row["at"]}
    for piece in pieces:
        name, _, body = piece.rpartition(" = ")
        tree = definitions[name or "f"] = sympy.sympify(body, locals={**special, **symbols, **definitions})
    names, exact = [*symbols.values(), special["pi"], special["e"]], lambda x: mpf(x)
    with mp.workdps(300 if not any(abs(v) > 600 for v in row["at"].values()) else 1000):
        point = [exact(v) for v in row["at"].values()] + [mpf(math.pi), mpf(math.e)]
        literals = {number: sympy.Rational(float(number)) for number in tree.atoms(sympy.Float)}
        tree = tree.xreplace(literals)
        for stated, expression in [(row["value"], tree)] + [(row["gradient"][n], sympy.diff(tree, s)) for n, s in symbols.items()]:
            found = mp.re(sympy.lambdify(names, expression, modules=[{"polygamma": lambda n, x: mp.psi(n, x), "sign": mp.sign}, "mpmath"])(*point))
            if not abs(found - mpf(stated)) <= abs(mpf(stated)) * mpf(10) ** -40 + (mpf(2) ** -1074 if float(stated) == 0 else 0):
                yield f"{mp.nstr(found, 40)} for {stated}"


def check_taylor():
    """Orders 0 to 2 against the value, gradient and Hessian that the jets of composition.py have."""
    import composition
    counted, bad = 0, 0
    with mp.workdps(composition.DIGITS):
        for row in rows("taylor"):
            name, found, tensors, _ = composition.answer(row["formula"], row["at"], mp, mpf)
            ways = {source: composition.from_nested(nested, None, mpf) for source, nested in row["direction"].items()}
            way = {(source, i): entry.value for source, tensor in ways.items() for i, entry in enumerate(tensor.items)}
            first = mp.fsum([slope * way[key] for key, slope in found.gradient.items()])
            second = mp.fsum([bend * way[a] * way[b] for (a, b), bend in found.hessian.items()]) / 2
            for k, value in enumerate([found.value, first, second]):
                counted += 1
                stated = mpf(row["coefficients"][k])
                if not abs(value - stated) <= mpf(10) ** -45 * max(abs(stated), mpf(10) ** -5):
                    bad += 1
                    print("taylor, jets:", row["formula"], row["at"], k, mp.nstr(value, 40), row["coefficients"][k])
    return counted, bad


CHECKS = {"scalar": check_scalar, "tensor": check_tensor, "linear_algebra": lambda: selfcheck_linear_algebra.compare(rows("linear_algebra")), "structure": lambda: selfcheck_structure.compare(rows("structure")), "second": check_second, "composition": check_composition, "taylor": check_taylor}


def run(names):
    worst = 0
    for name in names:
        counted, bad = CHECKS[name]()
        if __import__(name).rows(scale=2) != rows(name):
            bad += 1
            print(name + ": twice the working digits give other rows")
        print(f"{name}: {counted} comparisons, {bad} disagreements")
        worst = max(worst, bad)
    return 1 if worst else 0
