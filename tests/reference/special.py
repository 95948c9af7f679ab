"""Special functions whose derivatives have no closed form that a computer algebra system writes: values by mpmath's functions, series and
continued fractions, derivatives by central differences of those.

With D digits carried and steps of 10^-H relative, a third difference keeps D - 3H digits and is wrong by the square of the step: 160 and
40 leave forty; next to 0 as many more as the steps have zeros. None of it is how nablad computes (integrals by a quadrature,
polynomials in logarithms), which is the point.
"""
from itertools import product
from math import frexp

from mpmath import mp, mpf

DIGITS, STEP = 160, 40


def digits(args):
    """How many to carry at these arguments."""
    return DIGITS + 3 * max([0] + [-frexp(x)[1] * 3 // 10 for x in args if x])


def erfcx(x):
    if x < 100:
        return mp.exp(x * x) * mp.erfc(x)
    total = term = mpf(1)  # the asymptotic series, whose least term is exp(-x*x)
    for k in range(1, 400):
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
        if abs(term) < mp.eps:
            break
    return total / (x * mp.sqrt(mp.pi))


def log_ndtr(x):
    if x < -100:
        return -x * x / 2 + mp.log(erfcx(-x / mp.sqrt(2)) / 2)
    if x > 0:
        return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def root(function, slope, start):
    y = mpf(start)
    for _ in range(60):
        step = function(y) / slope(y)
        y -= step
        if abs(step) <= abs(y) * mp.eps * 1000:
            return y
    raise ArithmeticError("Newton's method does not converge")


def erfinv(x):
    if x == 0:
        return mpf(0)
    if x < 0:
        return -erfinv(-x)
    slope = lambda y: 2 / mp.sqrt(mp.pi) * mp.exp(-y * y)
    if x < 0.5:
        return root(lambda y: mp.erf(y) - x, slope, x * 0.9)
    rest = mp.log(1 - x)
    return root(lambda y: mp.log(mp.erfc(y)) - rest, lambda y: -slope(y) / mp.erfc(y), max(mp.sqrt(-rest) - 0.5, mpf("0.45")))


def ndtri(p):
    return -mp.sqrt(2) * erfinv(1 - 2 * p) if p > mpf(2)**-60 else tail_ndtri(p)


def tail_ndtri(p):
    rest = mp.log(p)
    slope = lambda y: mp.exp(-y * y / 2 - log_ndtr(y)) / mp.sqrt(2 * mp.pi)
    return root(lambda y: log_ndtr(y) - rest, slope, -mp.sqrt(-2 * rest) + 0.2)


def beta(a, b):
    return mp.gammaprod([a, b], [a + b])


def betaln(a, b):
    if a > 0 and b > 0:
        return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return mp.log(abs(beta(a, b)))


def gammainc_parts(a, x):
    """(P, Q): the series for x < a + 1 and for small x, Legendre's continued fraction elsewhere."""
    scale = mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1))
    if x < a + 1 or x < 40:
        total = term = mpf(1)
        k = 0
        while abs(term) > total * mp.eps:
            k += 1
            term *= x / (a + k)
            total += term
        return scale * total, 1 - scale * total
    b = x + 1 - a
    c, d = mpf(10) ** (3 * mp.dps), 1 / b
    fraction, i = d, 0
    while True:
        i += 1
        factor = i * (a - i)
        b += 2
        d = 1 / (factor * d + b)
        c = b + factor / c
        fraction *= c * d
        if abs(c * d - 1) < 100 * mp.eps:
            return 1 - scale * a * fraction, scale * a * fraction


def gammainc(a, x):
    return gammainc_parts(a, x)[0]


def gammaincc(a, x):
    return gammainc_parts(a, x)[1]


def betainc(a, b, x):
    """The continued fraction DLMF 8.17.22, on the side where it converges fast."""
    if x > (a + 1) / (a + b + 2):
        return 1 - betainc(b, a, 1 - x)
    c, d = mpf(1), 1 / (1 - (a + b) * x / (a + 1))
    fraction, m = d, 0
    while True:
        m += 1
        ratio = mpf(1)
        for factor in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / (1 + factor * d)
            c = 1 + factor / c
            fraction *= c * d
            ratio *= c * d
        if abs(ratio - 1) < 100 * mp.eps:
            break
    logarithm = a * mp.log(x) + b * mp.log1p(-x) - betaln(a, b)
    return mp.exp(logarithm) / a * fraction


def bessel_y(order):
    """Value and three derivatives by Bessel's equation: mpmath takes integer orders of Y as limits, which is slow."""
    def derivatives(x):
        with mp.workdps(60):
            zeroth, first = mp.bessely(0, x), mp.bessely(1, x)
        y, slope = (zeroth, -first) if order == 0 else (first, zeroth - first / x)
        second = -slope / x - (1 - mpf(order) ** 2 / x**2) * y
        third = slope / x**2 - second / x - (1 - mpf(order) ** 2 / x**2) * slope - 2 * mpf(order) ** 2 / x**3 * y
        return y, slope, second, third
    return derivatives


# op: how many arguments, function
FUNCTIONS = {
    "erfcx": (1, erfcx), "erfinv": (1, erfinv), "log_ndtr": (1, log_ndtr), "ndtri": (1, ndtri), "gamma": (1, mp.gamma),
    "beta": (2, beta), "betaln": (2, betaln), "gammainc": (2, gammainc), "gammaincc": (2, gammaincc), "betainc": (3, betainc),
    "j0": (1, lambda x: mp.besselj(0, x)), "j1": (1, lambda x: mp.besselj(1, x)),
    "i0e": (1, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x)), "i1e": (1, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x)),
}
# What only derivatives are made of, and has no order.
SLOPES = {"ndtri_slope": (1, lambda x: mp.sqrt(2 * mp.pi) * mp.exp(ndtri(x) ** 2 / 2))}
BY_EQUATION = {"y0": bessel_y(0), "y1": bessel_y(1)}

# Derivatives of any order, whose orders are their first arguments: how many, of which function, and whether it is analytic at 0.
OF_ORDER = {
    "sinc_derivative": (1, mp.sincpi, True), "erfcx_derivative": (1, erfcx, True), "log_ndtr_derivative": (1, log_ndtr, True),
    "i0e_derivative": (1, FUNCTIONS["i0e"][1], False), "i1e_derivative": (1, FUNCTIONS["i1e"][1], False),
    "gammainc_derivative": (2, gammainc, False), "betainc_derivative": (3, betainc, False),
}


def high(function, args, by, analytic):
    """A mixed derivative of any orders by central differences with steps of 10^-25, which are wrong by their square."""
    base = mp.dps // 3
    sizes = [max(abs(x), mpf(1)) if analytic else abs(x) for x in args]
    with mp.workdps(base + sum(n * (26 + max(0, -frexp(float(size))[1] * 3 // 10)) for n, size in zip(by, sizes)) + 10):
        steps = [size * mpf(10) ** -25 for size in sizes]
        terms = []
        for places in product(*[range(n + 1) for n in by]):
            weight = mp.fprod((-1) ** k * mp.binomial(n, k) for k, n in zip(places, by))
            terms.append(weight * function(*[x + (mpf(n) / 2 - k) * h for x, k, n, h in zip(args, places, by, steps)]))
        return mp.fsum(terms) / mp.fprod(h**n for h, n in zip(steps, by))


def polygamma_difference(n, a, b, by):
    i, j = by
    return mp.psi(n + i + j, a + b) - (mp.psi(n + i, a) if j == 0 else 0)


def bessel(function):
    """As bessel_y, of any integer order n: the slope is that of order n - 1 less n/x times the function."""
    def derivatives(n, x):
        with mp.workdps(120):
            y, before = function(n, x), function(n - 1, x)
            slope = before - n / x * y
            second = -slope / x - (1 - n**2 / x**2) * y
            third = slope / x**2 - second / x - (1 - n**2 / x**2) * slope - 2 * n**2 / x**3 * y
            return y, [slope], [[second]], [[[third]]]
    return derivatives


BESSEL = {"jn": bessel(mp.besselj), "yn": bessel(mp.bessely)}


def orders(op):
    """How many of the first arguments are orders, which have no partial."""
    return OF_ORDER[op][0] if op in OF_ORDER else 1 if op in (*BESSEL, "polygamma_difference") else 0


def family(op):
    return "calculus" if orders(op) or op in SLOPES else "special"


def all_of(derivative, n):
    """(value, gradient, Hessian, third derivatives) of n arguments from a rule for mixed derivatives of given orders."""
    known, every = {}, range(n)

    def of(*by):
        key = tuple(by.count(i) for i in every)
        if key not in known:
            known[key] = derivative(key)
        return known[key]
    return (of(), [of(i) for i in every], [[of(i, j) for j in every] for i in every], [[[of(i, j, k) for k in every] for j in every] for i in every])

# Central differences of order 0 to 3: offsets and weights.
STENCILS = [((0, 1),), ((-1, mpf(-1) / 2), (1, mpf(1) / 2)), ((-1, 1), (0, -2), (1, 1)),
            ((-2, mpf(-1) / 2), (-1, mpf(1)), (1, mpf(-1)), (2, mpf(1) / 2))]


def derivatives(op, args, order=3):
    """(value, gradient, Hessian, third derivatives: as far as `order` goes) at mpf arguments, in the current precision of at least DIGITS."""
    if op in BY_EQUATION:
        value, first, second, third = BY_EQUATION[op](args[0])
        return value, [first], [[second]], [[[third]]]
    if op in BESSEL:
        return BESSEL[op](int(args[0]), args[1])
    if op == "polygamma_difference":
        return all_of(lambda by: polygamma_difference(int(args[0]), *args[1:], by), 2)
    if op in OF_ORDER:
        count, function, analytic = OF_ORDER[op]
        first = [int(n) for n in args[:count]]
        return all_of(lambda by: high(function, args[count:], [m + n for m, n in zip(first, by)], analytic), count)
    count, function = (FUNCTIONS | SLOPES)[op]
    steps = [(abs(x) or 1) * mpf(10) ** -STEP for x in args]
    known = {}

    def at(offsets):
        if offsets not in known:
            known[offsets] = function(*[x + k * h for x, k, h in zip(args, offsets, steps)])
        return known[offsets]

    def difference(*by):
        orders = [by.count(i) for i in range(count)]
        terms = [mp.fprod(w for _, w in choice) * at(tuple(k for k, _ in choice)) for choice in product(*[STENCILS[n] for n in orders])]
        return mp.fsum(terms) / mp.fprod(h**n for h, n in zip(steps, orders))

    every = range(count)
    return (difference(), [difference(i) for i in every],
            [[difference(*sorted((i, j))) for j in every] for i in every] if order > 1 else [],
            [[[difference(*sorted((i, j, k))) for k in every] for j in every] for i in every] if order > 2 else [])
