"""The points of scalar.py where ops.md's mathematics decides: op -> [(arguments, why this point[, constants])].

Points where a convention decides instead are in scalar_edges.py. Every float here is the exact binary64 input.
"""
from math import inf, nextafter

EPS = 2.0**-52  # spacing at 1
TINY = 5e-324  # least subnormal
SUB = 1e-310  # a subnormal
MIN = 2.0**-1022  # least normal
MAX = 1.7976931348623157e308
PI, HALF_PI = 3.141592653589793, 1.5707963267948966
BELOW_1, ABOVE_1 = nextafter(1, 0), nextafter(1, 2)


def each(*pairs):
    """Points of an operator of one variable: (x, why) pairs."""
    return [((x,), note) for x, note in pairs]


ODD_TAILS = ((1e-300, "tiny: f(x) is x to the last bit"), (-1e-8, "x cubed is half a unit"), (SUB, "subnormal"), (-TINY, "least subnormal"))
INTEGERS_AND_TIES = each((0.5, "tie"), (1.5, "tie"), (2.5, "tie"), (-0.5, "tie, result is a signed zero"), (-1.5, "tie"), (0.49999999999999994, "largest below one half"),
                         (-0.2, "signed zero or -1"), (3.0, "integer: derivative 0 at the jump too"), (4503599627370495.5, "2^52 - 1/2, tie"), (1e300, "huge: all integers"),
                         (-TINY, "least subnormal"), (-2.7, "negative"))
COMPARED = [((1.0, 2.0), "less"), ((2.0, 1.0), "greater"), ((2.0, 2.0), "equal"), ((0.0, -0.0), "signed zeros are equal"), ((1.0, ABOVE_1), "neighbours"),
            ((-inf, inf), "infinities"), ((inf, inf), "equal infinities"), ((TINY, 0.0), "least subnormal is not zero"), ((0.1 + 0.2, 0.3), "0.1 + 0.2 is not 0.3")]
LOGICAL = [((a, b), note) for a, b, note in [(0.0, 0.0, "false, false"), (0.0, 1.0, "false, true"), (1.0, 0.0, "true, false"), (1.0, 1.0, "true, true"),
                                              (-0.0, 1.0, "-0.0 is false"), (TINY, 2.0, "least subnormal is true"), (-3.0, inf, "negative and infinite are true"), (0.5, 0.0, "a half is true")]]

POINTS = {
    "add": [((0.1, 0.2), "classic rounding"), ((1.0, 2.0**-53), "tie to even, down"), ((ABOVE_1, 2.0**-53), "tie to even, up"), ((1.0, 2.0**-53 + 2.0**-105), "just above a tie"),
            ((1e300, 1e-300), "exponents far apart"), ((TINY, TINY), "subnormal, exact"), ((MAX, MAX), "overflow"), ((MAX, 2.0**970), "tie at the overflow threshold"),
            ((1.0, -BELOW_1), "cancellation, exact"), ((0.5, -0.5), "exact zero is +0"), ((-0.0, -0.0), "-0.0 survives"), ((-0.0, 0.0), "mixed zeros give +0"),
            ((1.0, 2.0, 4.0), "n-ary"), ((0.5, 0.25, -2.0, 8.0), "n-ary, four")],
    "subtract": [((0.3, 0.1), "classic rounding"), ((1.0, 2.0**-54), "tie to even below 1"), ((1.0, 2.0**-54 + 2.0**-106), "just past a tie"), ((1e300, -1e300), "large"), ((ABOVE_1, 1.0), "cancellation, exact"),
                 ((3.5, 3.5), "exact zero is +0"), ((-0.0, 0.0), "-0.0 - 0.0 = -0.0"), ((0.0, 0.0), "+0"), ((MIN, TINY), "into the subnormals"), ((-MAX, MAX), "overflow to -inf")],
    "multiply": [((0.1, 3.0), "classic rounding"), ((ABOVE_1, ABOVE_1), "product ends 2^-104 above"), ((ABOVE_1, BELOW_1), "near 1"), ((1e200, 1e200), "overflow"), ((1e-200, 1e-200), "underflow to 0"),
                 ((1e-160, 1e-160), "subnormal result"), ((MIN, 0.5), "least normal halved, exact"), ((TINY, 0.5), "tie at half the least subnormal: to zero"), ((TINY, 1.5), "tie to the even multiple"), ((-3.0, 0.0), "zero factor: -0.0"),
                 ((0.0, 0.0), "both zero"), ((2.0, 3.0, 5.0), "n-ary"), ((0.0, 3.0, 5.0), "n-ary, one zero: its partial is 15"), ((0.0, 0.0, 5.0), "n-ary, two zeros: all partials 0"), ((1.1, 1.3, 1.7), "n-ary, rounding")],
    "divide": [((1.0, 3.0), "classic rounding"), ((2.0, 3.0), "classic rounding"), ((1.0, ABOVE_1), "near 1"), ((BELOW_1, ABOVE_1), "near 1, both sides"), ((1e300, 1e-300), "overflow"), ((1e-300, 1e10), "subnormal result"),
               ((1e-300, 1e300), "underflow to 0"), ((1e-300, 1e-300), "a*a would underflow in the partials"), ((1e300, 1e200), "b*b would overflow in the partial"), ((-6.0, 2.0), "exact"), ((0.0, -2.0), "-0.0"), ((1e22, 7.0), "large")],
    "negative": each((1.5, "ordinary"), (0.0, "gives -0.0"), (-0.0, "gives +0.0"), (MAX, "largest"), (TINY, "least subnormal"), (-1e300, "large"), (1e-300, "small")),
    "pow": [((2.0, 3.0), "both vary"), ((2.0, 0.5), "root"), ((1.0 + 1e-10, 1e10), "near e, exponent amplifies the base's last bits"), ((0.5, 1073.0), "subnormal result"), ((10.0, 308.0), "near overflow"),
            ((10.0, -308.0), "near underflow"), ((10.0, 309.0), "overflow"), ((1.0, 5.0), "base 1: derivative in y is 0"), ((3.0, 0.0), "exponent 0"), ((BELOW_1, 1e15), "base next to 1"), ((1e-300, 0.25), "small base"),
            ((7.3, -2.6), "ordinary"), ((TINY, 0.5), "subnormal base"),
            *[((x, n), f"constant exponent {n:g} {why}", [None, n])
              for n, bases in {2.0: (0.0, -3.0, 1.5, 1e200, 1e-170), 3.0: (0.0, -2.0, 1.1, 1e-100, -0.0), -1.0: (-4.0, 3.0, 1e-300, 1e300), 0.0: (0.0, -2.0, 5.0, 1e300), 1.0: (0.0, -2.5, 1e300, TINY, -0.0),
                               4.0: (0.0, -1.3), 10.0: (1.1, -0.9), 31.0: (0.99,), -2.0: (-3.0, 0.1)}.items()
              for x in bases for why in [f"at {x:g}"]],
            *[((x, c), f"constant real exponent at {x:g}", [None, c]) for x, c in [(2.0, 0.5), (1e-300, 0.5), (9.0, 0.5), (2.0, 1.5), (7.0, 1 / 3), (1e10, -0.5), (0.3, 2.5)]],
            *[((b, y), f"constant base {b:g}", [b, None]) for b, y in [(2.0, 0.5), (2.0, -1074.0), (10.0, 2.0), (0.5, 0.0), (1.0, 7.0)]]],
    "reciprocal": each((3.0, "ordinary"), (-7.0, "negative"), (ABOVE_1, "near 1"), (BELOW_1, "near 1"), (1e-300, "derivative overflows"), (1e300, "derivative underflows"), (SUB, "overflow"), (MAX, "subnormal result"), (-1e-5, "small")),
    "square": each((3.0, "ordinary"), (0.0, "zero"), (-0.0, "square of -0.0 is +0"), (ABOVE_1, "rounding"), (-1.1, "negative"), (1e200, "overflow, derivative does not"), (1e-200, "underflow, derivative does not"), (1e-160, "subnormal result"), (134217729.0, "2^27 + 1: a tie")),
    "sqrt": each((2.0, "ordinary"), (4.0, "exact"), (BELOW_1, "near 1"), (ABOVE_1, "near 1"), (TINY, "least subnormal"), (1e300, "large"), (1e-300, "small"), (SUB, "subnormal"), (MAX, "largest")),
    "rsqrt": each((2.0, "ordinary"), (4.0, "exact"), (BELOW_1, "near 1"), (TINY, "least subnormal, derivative overflows"), (1e300, "derivative underflows"), (1e-200, "small"), (MAX, "largest"), (3.0, "ordinary")),
    "cbrt": each((8.0, "exact"), (-27.0, "negative, exact"), (2.0, "ordinary"), (-1e300, "large negative"), (1e-300, "small"), (TINY, "least subnormal"), (-SUB, "subnormal, negative"), (ABOVE_1, "near 1"), (MAX, "largest")),
    "abs": each((3.0, "positive"), (-3.0, "negative"), (TINY, "least subnormal"), (-TINY, "least subnormal, negative"), (1e300, "large"), (-MAX, "largest")),
    "sign": each((3.0, "positive"), (-3.0, "negative"), (TINY, "least subnormal is positive"), (-TINY, "least subnormal is negative"), (1e300, "large"), (-1e300, "large negative")),
    "fma": [((2.0, 3.0, 4.0), "ordinary"), ((ABOVE_1, ABOVE_1, -1.0 - 2 * EPS), "only a fused product has this: 2^-104"), ((0.1, 10.0, -1.0), "0.1*10 - 1 is not 0"),
            ((1e200, 1e-200, -1.0), "product near 1"), ((MAX, 2.0, -MAX), "intermediate overflow, result is not"), ((1e-200, 1e-200, TINY), "product below the subnormals"), ((3.0, 0.0, 5.0), "zero factor"),
            ((-1.5, 2.5, 3.75), "exact zero"), ((1 / 3, 3.0, -1.0), "residual of 1/3"), ((134217729.0, 134217729.0, -0.5), "near a tie")],
    "remainder": [((7.0, 3.0), "both positive"), ((-7.0, 3.0), "Python's sign rule"), ((7.0, -3.0), "Python's sign rule"), ((-7.0, -3.0), "both negative"), ((6.0, 3.0), "multiple: value 0, step of the floor has derivative 0"), ((-6.0, 3.0), "multiple: +0"),
                  ((6.0, -3.0), "multiple: sign of the divisor, -0.0"), ((1.0, 0.1), "1/0.1 rounds to 10, the floor is 9"), ((0.7, 0.1), "quotient rounds near 7, the floor is 6"), ((5.5, 2.0), "fraction"), ((1e22, 3.0), "large quotient"),
                  ((1e300, 7.0), "quotient beyond 2^53"), ((-1e-300, 1.0), "result rounds to the divisor"), ((3.0, 1e300), "divisor larger"), ((TINY, 1.0), "least subnormal"), ((-0.5, 1e300), "quotient floor is -1")],
    "hypot": [((3.0, 4.0), "exact"), ((1e200, 1e200), "x*x overflows"), ((1e-200, 1e-200), "x*x underflows"), ((1e300, 1e-300), "far apart"), ((-5.0, 12.0), "negative"), ((0.0, 2.0), "one zero"), ((0.0, -2.0), "one zero, other negative"), ((TINY, 0.0), "least subnormal"),
              ((3 * 2.0**-1040, 4 * 2.0**-1040), "subnormals, exact"), ((1.0, 1e-9), "square is below half a unit"), ((1.0, ABOVE_1), "near equal")],
    "lerp": [((1.0, 3.0, 0.5), "middle"), ((1.0, 3.0, 0.0), "at a"), ((1.0, 3.0, 1.0), "at b"), ((2.0, 2.0, 0.3), "a = b"), ((-1.0, 1.0, 0.25), "signs"), ((1.0, 3.0, 2.5), "extrapolation"), ((1e300, -1e300, 0.25), "large"), ((0.1, 0.2, 0.7), "rounding"), ((1.0, 1e-20, 1.0 - EPS), "cancellation near b"), ((1e-300, 3e-300, 0.5), "small")],
    "floor": INTEGERS_AND_TIES, "ceil": INTEGERS_AND_TIES, "round": INTEGERS_AND_TIES, "trunc": INTEGERS_AND_TIES,
    "exp": each((0.0, "exact"), (1.0, "e"), (-1e-300, "tiny"), (1e-16, "next to 1"), (-40.0, "tail"), (709.0, "near overflow"), (709.782712893384, "last finite"), (709.7827128933841, "first overflow"), (-708.5, "subnormal result"), (-745.0, "least subnormal result"), (-745.2, "underflow"), (-1e300, "deep underflow"), (0.6931471805599453, "log 2")),
    "exp2": each((0.0, "exact"), (10.0, "exact"), (0.5, "sqrt 2"), (-1e-17, "next to 1"), (1023.9999999999999, "near overflow"), (1024.0, "overflow"), (-1074.0, "least subnormal"), (-1022.5, "subnormal result"), (-1080.0, "underflow"), (1e-300, "tiny"), (-3.0, "exact")),
    "expm1": each(*ODD_TAILS, (1e-5, "small: exp(x) - 1 loses 5 digits"), (-1e-5, "small"), (1.0, "ordinary"), (-40.0, "value -1, derivative e^-40: not y + 1"), (-800.0, "derivative underflows"), (709.5, "near overflow"), (710.0, "overflow"), (-0.0, "-0.0 survives"), (-0.6931471805599453, "-log 2")),
    "log": each((1.0, "zero"), (BELOW_1, "near the zero"), (ABOVE_1, "near the zero"), (2.0, "ordinary"), (1e-300, "small"), (1e300, "large"), (TINY, "least subnormal, derivative overflows"), (SUB, "subnormal"), (MAX, "largest"), (0.5, "ordinary"), (2.718281828459045, "e rounded")),
    "log2": each((1.0, "zero"), (8.0, "exact"), (BELOW_1, "near the zero"), (ABOVE_1, "near the zero"), (1e300, "large"), (TINY, "least subnormal: -1074"), (0.125, "exact"), (3.0, "ordinary"), (SUB, "subnormal"), (1e-5, "small")),
    "log10": each((1.0, "zero"), (1000.0, "exact"), (BELOW_1, "near the zero"), (ABOVE_1, "near the zero"), (1e22, "exact: 22"), (1e300, "1e300 is not 10^300"), (TINY, "least subnormal"), (0.001, "0.001 is not 10^-3"), (2.0, "ordinary"), (MAX, "largest")),
    "log1p": each(*ODD_TAILS, (1e-5, "small"), (-0.5, "negative"), (-BELOW_1, "next to the pole"), (-1.0 + 1e-10, "near the pole"), (1.0, "ordinary"), (1e300, "large"), (-0.0, "-0.0 survives"), (MAX, "largest")),
    "logaddexp": [((0.0, 0.0), "log 2"), ((1000.0, 1000.0), "exp overflows"), ((-1000.0, -1000.0), "exp underflows"), ((0.0, -50.0), "far apart: derivative e^-50"), ((1.0, 800.0), "derivative underflows"), ((-0.6931471805599453, -0.6931471805599453), "near the zero"),
                  ((1e300, -1e300), "extreme"), ((0.0, -800.0), "value e^-800 underflows"), ((2.0, 3.0), "ordinary"), ((-3.0, -0.05), "near the zero")],
    "log1mexp": each((-1e-300, "log of -x"), (-1e-17, "tiny"), (-TINY, "least subnormal"), (-0.6931471805599453, "the switch at log 2"), (-1.0, "ordinary"), (-40.0, "tail"), (-745.0, "subnormal tail"), (-800.0, "underflow"), (-0.5, "ordinary"), (-36.7, "exp(x) near epsilon")),
    "xlogy": [((2.0, 3.0), "ordinary"), ((0.0, 3.0), "rule 7: x = 0, derivative in x is log y"), ((0.0, 1e-300), "rule 7"), ((1e300, ABOVE_1), "log near its zero"), ((2.0, 1.0), "log is 0"), ((-2.0, 0.5), "negative x"), ((1e-300, 1e-300), "small"), ((3.0, TINY), "subnormal y"), ((1e-320, 2.0), "subnormal x")],
    "xlog1py": [((2.0, 3.0), "ordinary"), ((0.0, 3.0), "rule 7: x = 0, derivative in x is log1p y"), ((2.0, 1e-300), "tiny y"), ((2.0, -1e-10), "small y"), ((1e300, 1e-17), "large x, tiny y"), ((2.0, -BELOW_1), "next to the pole"), ((-2.0, 0.5), "negative x"), ((3.0, 0.0), "log1p is 0"), ((1e-300, 1e300), "far apart")],
    "sin": each(*ODD_TAILS, (0.0, "zero"), (-0.0, "-0.0 survives"), (PI, "near a zero"), (HALF_PI, "near an extremum, derivative near its zero"), (1e22, "large argument"), (1e300, "huge argument"), (-MAX, "largest argument"), (6381956970095103.0 * 2.0**797, "hardest reduction in binary64"), (1e5, "medium argument"), (22.0, "near 7 pi"), (0.7853981633974483, "pi/4")),
    "cos": each((0.0, "extremum"), (1e-300, "tiny: derivative -x"), (1e-8, "next to 1"), (HALF_PI, "near a zero"), (PI, "extremum, derivative near its zero"), (1e22, "large argument"), (1e300, "huge argument"), (-MAX, "largest argument"), (6381956970095103.0 * 2.0**797, "hardest reduction in binary64"), (11.0, "near 3.5 pi"), (TINY, "least subnormal"), (1e5, "medium argument")),
    "tan": each(*ODD_TAILS, (HALF_PI, "next to a pole"), (-HALF_PI, "next to a pole"), (PI, "near a zero"), (1e22, "large argument"), (1e300, "huge argument"), (6381956970095103.0 * 2.0**797, "hardest reduction in binary64"), (0.7853981633974483, "pi/4"), (-0.0, "-0.0 survives"), (11.0, "near a pole")),
    "asin": each(*ODD_TAILS, (BELOW_1, "next to the branch point: 1 - x*x would lose the derivative"), (-BELOW_1, "next to the branch point"), (1 - 1e-10, "near the branch point"), (0.5, "ordinary"), (-0.9, "ordinary"), (-0.0, "-0.0 survives"), (0.0, "zero")),
    "acos": each((BELOW_1, "near its zero, next to the branch point"), (-BELOW_1, "next to the branch point"), (1 - 1e-10, "near its zero"), (0.0, "pi/2"), (1e-300, "tiny"), (0.5, "ordinary"), (-0.5, "ordinary"), (-0.999999, "near the branch point"), (TINY, "least subnormal")),
    "atan": each(*ODD_TAILS, (1.0, "pi/4"), (-1e10, "large: derivative 1e-20"), (1e200, "x*x overflows"), (-1e300, "tail, derivative underflows"), (1e160, "derivative is subnormal"), (-0.0, "-0.0 survives"), (2.5, "ordinary"), (MAX, "largest")),
    "atan2": [((1.0, 1.0), "pi/4"), ((1.0, -1.0), "second quadrant"), ((-1.0, -1.0), "third quadrant"), ((-1.0, 1.0), "fourth quadrant"), ((1e-300, 1e-300), "x*x underflows"), ((1e300, 1e300), "x*x overflows"), ((1e-300, 1e300), "value underflows"), ((2.0, 1e-300), "near pi/2"),
              ((0.0, 2.0), "zero"), ((-0.0, 2.0), "-0.0 survives"), ((3.0, 0.0), "pi/2, derivative in x is -1/3"), ((-3.0, 0.0), "-pi/2"), ((1e-10, -1.0), "near the branch cut, above"), ((-1e-10, -1.0), "near the branch cut, below"), ((1e-200, 1e-190), "small and unequal")],
    "sinc": each((1e-300, "derivative -pi^2 x/3"), (1e-8, "next to 1"), (-1e-4, "series region"), (0.01, "series edge: derivative cancels"), (0.5, "2/pi"), (1.5, "ordinary"), (-2.25, "negative"), (1.4302966531242027, "derivative near its zero"), (1e10 + 0.5, "large"), (1e15 + 0.25, "large fraction"), (BELOW_1, "next to a zero"), (1e-160, "x*x underflows")),
    "sinpi": each((0.5, "exact 1"), (1e-300, "tiny"), (SUB, "subnormal"), (0.25, "sqrt(1/2)"), (BELOW_1, "next to a zero"), (-1.75, "negative"), (1e15 + 0.25, "large fraction"), (2251799813685248.5, "2^51 + 1/2"), (0.1, "ordinary"), (-TINY, "least subnormal")),
    "cospi": each((0.0, "extremum"), (1e-300, "tiny"), (0.25, "sqrt(1/2)"), (nextafter(0.5, 0), "next to a zero"), (nextafter(0.5, 1), "next to a zero"), (-1.75, "negative"), (1e15 + 0.25, "large fraction"), (1 / 3, "near one half"), (1e-9, "next to 1")),
    "sinh": each(*ODD_TAILS, (1.0, "ordinary"), (1e-5, "small"), (-40.0, "large"), (710.4, "exp overflows, the result does not"), (-710.4, "exp overflows, the result does not"), (711.0, "overflow"), (-0.0, "-0.0 survives"), (22.0, "exp(-x) drops out")),
    "cosh": each((0.0, "extremum"), (1e-300, "tiny"), (1e-5, "small"), (1.0, "ordinary"), (-40.0, "large"), (710.4, "exp overflows, the result does not"), (-710.4, "exp overflows, the result does not"), (711.0, "overflow"), (-1e-8, "next to 1"), (TINY, "least subnormal")),
    "tanh": each(*ODD_TAILS, (1.0, "ordinary"), (20.0, "value 1, derivative 4e^-40: not 1 - y*y"), (-12.0, "tail"), (300.0, "derivative e^-600"), (370.0, "subnormal derivative"), (-400.0, "derivative underflows"), (1e300, "far tail"), (-0.0, "-0.0 survives"), (0.5, "ordinary")),
    "asinh": each(*ODD_TAILS, (1.0, "ordinary"), (-1.0, "negative: x + sqrt(x*x+1) cancels"), (-1e8, "large negative"), (1e200, "x*x overflows"), (-1e300, "large negative"), (MAX, "largest"), (1e-4, "small"), (-0.0, "-0.0 survives")),
    "acosh": each((ABOVE_1, "next to the branch point"), (1 + 1e-10, "near the branch point"), (1.5, "ordinary"), (10.0, "ordinary"), (1e8, "large"), (1e200, "x*x overflows"), (1e300, "large"), (MAX, "largest"), (1.0001, "near the branch point")),
    "atanh": each(*ODD_TAILS, (BELOW_1, "next to the pole"), (-BELOW_1, "next to the pole"), (0.5, "ordinary"), (1 - 1e-10, "near the pole"), (-0.9, "ordinary"), (1e-4, "small"), (-0.0, "-0.0 survives")),
    **{op: COMPARED for op in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")},
    "logical_and": LOGICAL, "logical_or": LOGICAL,
    "logical_not": each((0.0, "false"), (-0.0, "-0.0 is false"), (1.0, "true"), (TINY, "least subnormal is true"), (-2.0, "negative is true"), (inf, "infinite is true"), (-inf, "infinite is true"), (1e-300, "small is true")),
    "isfinite": each((0.0, "zero"), (-0.0, "zero"), (1.0, "ordinary"), (MAX, "largest"), (-MAX, "largest"), (TINY, "least subnormal"), (inf, "infinite"), (-inf, "infinite")),
    "isnan": each((0.0, "zero"), (-0.0, "zero"), (1.0, "ordinary"), (MAX, "largest"), (TINY, "least subnormal"), (inf, "infinite"), (-inf, "infinite"), (-1e300, "large")),
    "where": [((1.0, 2.0, 3.0), "true"), ((0.0, 2.0, 3.0), "false"), ((-0.0, 2.0, 3.0), "-0.0 is false"), ((TINY, 2.0, 3.0), "least subnormal is true"), ((-5.0, 2.0, 3.0), "negative is true"), ((inf, 2.0, 3.0), "infinite is true"), ((1.0, -0.0, 3.0), "-0.0 passes through"), ((0.5, 1e300, 1e-300), "a half is true")],
    "maximum": [((1.0, 2.0), "second"), ((2.0, 1.0), "first"), ((2.0, 2.0), "rule 3: tie shares"), ((3.0, 3.0, 3.0), "rule 3: n-ary tie, 1/3 each"), ((1.0, 5.0, 5.0), "rule 3: partial tie"), ((1.0, 7.0, 5.0), "n-ary"), ((-inf, 1.0), "infinity loses"), ((1.0, inf), "infinity wins"), ((1.0, ABOVE_1), "neighbours"), ((-TINY, TINY), "subnormals")],
    "minimum": [((1.0, 2.0), "first"), ((2.0, 1.0), "second"), ((2.0, 2.0), "rule 3: tie shares"), ((3.0, 3.0, 3.0), "rule 3: n-ary tie, 1/3 each"), ((9.0, 5.0, 5.0), "rule 3: partial tie"), ((1.0, 7.0, 5.0), "n-ary"), ((-inf, 1.0), "infinity wins"), ((1.0, inf), "infinity loses"), ((1.0, BELOW_1), "neighbours"), ((-TINY, TINY), "subnormals")],
    "clip": [((0.5, 0.0, 1.0), "inside"), ((-0.5, 0.0, 1.0), "below: the lower bound's derivative is 1"), ((1.5, 0.0, 1.0), "above: the upper bound's derivative is 1"), ((BELOW_1, 0.0, 1.0), "just inside"), ((ABOVE_1, 0.0, 1.0), "just above"), ((inf, 0.0, 1.0), "infinite"), ((-inf, 0.0, 1.0), "infinite"), ((7.0, -inf, inf), "no bounds"),
             ((0.5, 0.0, 1.0), "constant bounds, inside", [None, 0.0, 1.0]), ((3.0, 0.0, 1.0), "constant bounds, above", [None, 0.0, 1.0])],
    "copysign": [((3.0, -1.0), "flip"), ((-3.0, -1.0), "keep"), ((-3.0, 1.0), "flip"), ((3.0, -0.0), "sign of -0.0"), ((-3.0, 0.0), "sign of +0.0"), ((1e300, -TINY), "least subnormal's sign"), ((2.0, -inf), "sign of an infinity"), ((TINY, -1.0), "least subnormal"), ((-MAX, 2.0), "largest")],
    "relu": each((3.0, "positive"), (-3.0, "negative"), (TINY, "least subnormal"), (-TINY, "least subnormal, negative"), (1e300, "large"), (-1e300, "large negative"), (1e-300, "small")),
    "sigmoid": each((0.0, "one half"), (1.0, "ordinary"), (-1.0, "ordinary"), (40.0, "value 1, derivative e^-40: not y(1 - y)"), (-40.0, "tail"), (-745.0, "subnormal"), (-800.0, "underflow"), (800.0, "derivative underflows"), (1e-300, "tiny"), (-1e300, "far tail"), (710.0, "exp overflows")),
    "log_sigmoid": each((0.0, "-log 2"), (1.0, "ordinary"), (40.0, "tail: -e^-40"), (-40.0, "linear"), (745.0, "subnormal"), (800.0, "underflow"), (-1e300, "far linear tail"), (-800.0, "exp overflows"), (1e-300, "tiny")),
    "softplus": each((0.0, "log 2"), (1.0, "ordinary"), (-40.0, "tail: e^-40"), (40.0, "linear"), (-745.0, "subnormal"), (-800.0, "underflow"), (1e300, "far linear tail"), (800.0, "exp overflows"), (-1e-300, "tiny"), (36.8, "e^-x near epsilon")),
    "gelu": each((0.0, "zero"), (1.0, "ordinary"), (-1.0, "ordinary"), (-0.7517915246935645, "minimum: derivative near its zero"), (-8.0, "tail"), (-20.0, "far tail"), (-38.0, "subnormal tail"), (10.0, "linear"), (1e-300, "tiny"), (1e300, "far linear tail"), (-3.0, "ordinary")),
    "silu": each((0.0, "zero"), (1.0, "ordinary"), (-1.0, "ordinary"), (-1.2784645427610738, "minimum: derivative near its zero"), (-40.0, "tail"), (-700.0, "far tail: exp(-x) is near overflow"), (-800.0, "underflow"), (40.0, "linear"), (1e-300, "tiny"), (1e300, "far linear tail")),
    "erf": each(*ODD_TAILS, (0.5, "ordinary"), (1.0, "ordinary"), (-2.0, "ordinary"), (5.9, "next to 1"), (-6.0, "value -1, derivative e^-36"), (26.0, "derivative e^-676"), (28.0, "derivative underflows"), (-0.0, "-0.0 survives"), (0.84375, "a usual switch point")),
    "erfc": each((0.0, "1"), (1e-300, "tiny"), (0.5, "ordinary"), (-2.0, "near 2"), (5.0, "tail"), (10.0, "tail"), (26.5, "near underflow"), (27.0, "subnormal"), (28.0, "underflow"), (-7.0, "2"), (0.4769362762044699, "one half"), (2.5, "ordinary")),
    "ndtr": each((0.0, "one half"), (1e-300, "tiny"), (1.0, "ordinary"), (-1.0, "ordinary"), (-8.0, "tail"), (-20.0, "far tail"), (-37.5, "near underflow"), (-38.2, "subnormal"), (-39.0, "underflow"), (9.0, "value 1, derivative e^-40.5"), (40.0, "derivative underflows")),
    "gammaln": each((1.0, "zero"), (2.0, "zero"), (ABOVE_1, "near a zero"), (1 + 1e-8, "near a zero"), (2 - 1e-8, "near a zero"), (0.5, "log sqrt pi"), (1e-300, "small: -log x"), (TINY, "least subnormal"), (10.0, "ordinary"), (171.7, "gamma overflows"), (1e10, "large"), (1e300, "huge"), (2e305, "near overflow of the value"),
                    (-0.5, "negative"), (-1.5, "negative"), (-10.3, "negative"), (-2.4570247382208006, "near a zero"), (-1 - 1e-10, "near a pole"), (1.4616321449683623, "minimum: derivative near its zero")),
    "digamma": each((1.0, "-Euler's gamma"), (1.4616321449683623, "near the zero"), (0.5, "ordinary"), (1e-10, "near the pole"), (1e-300, "-1/x"), (10.0, "ordinary"), (1e10, "large"), (1e300, "huge"), (-0.5, "negative"), (-1.5, "negative"), (-10.3, "negative"), (-0.504083008264455, "near a negative zero"), (-1 - 1e-10, "near a pole")),
    "polygamma": [((n, x), note, [n, None]) for n, x, note in [
        (0.0, 2.0, "digamma"), (1.0, 1.0, "pi^2/6"), (1.0, 0.5, "pi^2/2"), (1.0, 1e-10, "near the pole"), (1.0, 1e10, "large"), (1.0, 1e300, "huge, derivative underflows"), (2.0, 1.0, "-2 zeta(3)"), (2.0, 0.1, "small"), (3.0, 4.5, "ordinary"), (5.0, 20.0, "ordinary"),
        (10.0, 3.0, "high order"), (4.0, 100.0, "large"), (1.0, 25.7, "ordinary")]],
}
