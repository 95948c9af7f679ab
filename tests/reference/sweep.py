"""Exact values and first derivatives of every operator of one input, at many points: what docs/accuracy.md is measured against.

    python tests/reference/sweep.py [--check]            # the checked-in table, sweep.txt: some points an operator
    python tests/reference/sweep.py --full [N] [OP ...]  # N points an operator (default 4000) to standard output, in the same format

An operator's mathematics and its bounds are its line in scalar.py (SMOOTH, PIECEWISE), its function in special.py, or OWN here for those
that only derivatives are made of; where points should lie closer is its line in PLACES. Nothing else is needed for a new one. Digits are added until two
precisions agree, so that no cancellation can be felt.

Lines of the table: `op NAME CONSTANTS BOUND PARTIAL_BOUND`, then a line a point: the input, the value and the derivative as the bits of the
nearest binary64 in hexadecimal, the latter two with how far the exact result is from it in thousandths of its unit in the last place
(towards larger magnitudes), and with its condition number |x f'/f|, to two digits: `x value offset condition derivative offset condition`.
"""
import argparse
import random
import re
import struct
import sys
from fractions import Fraction
from math import floor, frexp, inf, isfinite, nextafter, ulp
from multiprocessing import Pool
from pathlib import Path

import sympy
from mpmath import mp, mpf

from decimals import OVERFLOW, UNDERFLOW, exact
from scalar import DIGITS as DIGITS_OF_SPECIAL
from scalar import PIECEWISE, SMOOTH, closed_forms
import special

HERE = Path(__file__).parent
REPORT = HERE.parent.parent / "docs" / "accuracy.md"
REDUCED, FULL = 140, 4000

# Operators of one input that scalar.py has not, being of the family calculus: expression, bounds of value and derivative
OWN = {
    "sech2": ("1/cosh(x)**2", "ulp4", "ulp4"),
    "nonnegative": ("x", "exact", "exact"),
}
# Those that special.py has: all are held to 1e-14
SPECIAL = [op for op, (count, _) in special.FUNCTIONS.items() if count == 1] + list(special.BY_EQUATION) + ["ndtri_slope"]
# Operators of more than one argument, all but one of which are constant: their arguments, None being the input
FIXED = {"polygamma": [(0, None), (1, None), (2, None), (5, None)], "sinc_derivative": [(1, None), (2, None)]}

PI = 3.141592653589793
# op: where it is defined, where it is interesting (between these), and around which points (zeros, poles, corners, seams).
# Without a line: everywhere, (-8, 8), and around 0.
PLACES = {
    "sqrt": ((0, inf), (0, 4), (0, 1)), "rsqrt": ((0, inf), (0, 4), (0, 1)),
    "exp": ((-inf, inf), (-746, 710), (0, 709.782712893384, -708.3964185322641, -745.1332191019411)),
    "exp2": ((-inf, inf), (-1076, 1025), (0, 1, 1000, 1024, -1022, -1074)),
    "expm1": ((-inf, inf), (-60, 710), (0, 60, -60, 709.782712893384)),
    "log": ((0, inf), (0, 3), (0, 1)), "log2": ((0, inf), (0, 3), (0, 1, 8)), "log10": ((0, inf), (0, 3), (0, 1, 1000)),
    "log1p": ((-1, inf), (-1, 3), (-1, 0)), "log1mexp": ((-inf, 0), (-45, 0), (0, -0.6931471805599453, -40, -745)),
    "sin": ((-inf, inf), (-30, 30), (0, *(k * PI / 2 for k in (-3, -2, -1, 1, 2, 3, 4, 7, 22, 355, 710, 51819)))),
    "cos": ((-inf, inf), (-30, 30), (0, *(k * PI / 2 for k in (-3, -2, -1, 1, 2, 3, 4, 7, 11, 355, 711, 51819)))),
    "tan": ((-inf, inf), (-30, 30), (0, 0.67434, *(k * PI / 2 for k in (-3, -2, -1, 1, 2, 3, 4, 7, 11, 355, 711, 51819)))),
    "asin": ((-1, 1), (-1, 1), (-1, -0.5, 0, 0.5, 0.975, 1)), "acos": ((-1, 1), (-1, 1), (-1, -0.5, 0, 0.5, 0.975, 1)),
    "atan": ((-inf, inf), (-6, 6), (0, 7 / 16, 11 / 16, 19 / 16, 39 / 16)), "atanh": ((-1, 1), (-1, 1), (-1, 0, 1)),
    "sinc": ((-inf, inf), (-20, 20), (0, 1, 2, -1, 3, 1.4302966531242027, 2.459024)),
    "sinc_derivative": ((-inf, inf), (-20, 20), (0, 1, 2, 1.4302966531242027, 0.6625)),
    "sinpi": ((-inf, inf), (-20, 20), (0, 0.5, 1, -1, 1.5, 2, 100, 2.0**51)), "cospi": ((-inf, inf), (-20, 20), (0, 0.5, 1, -0.5, 1.5, 2, 100, 2.0**51)),
    "sinh": ((-inf, inf), (-711, 711), (0, 40, -40, 710.4758600739439)), "cosh": ((-inf, inf), (-711, 711), (0, 40, -40, 710.4758600739439)),
    "tanh": ((-inf, inf), (-25, 25), (0, 20, -20, 375)), "sech2": ((-inf, inf), (-380, 380), (0, 40, 372)),
    "acosh": ((1, inf), (1, 5), (1,)), "asinh": ((-inf, inf), (-8, 8), (0,)),
    "sigmoid": ((-inf, inf), (-60, 60), (0, 40, -40, -745)), "log_sigmoid": ((-inf, inf), (-60, 60), (0, 40, -40, 745)),
    "softplus": ((-inf, inf), (-60, 60), (0, 40, -40, -745)), "silu": ((-inf, inf), (-60, 60), (0, 40, -40, -745, -1.2784645427610738, 2.3993572805154)),
    "gelu": ((-inf, inf), (-12, 12), (0, -1, 10, -0.7517915246935645, -38.5, 1.4142135623730951, -1.4142135623730951)),
    "erf": ((-inf, inf), (-7, 7), (0, 0.84375, 1.25, 2.857142857142857, 6)), "erfc": ((-inf, inf), (-7, 28), (0, 0.84375, 1.25, 2.857142857142857, 6, 26.5, 27.2)),
    "ndtr": ((-inf, inf), (-39, 10), (0, -0.5, 0.6, -1, -37.5, -38.4)),
    "gammaln": ((-inf, inf), (-12, 30), (0, 1, 2, -1, -2, 1.4616321449683623, -2.4570247382208006, -2.7476826467274127, 0.23164, 0.7316, 1.23164, 1.7316, 8)),
    "digamma": ((-inf, inf), (-12, 30), (0, 0.5, 1, 1.4616321449683623, -0.504083008264455, -1, -2, -1.5734984731623905, 16)),
    "polygamma": ((-1e5, inf), (-6, 30), (0, 0.5, 1, -1, -0.5, -1.5)),
    "erfcx": ((-27, inf), (-27, 30), (0, 0.5, -26.6)), "erfinv": ((-1, 1), (-1, 1), (0, 0.1, -0.1, 0.5, -0.5, 1, -1)),
    "log_ndtr": ((-inf, 1e5), (-60, 12), (0, -0.5, 0.6, -1, 38)), "ndtri": ((0, 1), (0, 1), (0, 0.25, 0.5, 0.75, 1)),
    "ndtri_slope": ((0, 1), (0, 1), (0, 0.25, 0.5, 0.75, 1)),
    "gamma": ((-184, 172), (-20, 30), (0, 1, 2, -1, -2, -0.504083008264455, 1.4616321449683623, 23, 171.6, -170.5)),
    "j0": ((-1e18, 1e18), (-30, 30), (0, 2, 2.404825557695773, 5.520078110286311, 3.8317059702075125)),
    "j1": ((-1e18, 1e18), (-30, 30), (0, 2, 1.8411837813406593, 3.8317059702075125, 7.015586669815619)),
    "y0": ((0, inf), (0, 30), (0, 2, 0.8935769662791675, 3.957678419314858, 2.197141326031017)),
    "y1": ((0, inf), (0, 30), (0, 2, 2.197141326031017, 5.429681040794135, 3.6830228565851776)),
    "i0e": ((-inf, inf), (-60, 60), (0, 8, 20)), "i1e": ((-inf, inf), (-60, 60), (0, 8, 20)),
    "nonnegative": ((0, inf), (0, 8), (0,)),
    "floor": ((-inf, inf), (-8, 8), (0, 1, -1, 2.0**52)), "ceil": ((-inf, inf), (-8, 8), (0, 1, -1, 2.0**52)),
    "round": ((-inf, inf), (-8, 8), (0, 0.5, 1.5, -0.5, 2.0**51)), "trunc": ((-inf, inf), (-8, 8), (0, 1, -1, 2.0**52)),
}
# Where the implementations change their method, for all operators alike
SEAMS = [2.0**k for k in (-1022, -540, -70, -66, -60, -56, -55, -54, -53, -52, -31, -30, -28, -27, -26, -22, -8, -7, -2, -1, 0, 1, 2, 3, 4, 5, 6,
                          28, 52, 53, 54, 58, 60, 66, 100, 200, 332, 500, 511, 512, 1000, 1023)] + [
    0.0055, 0.6, 0.9, 2.5, 9.0, 10.0, 20.0, 22.0, 26.7, 36.0, 40.0, 60.0, 88.0, 375.0, 600.0, 1000.0, 1e9, 1e22, 1e100, 1e160, 1e300, 1.7976931348623157e308,
    5e-324, 1e-323, 1e-320, 1e-310, 2.225073858507201e-308, 1e-300]
# Far out their exact results take long, and are all alike
TEDIOUS = {"log1mexp", "log_sigmoid", "softplus", "sigmoid", "silu", "gelu", "erf", "erfc", "erfcx", "ndtr", "log_ndtr", "gammaln", "gamma", "digamma",
           "polygamma", "i0e", "i1e", "j0", "j1", "y0", "y1", "tanh", "sech2"}


def where(op):
    return PLACES.get(op, ((-inf, inf), (-8, 8), (0,)))


def hexed(x):
    return struct.pack(">d", x).hex()


def neighbours(x, count):
    """The next `count` numbers on either side."""
    up = down = x
    for _ in range(count):
        up, down = nextafter(up, inf), nextafter(down, -inf)
        yield from (up, down)


def candidates(op, key, count):
    """About `count` points: a third around what is known to be hard, the rest over the whole range and where the function is at home."""
    (low, high), (left, right), places = where(op)
    source = random.Random("nablad " + key)
    dense = count > 1000
    near = []
    for place in places:
        near.append(place)
        near.extend(neighbours(place, 8 if dense else 1))
        scale = abs(place) if place else 1.0
        for k in range(2, 53, 1 if dense else 6):
            step = scale * 2.0**-k * (1 + source.random())
            near.extend((place + step, place - step))
    for seam in SEAMS:
        for sign in (1, -1):
            near.append(sign * seam)
            if dense:
                near.extend(neighbours(sign * seam, 2))
                near.extend(sign * seam * (1 + source.uniform(-1, 1) * 2.0**-k) for k in (4, 8, 16, 32))
    if op in ("sin", "cos", "tan"):
        # multiples of a half turn of every size, nearest binary64: where the reduction has to keep most
        with mp.workdps(400):
            for k in range(4, 1020, 8 if dense else 130):
                multiple = floor(source.random() * 2.0**min(k, 52)) * 2 ** max(k - 52, 0) + 1
                near.append(float(multiple * mp.pi / 2))
        near.extend((6381956970095103.0 * 2.0**797, 1e22, 1e5))
    wide = []
    for _ in range(count):
        sign = source.choice((-1, 1))
        wide.append(sign * source.uniform(1, 2) * 2.0 ** source.randint(-1074, 1023))  # any magnitude
        wide.append(sign * source.uniform(1, 2) * 2.0 ** source.randint(-60, 12))  # those that occur
        wide.append(source.uniform(left, right))
        wide.append(source.uniform(left, right) * source.random() ** 2)
    fits = lambda points: [x for x in dict.fromkeys(map(float, points)) if isfinite(x) and low <= x <= high]
    near, wide = fits(near), fits(wide)
    if not dense:
        near = source.sample(near, min(len(near), count // 2))
    points = list(dict.fromkeys([*near, *wide[:max(count - len(near), count // 3)]]))
    if op in TEDIOUS:
        tedious = [x for x in points if abs(x) > 1e5]
        few = set(source.sample(tedious, min(len(tedious), 32 if dense else 8)))
        points = [x for x in points if abs(x) <= 1e5 or x in few]
    return list(dict.fromkeys([*points, *known(key)]))


def known(key):
    """The worst points that the report has: the table holds them."""
    if not REPORT.exists():
        return []
    lines = [line.split("|") for line in REPORT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{key}` ")]
    return [float(number) for line in lines for cell in line for number in re.findall(r"x = (\S+)", cell)]


def label(op, arguments):
    """What a line of the report is called."""
    inside = ["x" if argument is None else str(argument) for argument in arguments]
    return op if len(inside) == 1 else f"{op}({', '.join(inside)})"


def subjects():
    """Operator, arguments, bounds."""
    for op, entry in SMOOTH.items():
        if " " not in entry[1]:
            yield op, (None,), entry[3], entry[4]
        for arguments in FIXED.get(op, ()):
            yield op, arguments, entry[3], entry[4]
    for op, (_, bound, partial_bound) in OWN.items():
        yield op, (None,), bound, partial_bound
    for op in SPECIAL:
        yield op, (None,), "rel", "rel"
    for op, (_, rule) in PIECEWISE.items():
        if rule.__code__.co_argcount == 1 and not rule.__code__.co_flags & 4:
            yield op, (None,), "exact", "exact"
    for arguments in FIXED["sinc_derivative"]:
        yield "sinc_derivative", arguments, "rel", "rel"


def own_forms(expression, order):
    """As scalar.closed_forms."""
    x = sympy.Symbol("x")
    tree = sympy.sympify(expression, locals={"x": x})
    return sympy.lambdify([x], [tree, [sympy.diff(tree, x)], [[sympy.diff(tree, x, 2)]] if order > 1 else []], modules="mpmath", cse=True)


FORMS = {}


def forms(op, arguments, negative, order):
    """x -> value, first and, where asked for, second derivative."""
    key = op, arguments, negative
    if key not in FORMS:
        if op in OWN:
            FORMS[key] = own_forms(OWN[op][0], order)
        elif op == "sinc_derivative":
            FORMS[key] = own_forms(str(sympy.diff(sympy.sympify("sin(pi*x)/(pi*x)"), sympy.Symbol("x"), arguments[0])), order)
        else:
            fixed = tuple((i, c) for i, c in enumerate(arguments) if c is not None)
            FORMS[key] = closed_forms(op, len(arguments), fixed, negative, order)
    function = FORMS[key]
    if op == "sinc_derivative":
        return lambda x: flat(function(x))
    return lambda x: flat(function(*(x if argument is None else mpf(argument) for argument in arguments)))


def flat(results):
    value, gradient, hessian = results[:3]
    return [mpf(mp.re(part)) for part in (value, gradient[0], *(hessian[0] if hessian else ()))]


# Enough for a cancellation over all of binary64's range; special functions are not written so that they have such
DIGITS, SPECIAL_DIGITS = (50, 100, 200, 400, 800), (50, 100, 200)


def evaluated(op, arguments, order, x):
    """Value and derivatives, to at least 25 digits; None where they are not all finite."""
    if op in SPECIAL:
        # next to 0 some change as fast as their argument, and need no digits more there
        with mp.workdps(special.DIGITS if op in ("ndtri", "ndtri_slope", "gamma", "erfinv") else special.digits([x])):
            try:
                results = by_differences(op, mpf(x), order)
            except (ArithmeticError, ValueError):  # at a pole
                return None
        return results if all(mp.isfinite(part) for part in results) else None
    before = None
    for digits in SPECIAL_DIGITS if op in DIGITS_OF_SPECIAL else DIGITS:
        with mp.workdps(digits):
            try:
                now = forms(op, arguments, x < 0, order)(mpf(x))
            except (ZeroDivisionError, ValueError, OverflowError):
                return None
            if not all(mp.isfinite(part) for part in now):
                return None
            if before and all(agree(a, b, e) for a, b, e in zip(before, now, ("1e-25", "1e-25", "1e-6"))):
                return now
            before, last = now, before
    # zeros only count at the highest precision: below they may be all that is left of a cancellation
    same = all(a == b == 0 or agree(a, b, e) for a, b, e in zip(last, before, ("1e-25", "1e-25", "1e-6")))
    return before if same else None


def by_differences(op, x, order):
    """Value and derivatives of what special.py has, in its precision."""
    if op == "ndtri_slope":
        y = special.ndtri(x)
        slope = mp.sqrt(2 * mp.pi) * mp.exp(y * y / 2)
        return [slope, y * slope**2, (1 + 2 * y * y) * slope**3][:order + 1]
    value, gradient, hessian, _ = special.derivatives(op, (x,), order)
    return [value, gradient[0], *(hessian[0] if order > 1 else ())]


def agree(a, b, error):
    return a != 0 and b != 0 and abs(a - b) <= mpf(error) * abs(b)


def placed(value):
    """The bits of the nearest binary64 and the offset from it."""
    size = exact(value)
    if abs(size) >= OVERFLOW:
        return hexed(inf if value > 0 else -inf), 0
    if abs(size) <= UNDERFLOW / 1000:
        return hexed(0.0), 0
    nearest = float(size)
    magnitude = abs(size)
    # the unit is that of the exact result: half as much just below a power of two
    unit = ulp(nearest)
    if magnitude < abs(Fraction(nearest)) and unit > 5e-324 and frexp(nearest)[0] in (0.5, -0.5):
        unit /= 2
    offset = (magnitude - abs(Fraction(nearest))) / Fraction(unit)
    return hexed(nearest), round(1000 * offset)


def condition(x, derivative, value):
    if value == 0:
        return "inf"
    number = abs(mpf(x) * derivative / value)
    return "inf" if number > mpf("1e300") else mp.nstr(number, 2, min_fixed=0, max_fixed=0) if number > mpf("1e-30") else "0"


def line(job):
    """The line of one point; None where a convention decides."""
    op, arguments, order, x = job
    if op in PIECEWISE:
        if x == 0 or (op in ("floor", "ceil", "trunc") and x == int(x)) or (op == "round" and abs(x) < 2**52 and x % 1 == 0.5):
            return None
        value, partials = PIECEWISE[op][1](x)
        return f"{hexed(x)} {hexed(float(value))} 0 1 {hexed(float(partials[0]))} 0 0"
    results = evaluated(op, arguments, order, x)
    if results is None:
        return None
    value, first, second = (*results, 0)[:3]
    (bits, offset), (slope, slope_offset) = placed(value), placed(first)
    return f"{hexed(x)} {bits} {offset} {condition(x, first, value)} {slope} {slope_offset} {condition(x, second, first)}"


def table(count, only, pool):
    """The table, a line at a time."""
    for op, arguments, bound, partial_bound in subjects():
        if only and op not in only:
            continue
        constants = ",".join("x" if argument is None else str(argument) for argument in arguments)
        yield f"op {op} {constants} {bound} {partial_bound}"
        # a condition number of the derivative is asked for where its bound is relative
        order = 2 if partial_bound == "rel" else 1
        jobs = [(op, arguments, order, x) for x in candidates(op, label(op, arguments), count)]
        yield from filter(None, pool.imap(line, jobs, 32))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the checked-in table differs")
    parser.add_argument("--full", nargs="?", type=int, const=FULL, help="so many points an operator, to standard output")
    parser.add_argument("only", nargs="*", help="with --full: these operators (default: all)")
    options = parser.parse_args()
    path = HERE / "sweep.txt"
    with Pool() as pool:
        if options.full:
            for text in table(options.full, options.only, pool):
                print(text, flush=text.startswith("op "))
            return 0
        data = "".join(text + "\n" for text in table(REDUCED, (), pool))
    if not options.check:
        path.write_text(data, encoding="utf-8")
        print(f"{path.name}: {data.count(chr(10))} lines")
    elif not path.exists() or path.read_text(encoding="utf-8") != data:
        print("differs from what the generator writes: sweep.txt", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
