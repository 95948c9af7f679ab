"""The points of special.py: op -> [(arguments, why this point)], and the hand table of its edges as in scalar_edges.py."""
from math import inf, nan, nextafter

TINY, SUB = 5e-324, 1e-310
BELOW_1 = nextafter(1, 0)
POLE, SCIPY, LIMIT, NAN, DOMAIN = "rule 2: pole", "rule 4: SciPy's value at the pole; partial open", "limit", "NaN operand", "rule 4: domain error"


def each(*pairs):
    return [((x,), note) for x, note in pairs]


POINTS = {
    "erfcx": each((0.0, "one"), (1e-300, "tiny"), (-1e-8, "small"), (0.49, "below a switch"), (0.51, "above a switch"), (1.0, "ordinary"), (-2.0, "grows"), (-26.0, "near overflow"), (10.0, "tail: 2xy - 2/sqrt(pi) loses two digits"),
                  (1e3, "tail: loses six digits"), (1e8, "tail: loses all digits"), (1e150, "x*x overflows"), (1e300, "far tail, derivative underflows")),
    "log_ndtr": each((0.0, "log of one half"), (1e-300, "tiny"), (1.0, "ordinary"), (-1.0, "a switch"), (-0.5, "a switch"), (0.6, "a switch"), (-3.0, "ordinary"), (-38.0, "Phi is subnormal"), (-1e3, "Phi underflows, its second derivative is near -1"),
                     (-1e10, "far tail"), (8.0, "tail: -Phi(-8)"), (20.0, "far tail"), (38.5, "subnormal"), (40.0, "underflow")),
    "erfinv": each((1e-300, "tiny"), (TINY, "least subnormal"), (-1e-9, "a switch"), (0.05, "series"), (0.1, "a switch"), (-0.3, "ordinary"), (0.5, "a switch"), (0.75, "ordinary"), (-0.999, "tail"), (1 - 1e-10, "far tail"), (BELOW_1, "next to the pole"),
                   (-BELOW_1, "next to the pole")),
    "ndtri": each((0.3, "ordinary"), (0.25, "a switch"), (0.75, "a switch"), (0.5 + 1e-10, "next to the zero"), (0.49999999999999994, "next to the zero"), (1e-10, "tail"), (1e-100, "tail: exp(y*y/2) loses two digits"), (1e-300, "tail: loses three digits"),
                  (TINY, "least subnormal, derivative overflows"), (0.999, "upper tail"), (BELOW_1, "next to the pole"), (0.02, "ordinary")),
    "gamma": each((1.0, "one"), (5.0, "an integer"), (0.5, "sqrt pi"), (1e-300, "derivative overflows"), (1e-10, "near the pole"), (1.4616321449683623, "minimum: derivative near its zero"), (10.3, "ordinary"), (16.0, "a switch"), (171.5, "near overflow"),
                  (-0.5, "negative"), (-1.5, "negative"), (-10.3, "negative"), (-1 - 1e-10, "near a pole"), (-100.5, "tiny"), (-0.504083008264455, "derivative near its zero"), (-170.5, "subnormal")),
    "beta": [((1.0, 1.0), "one"), ((2.0, 3.0), "1/12"), ((0.5, 0.5), "pi"), ((1e-10, 2.0), "near the pole"), ((1e-80, 1e-80), "small"), ((1e10, 0.5), "psi(a) - psi(a + b) cancels"), ((1e8, 3.0), "log gamma cancels"), ((200.0, 300.0), "gamma overflows"),
             ((16.0, 15.5), "a switch"), ((3.0, 1e-12), "the smaller is nearly nothing"), ((-0.5, 1.5), "negative"), ((-2.3, 5.1), "negative"), ((-1.2, -2.4), "both negative"), ((2.5, -7.25), "negative sum")],
    "betaln": [((1.0, 1.0), "zero"), ((2.0, 3.0), "-log 12"), ((0.5, 0.5), "log pi"), ((1e-150, 2.0), "near the pole"), ((1e10, 0.5), "psi(a) - psi(a + b) cancels"), ((1e15, 3.0), "log gamma cancels"), ((1e10, 2e10), "beta underflows"), ((200.0, 300.0), "large"),
               ((16.0, 15.5), "a switch"), ((1.0 + 1e-8, 1.0), "near the zero"), ((-0.5, 1.5), "negative"), ((-2.3, 5.1), "negative"), ((-1.2, -2.4), "both negative")],
    "gammainc": [((1.0, 1.0), "1 - 1/e"), ((0.5, 2.0), "erf sqrt 2"), ((2.0, 1e-10), "small x"), ((3.0, 2.9), "below a"), ((3.0, 3.1), "above a"), ((1e-10, 0.5), "small a"), ((0.3, 0.9999), "both below 1"), ((0.9, 1.0), "a switch"), ((15.5, 20.0), "below Stirling's switch"),
                 ((16.5, 9.0), "above Stirling's switch"), ((1000.0, 1010.0), "transition"), ((1000.0, 900.0), "lower tail"), ((200.0, 40.0), "far lower tail"), ((5.0, 60.0), "far upper tail"), ((1e4, 1e4), "large, at the mean"), ((0.01, 1e-100), "slow tail at 0")],
    "gammaincc": [((1.0, 1.0), "1/e"), ((0.5, 2.0), "erfc sqrt 2"), ((2.0, 1e-10), "near 1"), ((3.0, 2.9), "below a"), ((3.0, 3.1), "above a"), ((1e-10, 0.5), "small a: a times an exponential integral"), ((1e-5, 1e-50), "small a and x"), ((0.3, 0.9999), "both below 1"),
                  ((0.9, 1.0), "a switch"), ((15.5, 20.0), "below Stirling's switch"), ((16.5, 30.0), "above Stirling's switch"), ((1000.0, 1010.0), "transition"), ((1000.0, 1200.0), "upper tail"), ((5.0, 100.0), "far upper tail"), ((1e-10, 700.0), "small a, far tail")],
    "betainc": [((1.0, 1.0, 0.3), "uniform"), ((2.0, 3.0, 0.4), "at the mean"), ((2.0, 3.0, 0.41), "above the mean"), ((0.5, 0.5, 0.5), "arcsine"), ((0.3, 4.0, 1e-10), "small x"), ((5.0, 0.2, 0.999), "near 1, small b"), ((1e-8, 3.0, 0.2), "small a"),
                ((1e-6, 1e-5, 0.7), "both small"), ((5.0, 1e-9, 0.9999), "small b: all mass at 1"), ((100.0, 120.0, 0.45), "transition"), ((100.0, 120.0, 0.2), "lower tail"), ((15.9, 40.0, 0.3), "below Stirling's switch"), ((1000.0, 3.0, 0.995), "skewed"),
                ((0.7, 300.0, 0.004), "skewed, small a")],
    "j0": each((1e-300, "tiny: derivative -x/2"), (1e-8, "next to 1"), (1.0, "ordinary"), (2.404825557695773, "next to a zero"), (-3.0, "negative"), (3.8317059702075125, "derivative next to a zero"), (5.520078110286311, "next to a zero"), (25.0, "ordinary"),
               (100.0, "ordinary"), (1e5, "large"), (1e10, "large"), (1e22, "huge")),
    "j1": each((1e-300, "tiny"), (1e-8, "small: derivative 1/2"), (1.0, "ordinary"), (-2.0, "negative"), (1.8411837813406593, "derivative next to a zero"), (3.8317059702075125, "next to a zero"), (7.015586669815619, "next to a zero"), (25.0, "ordinary"),
               (100.0, "ordinary"), (1e5, "large"), (1e10, "large"), (1e22, "huge")),
    "y0": each((1e-300, "near the pole"), (1e-8, "small"), (0.5, "ordinary"), (0.8935769662791675, "next to a zero"), (2.197141326031017, "derivative next to a zero"), (3.957678419314858, "next to a zero"), (25.0, "ordinary"), (100.0, "ordinary"), (1e5, "large")),
    "y1": each((1e-300, "near the pole"), (1e-8, "small"), (0.5, "ordinary"), (2.197141326031017, "next to a zero"), (3.6830228565851777, "derivative next to a zero"), (5.429681040794135, "next to a zero"), (25.0, "ordinary"), (100.0, "ordinary"), (1e5, "large")),
    "i0e": each((1e-300, "tiny"), (1e-8, "next to the kink"), (-1e-8, "next to the kink"), (1.0, "ordinary"), (-2.0, "negative"), (10.0, "I1 - I0 loses a digit"), (50.0, "a switch"), (50.5, "above the switch"), (1e5, "loses five digits"), (1e10, "loses ten digits"),
                (-1e8, "negative tail")),
    "i1e": each((1e-300, "tiny"), (1e-8, "small"), (-1e-8, "small"), (1.0, "ordinary"), (1.5451, "derivative near its zero"), (-2.0, "negative"), (5.0, "a switch"), (10.0, "ordinary"), (50.0, "a switch"), (50.5, "above the switch"), (1e5, "tail"), (1e10, "far tail"),
                (-1e8, "negative tail")),
}

EDGES = [
    *[(op, [nan], "nan", ["nan"], NAN) for op in ("erfcx", "log_ndtr", "erfinv", "ndtri", "gamma", "j0", "j1", "y0", "y1", "i0e", "i1e")],
    ("erfcx", [inf], "0.0", ["0.0"], LIMIT), ("erfcx", [-inf], "inf", ["-inf"], LIMIT), ("erfcx", [-27.0], "inf", ["-inf"], "overflow"),
    ("log_ndtr", [inf], "0.0", ["0.0"], LIMIT, {"any_zero_sign": True}), ("log_ndtr", [-inf], "-inf", ["inf"], LIMIT),
    ("erfinv", [1.0], "inf", ["inf"], POLE), ("erfinv", [-1.0], "-inf", ["inf"], POLE), ("erfinv", [0.0], "0.0", ["sqrt(pi)/2"], "zero"), ("erfinv", [1.5], "nan", ["nan"], DOMAIN), ("erfinv", [-inf], "nan", ["nan"], DOMAIN),
    ("ndtri", [0.0], "-inf", ["inf"], POLE), ("ndtri", [1.0], "inf", ["inf"], POLE), ("ndtri", [0.5], "0.0", ["sqrt(2*pi)"], "zero"), ("ndtri", [-0.1], "nan", ["nan"], DOMAIN), ("ndtri", [1.1], "nan", ["nan"], DOMAIN),
    ("gamma", [0.0], "inf", ["-inf"], SCIPY), ("gamma", [-0.0], "-inf", [None], SCIPY), ("gamma", [-1.0], "nan", [None], SCIPY), ("gamma", [-2.0], "nan", [None], SCIPY), ("gamma", [inf], "inf", ["inf"], LIMIT), ("gamma", [172.0], "inf", ["inf"], "overflow"),
    ("beta", [0.0, 1.0], "inf", [None, None], SCIPY), ("beta", [-1.0, 1.0], "-1", [None, None], SCIPY), ("beta", [-3.0, 2.0], "1/6", [None, None], SCIPY), ("beta", [-0.5, 0.5], "0.0", [None, None], SCIPY, {"any_zero_sign": True}), ("beta", [nan, 1.0], "nan", ["nan", "nan"], NAN),
    ("betaln", [0.0, 1.0], "inf", [None, None], SCIPY), ("betaln", [-0.5, 0.5], "-inf", [None, None], SCIPY), ("betaln", [nan, 1.0], "nan", ["nan", "nan"], NAN),
    ("gammainc", [0.0, 1.0], "1", [None, "0.0"], SCIPY), ("gammainc", [0.0, 0.0], "nan", ["nan", "nan"], SCIPY), ("gammainc", [1.0, 0.0], "0.0", ["0.0", "1"], "the density at 0"), ("gammainc", [2.0, 0.0], "0.0", ["0.0", "0.0"], "the density at 0"),
    ("gammainc", [0.5, 0.0], "0.0", ["0.0", "inf"], POLE), ("gammainc", [1.0, inf], "1", ["0.0", "0.0"], LIMIT), ("gammainc", [-1.0, 1.0], "nan", ["nan", "nan"], DOMAIN), ("gammainc", [1.0, -1.0], "nan", ["nan", "nan"], DOMAIN),
    ("gammaincc", [1.0, 0.0], "1", ["0.0", "-1"], "the density at 0"), ("gammaincc", [0.5, 0.0], "1", ["0.0", "-inf"], POLE), ("gammaincc", [1.0, inf], "0.0", ["0.0", "0.0"], LIMIT), ("gammaincc", [-1.0, 1.0], "nan", ["nan", "nan"], DOMAIN),
    ("betainc", [1.0, 2.0, 0.0], "0.0", ["0.0", "0.0", "2"], "the density at 0"), ("betainc", [2.0, 1.0, 1.0], "1", ["0.0", "0.0", "2"], "the density at 1"), ("betainc", [0.5, 3.0, 0.0], "0.0", ["0.0", "0.0", "inf"], POLE),
    ("betainc", [0.0, 1.0, 0.5], "1", [None, None, "0.0"], SCIPY), ("betainc", [1.0, 1.0, 1.5], "nan", ["nan", "nan", "nan"], DOMAIN), ("betainc", [-1.0, 1.0, 0.5], "nan", ["nan", "nan", "nan"], DOMAIN),
    ("j0", [0.0], "1", ["0.0"], "extremum"), ("j1", [0.0], "0.0", ["1/2"], "zero"), ("j0", [inf], "0.0", ["0.0"], LIMIT), ("j1", [-inf], "0.0", ["0.0"], LIMIT, {"any_zero_sign": True}),
    ("y0", [0.0], "-inf", ["inf"], POLE), ("y1", [0.0], "-inf", ["inf"], POLE), ("y0", [-1.0], "nan", ["nan"], DOMAIN), ("y1", [-1.0], "nan", ["nan"], DOMAIN), ("y0", [inf], "0.0", ["0.0"], LIMIT),
    ("i0e", [0.0], "1", ["0.0"], "rule 3: kink"), ("i0e", [inf], "0.0", ["0.0"], LIMIT), ("i1e", [0.0], "0.0", ["1/2"], "zero"), ("i1e", [-inf], "0.0", ["0.0"], LIMIT, {"any_zero_sign": True}),
]
