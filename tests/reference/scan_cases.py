"""Requests of spreads, running sums and products, sorting, polynomials and tables of knots."""
from tensor_cases import AXES, M23, NEAR, T222, T232, V3, V4, case, on_x, op

NAN, INF = "NaN", "Infinity"
XP, FP = [-1.0, 0.0, 0.5, 2.0], [2.0, -1.0, 0.5, 4.5]

SPREADS = [on_x(f"{kind}, {label}", T232, kind, **attributes) for kind in ("var", "std") for label, attributes in AXES]
SPREADS += [on_x(f"{kind}, {label}", x, kind, bound, shapes={"x": sizes} if sizes else None, **attributes) for kind in ("var", "std") for label, x, bound, attributes, sizes in [
    ("correction 1", V4, NEAR, {"correction": 1}, None), ("correction one half", V4, NEAR, {"correction": 0.5}, None), ("negative correction, axis", M23, NEAR, {"correction": -1, "axis": 1}, None),
    ("constant", [0.1, 0.1, 0.1], "exact", {}, None), ("constant rows", [[0.7, 0.7, 0.7], [1e300, 1e300, 1e300]], "exact", {"axis": 1}, None), ("one element", [3.5], "exact", {}, None),
    ("one element, correction 1", [3.5], "exact", {"correction": 1}, None), ("too few for the correction", [1.0, 4.0], "exact", {"correction": 2}, None), ("fewer still", [1.0, 4.0], "exact", {"correction": 3.5}, None),
    ("nearly constant, far from 0", [1e8, 1e8 + 1.0, 1e8 - 1.0], NEAR, {}, None), ("NaN", [1.0, NAN], "exact", {}, None), ("NaN in one row", [[1.0, NAN], [1.0, 2.0]], NEAR, {"axis": 1}, None),
    ("nothing", [], "exact", {}, None), ("an empty axis", [[], []], "exact", {"axis": 1}, None), ("scalar", 2.5, "exact", {}, None)]]
SPREADS += [
    on_x("std, squares overflow", [1e200, -1e200, 3e200], "std"),
    on_x("std, squares underflow", [1e-200, -1e-200, 3e-200], "std"),
    on_x("std of equals", [0.3, 0.3, 0.3], "std", "exact", "0.0", ["0.0"] * 3, "rule 3: 0 where it is 0, as a norm"),
    case("standard score", {"x": V4}, op("divide", op("subtract", "x", op("mean", "x", keepdims=True)), op("std", "x", keepdims=True, correction=1))),
]

RUNNING = [on_x(f"{kind}, {label}", x, kind, bound if kind == "cumulative_sum" else NEAR, **attributes) for kind in ("cumulative_sum", "cumulative_prod") for label, x, bound, attributes in [
    ("vector", V4, NEAR, {}), ("axis 0", M23, NEAR, {"axis": 0}), ("axis -1", M23, NEAR, {"axis": -1}), ("middle axis", T232, "exact", {"axis": 1}), ("reverse", V4, NEAR, {"reverse": True}),
    ("reverse, axis 1", T222, NEAR, {"axis": 1, "reverse": True}), ("one element", [7.0], "exact", {}), ("nothing", [], "exact", {}), ("an empty axis beside another", [[], []], "exact", {"axis": 0}), ("axis of one", [[1.5], [2.5]], "exact", {"axis": 1}),
    ("NaN in the middle", [1.0, NAN, 3.0], "exact", {})]]
RUNNING += [
    on_x("cumulative_sum through infinity", [1.0, INF, 2.0, "-Infinity", 3.0], "cumulative_sum", "exact"),
    on_x("cumulative_prod, a zero", [2.0, 0.0, 5.0, 3.0], "cumulative_prod", "exact", ["2.0", "0.0", "0.0", "0.0"],
         [["1.0", "0.0", "0.0", "0.0"], ["0.0", "2.0", "0.0", "0.0"], ["0.0", "10.0", "0.0", "0.0"], ["0.0", "30.0", "0.0", "0.0"]], "never y/x"),
    on_x("cumulative_prod, two zeros", [0.0, 3.0, 0.0, 2.0], "cumulative_prod", "exact", None,
         [["1.0", "0.0", "0.0", "0.0"], ["3.0", "0.0", "0.0", "0.0"], ["0.0", "0.0", "0.0", "0.0"], ["0.0", "0.0", "0.0", "0.0"]], "never y/x"),
    on_x("cumulative_prod, a zero and infinity", [0.0, INF], "cumulative_prod", "exact", ["0.0", "nan"], [["1.0", "0.0"], ["inf", "0.0"]], "rule 1 in the derivative, IEEE in the value"),
    on_x("cumulative_prod, overflow and back", [1e200, 1e-300, 1e200, 1e-50], "cumulative_prod"),
    case("cumulative_prod times cumulative_sum", {"x": V4}, op("multiply", op("cumulative_prod", "x"), op("cumulative_sum", "x", reverse=True))),
    case("cumulative_sum of cumulative_sum", {"x": V4}, op("cumulative_sum", op("cumulative_sum", "x"))),
]

RECURRENCES = [case(f"linear_recurrence, {label}", {"a": a, "b": b}, op("linear_recurrence", "a", "b", **attributes), bound) for label, a, b, bound, attributes in [
    ("vectors", V4, [1.0, 2.0, -0.5, 0.25], NEAR, {}), ("reverse", V4, [1.0, 2.0, -0.5, 0.25], NEAR, {"reverse": True}), ("one factor for all", 0.5, V4, NEAR, {}), ("factors for rows", [[0.5], [2.0]], M23, NEAR, {"axis": 1}),
    ("one addend for all", V3, 2.0, NEAR, {}), ("axis 0, factors for columns", V3, M23, NEAR, {"axis": 0}), ("zeros", [3.0, 0.0, 2.0, 0.0], V4, NEAR, {}), ("one element", [5.0], [2.0], "exact", {}), ("nothing", [], [], "exact", {}),
    ("addends broadcast", M23, [[1.5], [0.5]], NEAR, {"axis": 1, "reverse": True})]]
RECURRENCES += [
    case("linear_recurrence, chain of a zero and infinity", {"a": [1.0, INF, 2.0], "b": [0.0, 3.0, 1.0]}, op("linear_recurrence", "a", "b", chain=True), "exact", value={"y": ["0.0", "3.0", "7.0"]}),
]

SORTS = [on_x(f"sort, {label}", x, "sort", "exact", **attributes) for label, x, attributes in [
    ("vector", V4, {}), ("descending", V4, {"descending": True}), ("axis 0", M23, {"axis": 0}), ("axis -1 of three", T232, {}), ("middle axis, descending", T232, {"axis": 1, "descending": True}), ("one element", [3.0], {}),
    ("nothing", [], {}), ("an empty axis beside another", [[], []], {"axis": 0}), ("infinities", [INF, 1.0, "-Infinity"], {}), ("sorted already", [1.0, 2.0, 3.0], {}), ("backwards", [3.0, 2.0, 1.0], {})]]
SORTS += [
    on_x("sort, two of three tie", [2.0, 1.0, 2.0], "sort", "exact", ["1.0", "2.0", "2.0"], [["0.0", "1.0", "0.0"], ["0.5", "0.0", "0.5"], ["0.5", "0.0", "0.5"]], "rule 3: ties share"),
    on_x("sort, all tie, descending", [3.0, 3.0], "sort", "exact", ["3.0", "3.0"], [["0.5", "0.5"], ["0.5", "0.5"]], "rule 3: ties share", descending=True),
    on_x("sort, zeros of both signs tie", [0.0, -0.0, -1.0], "sort", "exact", None, [["0.0", "0.0", "1.0"], ["0.5", "0.5", "0.0"], ["0.5", "0.5", "0.0"]], "rule 3: ties share"),
    on_x("sort, NaN is the largest", [NAN, 2.0, NAN, 1.0], "sort", "exact", ["1.0", "2.0", "nan", "nan"],
         [["0.0", "0.0", "0.0", "1.0"], ["0.0", "1.0", "0.0", "0.0"], ["0.5", "0.0", "0.5", "0.0"], ["0.5", "0.0", "0.5", "0.0"]], "rule 4: NaN takes the derivative of where it stands"),
    on_x("sort, NaN, descending", [1.0, NAN, 2.0], "sort", "exact", ["nan", "2.0", "1.0"], [["0.0", "1.0", "0.0"], ["0.0", "0.0", "1.0"], ["1.0", "0.0", "0.0"]], "NaN is the largest", descending=True),
    case("sort of one twice", {"x": 2.0}, op("sort", op("stack", "x", "x")), "exact", jacobian={"y": {"x": ["1.0", "1.0"]}}, note="rule 3: d sort(x, x)/dx = 1"),
    case("sort, a trimmed mean", {"x": [3.0, -7.0, 1.5, 2.5, 90.0]}, op("mean", op("slice", op("sort", "x"), start=[1], stop=[-1]))),
    case("sort, products of order statistics", {"x": V4}, op("cumulative_prod", op("sort", op("sin", "x")))),
    case("take_sorted", {"x": [2.0, 1.0, 2.0], "v": [10.0, 20.0, 30.0]}, op("take_sorted", "x", "v"), "exact", value={"y": ["20.0", "20.0", "20.0"]}),
    case("put_sorted", {"x": [3.0, 1.0, 2.0], "v": [10.0, 20.0, 30.0]}, op("put_sorted", "x", "v"), "exact", value={"y": ["30.0", "10.0", "20.0"]}),
]
SORTS += [case(f"{kind}, {label}", {"x": x, "v": v}, op(kind, "x", "v", **attributes), "exact") for kind in ("take_sorted", "put_sorted") for label, x, v, attributes in [
    ("distinct", [3.0, 1.0, 2.0], [10.0, 20.0, 30.0], {}), ("descending", [3.0, 1.0, 2.0], [10.0, 20.0, 30.0], {"descending": True}), ("two tie", [1.0, 2.0, 1.0], [10.0, 20.0, 40.0], {}), ("axis 0", M23, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], {"axis": 0}),
    ("nothing", [], [], {}), ("one", [3.0], [5.0], {}), ("NaN among the keys", [NAN, 1.0, NAN], [10.0, 20.0, 40.0], {}), ("infinity among the values", [2.0, 1.0], [INF, 1.0], {}), ("middle axis", T232, T232, {"axis": 1})]]

POLYNOMIALS = [case(f"polyval, {label}", {"c": c, "x": x}, op("polyval", "c", "x"), bound) for label, c, x, bound in [
    ("scalar", [2.0, -3.0, 0.5], 1.5, NEAR), ("vector", [2.0, -3.0, 0.5, 1.0], V3, NEAR), ("matrix", [0.5, -1.0], M23, NEAR), ("at 0", [2.0, -3.0, 0.5], 0.0, "exact"), ("constant", [4.0], V3, "exact"),
    ("no coefficients", [], V3, "exact"), ("nowhere", [1.0, 2.0], [], "exact"), ("at NaN", [1.0, 2.0], [NAN, 1.0], "exact"), ("at its double root", [1.0, -2.0, 1.0], 1.0, "exact"), ("leading zero", [0.0, 3.0, 1.0], [2.0, -1.0], "exact"),
    ("high degree", [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 0.9, -1.0], [0.9, -1.1], NEAR)]]
POLYNOMIALS += [
    case("polyval with constant coefficients", {"x": V4}, op("polyval", {"const": [1.0, 0.0, -2.0, 5.0]}, op("sin", "x"))),
    case("polyval, one variable in both", {"x": 0.75}, op("polyval", op("stack", "x", op("square", "x"), 1.0), "x")),
]

TABLES = [on_x(f"interp, {label}", x, "interp", bound, value, jacobian, note, xp=xp, fp=fp) for label, x, bound, value, jacobian, note, xp, fp in [
    ("inside", [-0.5, 0.25, 1.0], NEAR, None, None, None, XP, FP), ("beyond the ends", [-3.0, 7.0], "exact", ["2.0", "4.5"], [["0.0", "0.0"], ["0.0", "0.0"]], None, XP, FP),
    ("at the ends", [-1.0, 2.0], "exact", ["2.0", "4.5"], [["0.0", "0.0"], ["0.0", "0.0"]], "rule 3: one side is flat", XP, FP), ("at a valley", 0.0, "exact", "-1.0", "0.0", "rule 3: the signs differ", XP, FP),
    ("at a bend upwards", 0.5, NEAR, "0.5", None, "rule 3: the slope of least norm", XP, FP), ("at a bend downwards", 1.0, "exact", "3.0", "-1.0", "rule 3: the slope of least norm", [0.0, 1.0, 2.0], [4.0, 3.0, 0.0]),
    ("NaN", [NAN, 0.25], NEAR, None, None, "rule 4", XP, FP), ("infinities", [INF, "-Infinity"], "exact", ["4.5", "2.0"], [["0.0", "0.0"], ["0.0", "0.0"]], None, XP, FP), ("one knot", [0.0, 1.0, 2.0], "exact", None, None, None, [1.0], [5.0]),
    ("matrix", M23, NEAR, None, None, None, XP, FP), ("nothing", [], "exact", None, None, None, XP, FP), ("a flat piece", [0.5, 1.0, 1.5], "exact", None, None, None, [0.0, 1.0, 2.0], [3.0, 3.0, 5.0])]]
TABLES += [case("interp of a function", {"x": V4}, op("square", op("interp", op("sin", "x"), xp=XP, fp=FP)))]
TABLES += [on_x(f"interp_slope, {label}", x, "interp_slope", "exact", xp=XP, fp=FP) for label, x in [
    ("inside", [-0.5, 1.0]), ("beyond the ends", [-3.0, 7.0]), ("at the ends", [-1.0, 2.0]), ("at a valley", 0.0), ("at a bend", 0.5), ("NaN", [NAN]), ("infinities", [INF, "-Infinity"]), ("nothing", [])]]

CASES = SPREADS + RUNNING + RECURRENCES + SORTS + POLYNOMIALS + TABLES
