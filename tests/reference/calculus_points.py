"""The points of the operators that only derivatives are made of (family calculus): op -> [(arguments, why this point)] for scalar.py's forms
in FORMULAS and for special.py's functions, whose orders come first, in FUNCTIONS; the hand table of their edges as in scalar_edges.py."""
from math import inf, nan, nextafter

TINY, SUB, MAX = 5e-324, 1e-310, 1.7976931348623157e308
BELOW_1, ABOVE_1 = nextafter(1, 0), nextafter(1, 2)
ZERO, NAN, DOMAIN, ORDER, POLE = "rule 1: structural zero", "NaN operand", "rule 4: domain error", "no order", "rule 2: pole"


def each(*pairs):
    return [((x,), note) for x, note in pairs]


FORMULAS = {
    "chain_multiply": [((0.1, 3.0), "classic rounding"), ((ABOVE_1, ABOVE_1), "product ends 2^-104 above"), ((1e200, 1e200), "overflow"), ((1e-200, -1e-200), "underflow"), ((1e-160, 1e-160), "subnormal result"), ((TINY, 1.5), "tie to the even multiple"),
                       ((-7.5, 0.3), "negative"), ((MAX, 0.5), "largest")],
    "chain_divide": [((1.0, 3.0), "classic rounding"), ((2.0, -3.0), "negative"), ((BELOW_1, ABOVE_1), "near 1, both sides"), ((1e300, 1e-300), "overflow"), ((1e-300, 1e300), "underflow"), ((1e-300, 1e-300), "a*a would underflow in the partials"),
                     ((1e300, 1e200), "b*b would overflow in the partial"), ((1e22, 7.0), "large"), ((1e-300, 1e10), "subnormal result")],
    "sech2": each((0.0, "extremum"), (1e-300, "tiny"), (1e-8, "next to 1"), (0.5, "ordinary"), (-1.0, "negative"), (20.0, "1 - tanh^2 loses all digits"), (-19.0, "1 - tanh^2 loses all digits"), (350.0, "exp(2x) is near overflow"), (372.0, "subnormal"), (400.0, "underflow"),
                  (711.0, "cosh overflows")),
    "nonnegative": each((0.5, "ordinary"), (0.0, "zero"), (-0.0, "-0.0 becomes 0.0"), (TINY, "least subnormal"), (MAX, "largest"), (1e-300, "small")),
    "same": [((1.0, 1.0), "equal"), ((1.0, ABOVE_1), "neighbours"), ((0.0, -0.0), "signed zeros are equal"), ((TINY, 0.0), "least subnormal is not zero"), ((inf, inf), "equal infinities"), ((inf, -inf), "opposite infinities"), ((-2.5, -2.5), "negative")],
}

FUNCTIONS = {
    "sinc_derivative": [((1.0, 1.0), "an integer"), ((1.0, 1e-8), "small"), ((1.0, -7.3), "negative"), ((2.0, 0.0), "even at 0"), ((3.0, 0.0), "odd at 0"), ((2.0, 2.0), "an integer"), ((3.0, 0.5), "ordinary"), ((4.0, 1e-300), "tiny"), ((5.0, 100.25), "far"), ((8.0, 3.7), "high"),
                        ((16.0, 1.5), "high"), ((40.0, 2.5), "very high"), ((0.0, 0.3), "sinc itself")],
    "erfcx_derivative": [((0.0, 1.0), "erfcx itself"), ((1.0, 0.0), "at 0"), ((1.0, 10.0), "tail: 2xy - 2/sqrt(pi) loses two digits"), ((1.0, 1e8), "tail: loses all digits"), ((2.0, 1e3), "tail"), ((3.0, -2.0), "grows"), ((2.0, -25.0), "near overflow"), ((5.0, 0.5), "ordinary"), ((6.0, 30.0), "tail"),
                         ((12.0, 2.0), "high"), ((1.0, 1e-300), "tiny")],
    "log_ndtr_derivative": [((0.0, -3.0), "log_ndtr itself"), ((1.0, 0.0), "at 0"), ((1.0, -38.0), "Phi is subnormal"), ((2.0, -1e3), "Phi underflows"), ((2.0, 1.0), "ordinary"), ((3.0, -5.0), "cancels"), ((4.0, 0.5), "ordinary"), ((6.0, -2.0), "high"), ((1.0, 8.0), "tail"), ((2.0, 20.0), "far tail"),
                            ((3.0, -1.0), "next to the seam")],
    "ndtri_slope": each((0.3, "ordinary"), (0.5, "extremum"), (0.25, "a switch"), (0.75, "a switch"), (1e-10, "tail: exp(y*y/2) loses digits"), (1e-100, "tail"), (1e-300, "far tail"), (0.999, "upper tail"), (BELOW_1, "next to the pole"), (0.5 + 1e-10, "next to the extremum")),
    "polygamma_difference": [((0.0, 1.0, 1.0), "one"), ((0.0, 1e10, 0.5), "cancels"), ((1.0, 2.5, 1e-10), "cancels"), ((2.0, 0.5, 3.0), "ordinary"), ((0.0, 1e-3, 1e6), "far apart"), ((3.0, 10.0, 0.25), "ordinary"), ((1.0, 1e8, 1.0), "large"), ((5.0, 1.5, 2.5), "high"), ((0.0, 2.0, 1e-200), "nearly nothing")],
    "gammainc_derivative": [((0.0, 0.0, 3.0, 2.9), "gammainc itself"), ((1.0, 0.0, 1.0, 1.0), "by a"), ((0.0, 1.0, 2.5, 0.5), "the density"), ((1.0, 0.0, 3.0, 10.0), "upper tail"), ((2.0, 0.0, 0.5, 2.0), "twice by a"), ((0.0, 2.0, 15.5, 20.0), "slope of the density"), ((1.0, 1.0, 2.0, 3.0), "mixed"),
                            ((2.0, 1.0, 5.0, 4.0), "mixed"), ((0.0, 3.0, 0.3, 0.7), "near the pole of the density"), ((3.0, 0.0, 2.0, 1.5), "three times by a"), ((1.0, 0.0, 100.0, 90.0), "large")],
    "betainc_derivative": [((0.0, 0.0, 0.0, 2.0, 3.0, 0.4), "betainc itself"), ((1.0, 0.0, 0.0, 2.0, 3.0, 0.4), "by a"), ((0.0, 1.0, 0.0, 0.5, 0.5, 0.375), "by b, arcsine"), ((0.0, 0.0, 1.0, 2.0, 3.0, 0.4), "the density"), ((0.0, 0.0, 2.0, 5.0, 0.5, 0.875), "slope of the density"),
                           ((1.0, 1.0, 0.0, 2.0, 2.0, 0.3), "mixed"), ((1.0, 0.0, 1.0, 3.0, 1.5, 0.2), "mixed"), ((2.0, 0.0, 0.0, 1.5, 4.0, 0.25), "twice by a"), ((0.0, 2.0, 0.0, 10.0, 12.0, 0.45), "twice by b")],
    "jn": [((2.0, 1.0), "ordinary"), ((5.0, 0.125), "small"), ((-3.0, 2.0), "negative order"), ((10.0, 25.0), "ordinary"), ((2.0, 1e5), "large"), ((0.0, 2.404825557695773), "next to a zero"), ((1.0, -2.0), "negative"), ((4.0, -7.5), "negative"), ((20.0, 10.0), "order above the argument"), ((60.0, 50.0), "high order")],
    "yn": [((2.0, 1.0), "ordinary"), ((5.0, 0.5), "small"), ((-3.0, 2.0), "negative order"), ((10.0, 25.0), "ordinary"), ((2.0, 1e5), "large"), ((0.0, 0.8935769662791675), "next to a zero"), ((3.0, 100.0), "ordinary"), ((20.0, 10.0), "order above the argument"), ((7.0, 1e-3), "near the pole")],
    "i0e_derivative": [((0.0, 1.0), "i0e itself"), ((1.0, 1.0), "ordinary"), ((1.0, 1e5), "tail: cancels"), ((2.0, 50.0), "a switch"), ((3.0, -2.0), "negative"), ((4.0, 10.0), "ordinary"), ((2.0, 1e-8), "next to the kink"), ((1.0, -1e-8), "next to the kink"), ((6.0, 0.5), "high"), ((10.0, 3.0), "very high")],
    "i1e_derivative": [((0.0, 1.0), "i1e itself"), ((1.0, 1.0), "ordinary"), ((1.0, 1e5), "tail: cancels"), ((2.0, 50.0), "a switch"), ((3.0, -2.0), "negative"), ((4.0, 10.0), "ordinary"), ((2.0, 1e-8), "next to the kink"), ((1.0, -1e-8), "next to the kink"), ((6.0, 0.5), "high"), ((10.0, 3.0), "very high")],
}

EDGES = [
    *[("chain_multiply", [0.0, x], "0.0", [None if x != x else str(x) if x == inf else "-inf", "0.0"], ZERO) for x in (inf, -inf, nan)], ("chain_multiply", [-0.0, -3.0], "0.0", ["-3", "0.0"], ZERO + ", always positive"), ("chain_multiply", [nan, 0.0], "0.0", ["0.0", None], ZERO),
    ("chain_multiply", [nan, 2.0], "nan", ["2", "nan"], NAN), ("chain_multiply", [inf, 2.0], "inf", ["2", "inf"], "limit"), ("chain_multiply", [0.0, 0.0], "0.0", ["0.0", "0.0"], ZERO),
    ("chain_divide", [0.0, 0.0], "0.0", [None, "0.0"], ZERO), ("chain_divide", [0.0, nan], "0.0", [None, "0.0"], ZERO), ("chain_divide", [-0.0, 3.0], "0.0", ["1/3", "0.0"], ZERO + ", always positive"), ("chain_divide", [1.0, 0.0], "inf", ["inf", "-inf"], POLE), ("chain_divide", [nan, 2.0], "nan", ["1/2", "nan"], NAN),
    ("chain_divide", [1.0, inf], "0.0", ["0.0", "0.0"], "limit"),
    ("sech2", [inf], "0.0", ["0.0"], "limit"), ("sech2", [-inf], "0.0", ["0.0"], "limit"), ("sech2", [nan], "nan", ["nan"], NAN),
    ("nonnegative", [-1.0], "nan", ["1"], DOMAIN), ("nonnegative", [-TINY], "nan", ["1"], DOMAIN), ("nonnegative", [nan], "nan", ["1"], NAN), ("nonnegative", [inf], "inf", ["1"], "limit"), ("nonnegative", [-inf], "nan", ["1"], DOMAIN),
    ("same", [nan, nan], "1", ["0.0", "0.0"], "two NaNs are the same"), ("same", [nan, 1.0], "0.0", ["0.0", "0.0"], NAN), ("same", [1.0, nan], "0.0", ["0.0", "0.0"], NAN),
    # an order that is no constant has the partial 0; what is no order gives NaN
    ("sinc_derivative", [2.0, 0.0], "-pi**2/3", ["0.0", "0.0"], "order as an input"), ("erfcx_derivative", [1.0, 0.0], "-2/sqrt(pi)", ["0.0", "2"], "order as an input"), ("log_ndtr_derivative", [1.0, 0.0], "sqrt(2/pi)", ["0.0", "-2/pi"], "order as an input"),
    ("i0e_derivative", [0.0, 0.0], "1", ["0.0", "0.0"], "rule 3: kink"), ("i1e_derivative", [1.0, 0.0], "1/2", ["0.0", "0.0"], "at 0 the mean of both sides"), ("jn", [2.0, 0.0], "0.0", ["0.0", "0.0"], "order as an input"), ("jn", [1.0, 0.0], "0.0", ["0.0", "1/2"], "order as an input"),
    ("polygamma_difference", [0.0, 1.0, 1.0], "1", ["0.0", "-1", "pi**2/6 - 1"], "order as an input"), ("gammainc_derivative", [0.0, 1.0, 1.0, 2.0], "exp(-2)", ["0.0", "0.0", None, "-exp(-2)"], "orders as inputs"), ("betainc_derivative", [0.0, 0.0, 1.0, 1.0, 1.0, 0.25], "1", ["0.0", "0.0", "0.0", None, None, "0.0"], "orders as inputs"),
    *[(op, [0.5, 1.0], "nan", ["0.0", "nan"], ORDER) for op in ("sinc_derivative", "erfcx_derivative", "log_ndtr_derivative", "i0e_derivative", "i1e_derivative", "jn", "yn")], *[(op, [-1.0, 1.0], "nan", ["0.0", None], ORDER) for op in ("sinc_derivative", "erfcx_derivative", "i0e_derivative")],
    *[(op, [1.0, nan], "nan", ["0.0", "nan"], NAN) for op in ("sinc_derivative", "erfcx_derivative", "log_ndtr_derivative", "i0e_derivative", "i1e_derivative", "jn", "yn")], ("yn", [2.0, 0.0], "-inf", ["0.0", "inf"], POLE), ("yn", [1.0, -1.0], "nan", ["0.0", "nan"], DOMAIN),
    ("ndtri_slope", [0.0], "inf", ["-inf"], POLE), ("ndtri_slope", [1.0], "inf", ["inf"], POLE), ("ndtri_slope", [-0.5], "nan", ["nan"], DOMAIN), ("ndtri_slope", [nan], "nan", ["nan"], NAN),
]
