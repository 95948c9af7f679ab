"""Requests of flips, rolls, tiles, diagonals, triangles, tables: graph, point, bound, and by hand what a convention decides."""
from tensor_cases import M23, NEAR, T222, T232, V3, V4, case, on_x, op

NAN = "NaN"
M33 = [[0.5, -1.5, 2.0], [0.25, 3.0, -0.75], [1.25, -2.5, 4.0]]
M42 = [[0.1, 1.1], [0.2, -1.2], [-0.3, 1.3], [0.4, 1.4]]


def moves(kind, *cases):
    """(label, x, attributes, shapes of x where a size is 0)"""
    return [on_x(f"{kind}, {label}", x, kind, "exact", shapes={"x": given[0]} if given else None, **attributes) for label, x, attributes, *given in cases]


FLIPS = moves(
    "flip", ("vector", V4, {}), ("all axes of a matrix", M23, {}), ("axis 0", M23, {"axis": 0}), ("negative axis", M23, {"axis": -1}), ("two of three axes", T232, {"axis": [0, -1]}),
    ("one element", [7.0], {}), ("scalar", 2.5, {}), ("empty axis", [[], []], {"axis": 1}), ("no axes", V3, {"axis": []}), ("with NaN and infinity", [NAN, 1.0, "Infinity"], {}),
)
FLIPS += [
    case("flip, of a function and itself", {"x": V4}, op("multiply", "x", op("flip", op("sin", "x")))),
    case("flip twice", {"x": M23}, op("flip", op("flip", "x", axis=0), axis=[0, 1]), "exact"),
    case("flip of a slice", {"x": V4}, op("flip", op("slice", "x", start=[1], step=[2])), "exact"),
    case("flip of a broadcast", {"x": V3}, op("flip", op("broadcast_to", "x", shape=[2, 3])), "exact"),
]

ROLLS = moves(
    "roll", ("vector", V4, {"shift": 1}), ("backwards", V4, {"shift": -1}), ("all the way round", V4, {"shift": 4}), ("further than round", V4, {"shift": -9}),
    ("matrix as one axis", M23, {"shift": 2}), ("axis 0", M23, {"shift": 1, "axis": 0}), ("negative axis", M23, {"shift": 1, "axis": -1}), ("two axes", T232, {"shift": [1, -1], "axis": [0, 1]}),
    ("one shift for two axes", M33, {"shift": 1, "axis": [0, 1]}), ("an axis twice adds up", V4, {"shift": [1, 2], "axis": [0, 0]}), ("empty axis", [[], []], {"shift": 3, "axis": 1}),
    ("scalar", 2.5, {"shift": 5}), ("with NaN", [NAN, 1.0, 2.0], {"shift": 1}),
)
ROLLS += [case("roll, differences on a circle", {"x": V4}, op("square", op("subtract", op("roll", "x", shift=-1), "x")))]

TILES = moves(
    "tile", ("vector", V3, {"repetitions": 2}), ("to a matrix", V3, {"repetitions": [2, 2]}), ("matrix, rows", M23, {"repetitions": [2, 1]}), ("matrix, last axis", M23, {"repetitions": 2}),
    ("matrix, both", M23, {"repetitions": [2, 3]}), ("not at all", M23, {"repetitions": []}), ("to nothing", V3, {"repetitions": 0}), ("scalar", 2.5, {"repetitions": [2, 2]}),
    ("three axes, new one in front", T222, {"repetitions": [2, 1, 1, 2]}), ("empty axis", [[], []], {"repetitions": [2, 3]}),
)
TILES += [case("tile of a function", {"x": V3}, op("multiply", op("tile", op("exp", "x"), repetitions=2), {"const": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}))]

DIAGONALS = moves(
    "diagonal", ("square", M33, {}), ("wide", M23, {}), ("tall", M42, {}), ("above", M33, {"offset": 1}), ("below", M33, {"offset": -2}), ("above, wide", M23, {"offset": 2}), ("below, tall", M42, {"offset": -3}),
    ("beyond the corner", M23, {"offset": 3}), ("far below", M23, {"offset": -7}), ("batch", T232, {}), ("batch, below", T232, {"offset": -1}), ("one element", [[5.0]], {}), ("no columns", [[], []], {}),
)
DIAGONALS += [
    case("diagonal of a transposed matrix", {"x": M23}, op("diagonal", op("permute_dims", "x", axes=[1, 0]), offset=-1), "exact"),
    case("diagonal of a product", {"x": M33}, op("diagonal", op("matmul", "x", "x"))),
    case("diagonal of a flip", {"x": M33}, op("exp", op("diagonal", op("flip", "x", axis=1)))),
]

DIAGS = moves(
    "diag", ("vector", V3, {}), ("above", V3, {"offset": 1}), ("below", V3, {"offset": -2}), ("one element", [2.0], {}), ("nothing", [], {}), ("nothing, above", [], {"offset": 2}),
    ("of a matrix", M33, {}), ("of a matrix, above", M23, {"offset": 1}), ("of a matrix, beyond", M23, {"offset": -2}), ("with NaN", [NAN, 1.0], {}),
)
DIAGS += [case("diag times a matrix", {"d": V3, "A": M33}, op("matmul", op("diag", "d"), "A")), case("diag of a diag", {"d": V3}, op("diag", op("diag", op("sin", "d"))))]

TRIANGLES = [row for kind in ("tril", "triu") for row in moves(
    kind, ("square", M33, {}), ("wide", M23, {}), ("tall", M42, {}), ("above", M33, {"k": 1}), ("below", M33, {"k": -1}), ("everything", M23, {"k": 5 if kind == "tril" else -5}),
    ("nothing", M23, {"k": -5 if kind == "tril" else 5}), ("batch", T232, {}), ("one element", [[5.0]], {}), ("no rows", [], {}, [0, 3]), ("NaN on both sides", [[1.0, NAN], [NAN, 2.0]], {}),
)]
TRIANGLES += [
    case("tril drops a pole", {"x": [[4.0, 0.0], [1.0, 9.0]]}, op("sum", op("tril", op("sqrt", "x"))), NEAR, value={"y": "6.0"}, jacobian={"y": {"x": [["0.25", "0.0"], ["0.5", "0.166666666666666666666666666667"]]}}, note="routed, never multiplied"),
    case("triu drops NaN", {"x": [[4.0, 1.0], [-1.0, 1.0]]}, op("sum", op("triu", op("log", "x"))), NEAR, jacobian={"y": {"x": [["0.25", "1.0"], ["0.0", "1.0"]]}}, note="routed, never multiplied"),
]

HOTS = [case(f"one_hot, {label}", {"x": 2.0}, op("multiply", "x", op("one_hot", indices=indices, size=size)), "exact") for label, indices, size in [
    ("vector", [0, 2, 1], 3), ("one index", 1, 3), ("negative", [-1, -3], 3), ("matrix", [[0, 1], [2, 3]], 4), ("repeated", [1, 1], 2), ("one place", [0, 0], 1), ("no indices", [], 3)]]
HOTS += [
    case("one_hot, rows by a product", {"A": M23}, op("matmul", op("one_hot", indices=[1, 0, 1], size=2), "A"), "exact"),
    case("one_hot, cross entropy", {"logits": M23}, op("negative", op("sum", op("multiply", op("one_hot", indices=[2, 0], size=3), op("log_softmax", "logits"))))),
    case("one_hot, by itself", {"x": 1.0}, op("one_hot", indices=[1, 0], size=2), "exact", value={"y": [["0.0", "1.0"], ["1.0", "0.0"]]}),
]

FURTHER = moves(
    "reshape", ("to the same shape", M23, {"shape": [2, 3]}), ("nothing, another shape", [[], []], {"shape": [0, 5]}), ("with NaN", [NAN, 1.0], {"shape": [2, 1]}),
) + moves(
    "permute_dims", ("nothing", [[], []], {"axes": [1, 0]}), ("a scalar", 2.5, {"axes": []}), ("back to itself", T232, {"axes": [0, 1, 2]}), ("axes from the end", T232, {"axes": [-1, -3, -2]}),
) + moves(
    "broadcast_to", ("from nothing", [[]], {"shape": [3, 0]}), ("to nothing", V3, {"shape": [0, 3]}), ("the same shape", M23, {"shape": [2, 3]}), ("with NaN", [[NAN], [1.0]], {"shape": [2, 2]}),
) + moves(
    "expand_dims", ("nothing", [], {"axis": 0}), ("a matrix in the middle", M23, {"axis": 1}), ("from the end", M23, {"axis": -2}),
) + moves(
    "squeeze", ("the last axis", [[0.5], [1.5]], {"axis": 1}), ("from the end", [[[0.5, 1.5]]], {"axis": -2}), ("to a scalar", [[2.5]], {"axis": [0, 1]}), ("of an empty tensor", [[]], {"axis": 0}), ("no axes", M23, {"axis": []}), ("with NaN", [[NAN, 1.0]], {"axis": 0}),
) + moves(
    "index", ("of a function's NaN", [[NAN, 1.0], [2.0, 3.0]], {"at": [0]}), ("of a row of nothing", [[], []], {"at": [1]}), ("nothing taken away", V3, {"at": []}),
) + moves(
    "take", ("no indices", V4, {"indices": []}), ("every index from the end", V4, {"indices": [-1, -4, -2]}), ("with NaN", [NAN, 1.0], {"indices": [1, 0, 0]}),
) + moves(
    "embed", ("vector", V3, {"shape": [5], "start": [1], "step": [1]}), ("every other place", V3, {"shape": [6], "start": [0], "step": [2]}), ("backwards", V3, {"shape": [4], "start": [3], "step": [-1]}), ("matrix", M23, {"shape": [3, 5], "start": [1, 0], "step": [1, 2]}),
    ("nothing", [], {"shape": [3], "start": [0], "step": [1]}), ("a scalar", 2.5, {"shape": [], "start": [], "step": []}), ("to the same shape", V3, {"shape": [3], "start": [0], "step": [1]}), ("with NaN", [NAN, 1.0], {"shape": [3], "start": [0], "step": [2]}),
)
FURTHER += [case(f"{kind}, {label}", at, op(kind, *at, **attributes), "exact", shapes=shapes) for kind, label, at, attributes, shapes in [
    ("concat", "with nothing", {"a": V3, "b": []}, {}, None), ("concat", "one alone", {"a": V3}, {}, None), ("concat", "last axis", {"a": M23, "b": [[9.0], [8.0]]}, {"axis": -1}, None), ("concat", "with NaN", {"a": [NAN], "b": [1.0]}, {}, None),
    ("stack", "of nothing", {"a": [], "b": []}, {}, None), ("stack", "last axis", {"a": M23, "b": M23}, {"axis": -1}, None),
    ("scatter_add", "nothing added", {"a": V3, "u": []}, {"indices": []}, None), ("scatter_add", "at one place, from the end", {"a": V3, "u": [1.0, 2.0, 4.0]}, {"indices": [-1, -1, -1]}, None), ("scatter_add", "nested indices", {"a": V3, "u": [[1.0, 2.0], [4.0, 8.0]]}, {"indices": [[0, 1], [1, 2]]}, None),
    ("scatter_add", "with NaN", {"a": V3, "u": [NAN]}, {"indices": [1]}, None),
]]
FURTHER += [case(f"outer, {label}", {"a": a, "b": b}, op("outer", "a", "b"), "exact") for label, a, b in [
    ("one and one", [2.0], [3.0]), ("nothing with nothing", [], []), ("with a zero", [0.0, 2.0], [1.0, -1.0]), ("with NaN", [NAN, 1.0], [2.0, 3.0]), ("powers of two", [0.5, 4.0, -8.0], [2.0, 0.25])]]
FURTHER += [case("outer of functions", {"a": V3}, op("outer", op("sin", "a"), op("exp", "a")))]

CASES = FLIPS + ROLLS + TILES + DIAGONALS + DIAGS + TRIANGLES + HOTS + FURTHER
