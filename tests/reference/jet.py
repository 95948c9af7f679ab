"""Second-order forward differentiation on numbers: value, gradient, Hessian of a scalar by named inputs.

The numbers belong to an mpmath context: `mp` (50 digits and more) writes the references, `fp` (plain binary64) shows in the
self-check that a binary64 implementation can meet their bounds. Products follow ops.md rule 1: an exact zero on either side is zero.
"""
from dataclasses import dataclass, field


@dataclass
class Jet:
    """`gradient`: input -> derivative, `hessian`: (input, input) -> second derivative; what is absent is a structural zero."""
    value: object
    gradient: dict = field(default_factory=dict)
    hessian: dict = field(default_factory=dict)


def combine(value, operands, partials, seconds=None):
    """The chain rule: a function's value and partials at its operands, pulled through their jets."""
    gradient, hessian = {}, {}
    for jet, partial in zip(operands, partials):
        if partial == 0:
            continue
        for key, slope in jet.gradient.items():
            if slope != 0:
                gradient[key] = gradient.get(key, 0) + partial * slope
        for pair, bend in jet.hessian.items():
            if bend != 0:
                hessian[pair] = hessian.get(pair, 0) + partial * bend
    for (i, j), second in (seconds or {}).items():
        if second == 0:
            continue
        for a, da in operands[i].gradient.items():
            for b, db in operands[j].gradient.items():
                hessian[a, b] = hessian.get((a, b), 0) + second * da * db
    return Jet(value, gradient, hessian)


def symmetric(xx, xy, yy):
    return {(0, 0): xx, (0, 1): xy, (1, 0): xy, (1, 1): yy}


# Functions of one variable: (context, x) -> (value, first, second derivative).
def _tanh(m, x):
    t, s = m.tanh(x), m.sech(x) ** 2
    return t, s, -2 * t * s


def _sigmoid(m, x):
    p, q = 1 / (1 + m.exp(-x)), 1 / (1 + m.exp(x))
    return p, p * q, p * q * (q - p)


def _softplus(m, x):
    p, d, _ = _sigmoid(m, x)
    return max(x, 0) + m.log1p(m.exp(-abs(x))), p, d


def _log_sigmoid(m, x):
    value, slope, bend = _softplus(m, -x)
    return -value, slope, -bend


def _silu(m, x):
    p, d, dd = _sigmoid(m, x)
    return x * p, p + x * d, 2 * d + x * dd


def _normal(m, x):
    return m.exp(-x * x / 2) / m.sqrt(2 * m.pi)


def _ndtr(m, x):
    return m.erfc(-x / m.sqrt(2)) / 2, _normal(m, x), -x * _normal(m, x)


def _gelu(m, x):
    p, d, _ = _ndtr(m, x)
    return x * p, p + x * d, (2 - x * x) * d


def _cbrt(m, x):
    y = m.sign(x) * m.cbrt(abs(x))
    return y, 1 / (3 * y * y), -2 / (9 * y**5)


def _sinc(m, x):
    if x == 0:
        return m.mpf(1), m.mpf(0), -m.pi**2 / 3
    s, c, p = m.sinpi(x), m.cospi(x), m.pi
    return s / (p * x), (c - s / (p * x)) / x, -p * s / x - 2 * (c - s / (p * x)) / x**2


def _from_zero(rule, at_zero):
    """Rules 2 and 4: a pole at 0, NaN below."""
    return lambda m, x: (m.nan,) * 3 if x < 0 else at_zero(m) if x == 0 else rule(m, x)


def _step(rule):
    return lambda m, x: (rule(m, x), 0, 0)


ONE = {
    "negative": lambda m, x: (-x, -1, 0),
    "reciprocal": lambda m, x: (1 / x, -1 / x**2, 2 / x**3),
    "square": lambda m, x: (x * x, 2 * x, 2),
    "sqrt": _from_zero(lambda m, x: (m.sqrt(x), 1 / (2 * m.sqrt(x)), -1 / (4 * x * m.sqrt(x))), lambda m: (m.mpf(0), m.inf, -m.inf)),
    "rsqrt": lambda m, x: (1 / m.sqrt(x), -1 / (2 * x * m.sqrt(x)), 3 / (4 * x**2 * m.sqrt(x))),
    "cbrt": _cbrt,
    "abs": lambda m, x: (abs(x), m.sign(x), 0),
    "sign": _step(lambda m, x: m.sign(x)), "floor": _step(lambda m, x: m.floor(x)), "ceil": _step(lambda m, x: m.ceil(x)),
    "round": _step(lambda m, x: m.nint(x)), "isnan": _step(lambda m, x: m.mpf(1 if x != x else 0)),
    "exp": lambda m, x: (m.exp(x),) * 3,
    "exp2": lambda m, x: (m.mpf(2) ** x, m.ln2 * m.mpf(2) ** x, m.ln2**2 * m.mpf(2) ** x),
    "expm1": lambda m, x: (m.expm1(x), m.exp(x), m.exp(x)),
    "log": _from_zero(lambda m, x: (m.log(x), 1 / x, -1 / x**2), lambda m: (-m.inf, m.inf, -m.inf)),
    "log2": lambda m, x: (m.log(x) / m.ln2, 1 / (x * m.ln2), -1 / (x**2 * m.ln2)),
    "log10": lambda m, x: (m.log(x) / m.ln10, 1 / (x * m.ln10), -1 / (x**2 * m.ln10)),
    "log1p": lambda m, x: (m.log1p(x), 1 / (1 + x), -1 / (1 + x) ** 2),
    "sin": lambda m, x: (m.sin(x), m.cos(x), -m.sin(x)),
    "cos": lambda m, x: (m.cos(x), -m.sin(x), -m.cos(x)),
    "tan": lambda m, x: (m.tan(x), 1 / m.cos(x) ** 2, 2 * m.tan(x) / m.cos(x) ** 2),
    "asin": lambda m, x: (m.asin(x), 1 / m.sqrt((1 - x) * (1 + x)), x / ((1 - x) * (1 + x)) ** 1.5),
    "acos": lambda m, x: (m.acos(x), -1 / m.sqrt((1 - x) * (1 + x)), -x / ((1 - x) * (1 + x)) ** 1.5),
    "atan": lambda m, x: (m.atan(x), 1 / (1 + x * x), -2 * x / (1 + x * x) ** 2),
    "sinc": _sinc,
    "sinh": lambda m, x: (m.sinh(x), m.cosh(x), m.sinh(x)),
    "cosh": lambda m, x: (m.cosh(x), m.sinh(x), m.cosh(x)),
    "tanh": _tanh,
    "asinh": lambda m, x: (m.asinh(x), 1 / m.sqrt(1 + x * x), -x / (1 + x * x) ** 1.5),
    "acosh": lambda m, x: (m.acosh(x), 1 / m.sqrt(x * x - 1), -x / (x * x - 1) ** 1.5),
    "atanh": lambda m, x: (m.atanh(x), 1 / ((1 - x) * (1 + x)), 2 * x / ((1 - x) * (1 + x)) ** 2),
    "relu": lambda m, x: (x, 1, 0) if x > 0 else (m.mpf(0), 0, 0),
    "sigmoid": _sigmoid, "softplus": _softplus, "log_sigmoid": _log_sigmoid, "silu": _silu, "gelu": _gelu, "ndtr": _ndtr,
    "erf": lambda m, x: (m.erf(x), 2 / m.sqrt(m.pi) * m.exp(-x * x), -4 * x / m.sqrt(m.pi) * m.exp(-x * x)),
    "erfc": lambda m, x: (m.erfc(x), -2 / m.sqrt(m.pi) * m.exp(-x * x), 4 * x / m.sqrt(m.pi) * m.exp(-x * x)),
    "gammaln": lambda m, x: (m.loggamma(x), m.psi(0, x), m.psi(1, x)),
    "digamma": lambda m, x: (m.psi(0, x), m.psi(1, x), m.psi(2, x)),
}


# Functions of two variables: (context, x, y) -> (value, [partials], {pair: second partial}).
def _divide(m, a, b):
    return a / b, [1 / b, -a / b**2], symmetric(0, -1 / b**2, 2 * a / b**3)


def _pow(m, x, y, x_moves=True, y_moves=True):
    """Rule 6; an operand that does not move has no partial."""
    if y == int(y) and not y_moves:
        n = int(y)
        power = lambda k: m.mpf(1) if k == 0 else x**k
        return power(n), [n * power(n - 1) if n else 0, 0], {(0, 0): n * (n - 1) * power(n - 2) if n * (n - 1) else 0}
    value = x**y
    log = m.log(x) if y_moves else 0
    return value, [y * x ** (y - 1), value * log], symmetric(y * (y - 1) * x ** (y - 2), x ** (y - 1) * (1 + y * log), value * log**2)


def _hypot(m, x, y):
    h = m.hypot(x, y)
    if h == 0:
        return h, [0, 0], {}
    return h, [x / h, y / h], symmetric((y / h) ** 2 / h, -(x / h) * (y / h) / h, (x / h) ** 2 / h)


def _atan2(m, y, x):
    h = m.hypot(x, y)
    c, s = x / h, y / h
    return m.atan2(y, x), [c / h, -s / h], symmetric(-2 * c * s / h / h, (s - c) * (s + c) / h / h, 2 * c * s / h / h)


def _logaddexp(m, a, b):
    p, d, _ = _sigmoid(m, a - b)
    q = _sigmoid(m, b - a)[0]
    return max(a, b) + m.log1p(m.exp(-abs(a - b))), [p, q], symmetric(d, -d, d)


def _xlogy(m, x, y):
    return (x * m.log(y) if x != 0 else m.mpf(0)), [m.log(y), x / y], symmetric(0, 1 / y, -x / y**2)


def _remainder(m, x, y):
    q = m.floor(x / y)
    return x - y * q, [1, -q], {}


def _compare(rule):
    return lambda m, a, b: (m.mpf(1 if rule(a, b) else 0), [0, 0], {})


TWO = {
    "add": lambda m, a, b: (a + b, [1, 1], {}),
    "subtract": lambda m, a, b: (a - b, [1, -1], {}),
    "multiply": lambda m, a, b: (a * b, [b, a], symmetric(0, 1, 0)),
    "divide": _divide, "pow": _pow, "hypot": _hypot, "atan2": _atan2, "logaddexp": _logaddexp, "xlogy": _xlogy, "remainder": _remainder,
    "less": _compare(lambda a, b: a < b), "less_equal": _compare(lambda a, b: a <= b), "greater": _compare(lambda a, b: a > b),
    "greater_equal": _compare(lambda a, b: a >= b), "equal": _compare(lambda a, b: a == b), "not_equal": _compare(lambda a, b: a != b),
}


def extremum(jets, pick, one):
    """maximum, minimum and their reductions: ties share (rule 3), a NaN operand takes the derivative (rule 4)."""
    nans = [jet.value != jet.value for jet in jets]
    if any(nans):
        hits, value = nans, jets[nans.index(True)].value
    else:
        value = pick(jet.value for jet in jets)
        hits = [jet.value == value for jet in jets]
    share = one / sum(hits)
    return combine(value, jets, [share if hit else 0 for hit in hits])


def apply(context, op, jets):
    """An elementwise operator on jets."""
    values = [jet.value for jet in jets]
    if op in ONE:
        value, first, second = ONE[op](context, *values)
        return combine(value, jets, [first], {(0, 0): second})
    if op in ("maximum", "minimum"):
        return extremum(jets, max if op == "maximum" else min, context.mpf(1))
    if op == "where":
        return jets[2] if values[0] == 0 else jets[1]
    if op == "clip":
        return apply_clip(jets)
    if op == "fma":
        return apply(context, "add", [apply(context, "multiply", jets[:2]), jets[2]])
    if op == "lerp":
        step = apply(context, "multiply", [jets[2], apply(context, "subtract", [jets[1], jets[0]])])
        return apply(context, "add", [jets[0], step])
    if op == "pow":
        moves = [bool(jet.gradient) for jet in jets]
        return combine_two(jets, _pow(context, *values, *moves))
    if op in ("add", "multiply") and len(jets) > 2:
        return apply(context, op, [apply(context, op, jets[:-1]), jets[-1]])
    return combine_two(jets, TWO[op](context, *values))


def apply_clip(jets):
    x, low, high = (jet.value for jet in jets)
    if x in (low, high):
        return Jet(x)  # rule 3
    return jets[1] if x < low else jets[2] if x > high else jets[0]


def combine_two(jets, result):
    value, partials, seconds = result
    return combine(value, jets, partials, seconds)
