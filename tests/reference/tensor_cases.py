"""The requests of tensor.py: graph, point, bound, and the result by hand where a convention of ops.md decides."""

INFINITE_ORDER = "Infinity"  # vector_norm's `ord` in JSON, spelled like every other infinite number of the contract
NEAR = 1e-13

V3 = [0.5, -1.25, 2.0]
V4 = [1.1, -0.3, 0.7, 2.9]
M23 = [[0.1, -0.2, 0.3], [1.7, 2.5, -3.1]]
T222 = [[[0.3, -0.7], [1.1, 0.9]], [[-1.3, 2.1], [0.4, -0.6]]]
T232 = [[[0.5, 1.5], [-0.25, 2.0], [1.0, -1.0]], [[2.5, 0.125], [3.0, -2.0], [0.75, 4.0]]]


def shape(nested):
    sizes = []
    while isinstance(nested, list):
        sizes.append(len(nested))
        nested = nested[0] if nested else 0
    return sizes


def declared(at, shapes=None):
    """Input declarations: a bare name for a scalar."""
    result = []
    for name, value in at.items():
        sizes = (shapes or {}).get(name, shape(value))
        result.append({"name": name, "shape": sizes} if sizes else name)
    return result


def op(kind, *args, **attributes):
    return {"op": kind, "args": list(args), **attributes}


def case(name, at, expression, bound=NEAR, nodes=(), functions=None, shapes=None, outputs=None, **by_hand):
    graph = {"inputs": declared(at, shapes), "nodes": [{"name": key, **node} for key, node in dict(nodes).items()],
             "outputs": outputs or [{"name": "y", "value": expression}]}
    if functions:
        graph["functions"] = functions
    return {"name": name, "graph": graph, "at": at, "bound": bound, **by_hand}


def on_x(name, x, kind, bound=NEAR, value=None, jacobian=None, note=None, shapes=None, **attributes):
    """One operator of one tensor x, output y."""
    by_hand = {}
    if value is not None:
        by_hand["value"] = {"y": value}
    if jacobian is not None:
        by_hand["jacobian"] = {"y": {"x": jacobian}}
    if note:
        by_hand["note"] = note
    return case(name, {"x": x}, op(kind, "x", **attributes), bound, shapes=shapes, **by_hand)


AXES = [("all axes", {}), ("axis 0", {"axis": 0}), ("axis 1, keepdims", {"axis": 1, "keepdims": True}), ("axis -1", {"axis": -1}),
        ("axes 0 and 2", {"axis": [0, 2]}), ("axes -1 and 0, keepdims", {"axis": [-1, 0], "keepdims": True}), ("all axes, keepdims", {"keepdims": True})]

REDUCTIONS = [on_x(f"{kind}, {label}", T232, kind, "exact" if kind in ("sum", "max", "min") else NEAR, **attributes)
              for kind in ("sum", "prod", "mean", "max", "min", "logsumexp", "vector_norm") for label, attributes in AXES]

EDGES = [
    on_x("sum of nothing", [], "sum", "exact", "0.0", [], "an empty sum is 0"),
    on_x("prod of nothing", [], "prod", "exact", "1.0", [], "an empty product is 1"),
    on_x("sum over an empty axis", [[], []], "sum", "exact", ["0.0", "0.0"], [[[], []], [[], []]], axis=1),
    on_x("prod with one zero", [2.0, 0.0, 5.0], "prod", "exact", "0.0", ["0.0", "10.0", "0.0"], "exclusive products, never y/x"),
    on_x("prod with two zeros", [0.0, 3.0, 0.0], "prod", "exact", "0.0", ["0.0", "0.0", "0.0"], "every exclusive product holds a zero"),
    on_x("prod with one zero a row", [[2.0, 0.0], [3.0, 4.0]], "prod", "exact", ["0.0", "12.0"], [[["0.0", "2.0"], ["0.0", "0.0"]], [["0.0", "0.0"], ["4.0", "3.0"]]], axis=1),
    on_x("prod, intermediate overflow", [1e200, 1e-200, 3.0], "prod", NEAR),
    on_x("prod of one", [7.0], "prod", "exact", "7.0", ["1.0"]),
    on_x("max, two of four tie", [1.0, 4.0, 4.0, -2.0], "max", "exact", "4.0", ["0.0", "0.5", "0.5", "0.0"], "rule 3: ties share"),
    on_x("min, all tie", [3.0, 3.0, 3.0, 3.0], "min", "exact", "3.0", ["0.25"] * 4, "rule 3: ties share"),
    on_x("max, tie along an axis", [[1.0, 1.0], [0.0, 5.0]], "max", "exact", ["1.0", "5.0"], [[["0.5", "0.5"], ["0.0", "0.0"]], [["0.0", "0.0"], ["0.0", "1.0"]]], "rule 3: ties share", axis=1),
    on_x("min, tie across both axes", [[2.0, 1.0], [1.0, 3.0]], "min", "exact", "1.0", [["0.0", "0.5"], ["0.5", "0.0"]], "rule 3: ties share"),
    on_x("max with NaN", [1.0, "NaN", 3.0], "max", "exact", "nan", ["0.0", "1.0", "0.0"], "rule 4: the NaN operand takes the derivative"),
    on_x("min with NaN", ["NaN", 1.0], "min", "exact", "nan", ["1.0", "0.0"], "rule 4: the NaN operand takes the derivative"),
    on_x("max with infinities", ["-Infinity", 2.0, "Infinity"], "max", "exact", "inf", ["0.0", "0.0", "1.0"]),
    on_x("max of one", [-7.0], "max", "exact", "-7.0", ["1.0"]),
    on_x("sum with an infinity", ["Infinity", 1.0], "sum", "exact", "inf", ["1.0", "1.0"]),
    on_x("logsumexp, all -inf", ["-Infinity", "-Infinity"], "logsumexp", "exact", "-inf", ["0.0", "0.0"], "rule 4"),
    on_x("logsumexp, one row all -inf", [["-Infinity", "-Infinity"], [0.0, 0.0]], "logsumexp", NEAR, None, [[["0.0", "0.0"], ["0.0", "0.0"]], [["0.0", "0.0"], ["0.5", "0.5"]]], "rule 4", axis=-1),
    on_x("logsumexp, one -inf", ["-Infinity", 1.5, -0.5], "logsumexp"),
    on_x("logsumexp, huge", [1000.0, 1001.0, 999.5], "logsumexp"),
    on_x("logsumexp, hugely negative", [-1000.0, -1001.0], "logsumexp"),
    on_x("logsumexp, far apart", [0.0, -800.0, 5.0], "logsumexp"),
    on_x("logsumexp of one", [-3.25], "logsumexp", "exact", "-3.25", ["1.0"]),
    on_x("logsumexp, equal", [2.0, 2.0, 2.0, 2.0], "logsumexp"),
    on_x("vector_norm 2", [3.0, -4.0], "vector_norm", NEAR, "5.0", None),
    on_x("vector_norm 2, stated", V4, "vector_norm", ord=2),
    on_x("vector_norm 1", V4, "vector_norm", NEAR, None, ["1.0", "-1.0", "1.0", "1.0"], ord=1),
    on_x("vector_norm 1 with a zero", [2.0, 0.0, -3.0], "vector_norm", "exact", "5.0", ["1.0", "0.0", "-1.0"], "rule 3: a kink in each entry", ord=1),
    on_x("vector_norm inf", V4, "vector_norm", "exact", None, ["0.0", "0.0", "0.0", "1.0"], ord=INFINITE_ORDER),
    on_x("vector_norm inf, negative extreme", [1.0, -6.0, 2.0], "vector_norm", "exact", "6.0", ["0.0", "-1.0", "0.0"], ord=INFINITE_ORDER),
    on_x("vector_norm inf, tie", [5.0, -5.0, 1.0], "vector_norm", "exact", "5.0", ["0.5", "-0.5", "0.0"], "rule 3: ties share", ord=INFINITE_ORDER),
    *[on_x(f"vector_norm {label} of the zero vector", [0.0, 0.0, 0.0], "vector_norm", "exact", "0.0", ["0.0"] * 3, "rule 3: 0 at 0", ord=order)
      for label, order in (("1", 1), ("2", 2), ("inf", INFINITE_ORDER))],
    on_x("vector_norm 2, one zero row", [[0.0, 0.0], [3.0, 4.0]], "vector_norm", NEAR, axis=1),
    on_x("vector_norm 2, squares overflow", [1e200, -2e200], "vector_norm"),
    on_x("vector_norm 2, squares underflow", [3e-200, 4e-200], "vector_norm"),
    on_x("vector_norm 2, huge and tiny", [1e200, 1e-200], "vector_norm"),
    on_x("vector_norm 1, axis, keepdims", M23, "vector_norm", axis=0, keepdims=True, ord=1),
    on_x("vector_norm inf, axis", M23, "vector_norm", "exact", axis=1, ord=INFINITE_ORDER),
    on_x("mean, negative axis list", T222, "mean", axis=[-2]),
    on_x("mean of one", [4.5], "mean", "exact", "4.5", ["1.0"]),
    on_x("sum of a scalar", 2.5, "sum", "exact", "2.5", "1.0"),
]

NORMALISERS = [on_x(f"{kind}, {label}", x, kind, **attributes) for kind in ("softmax", "log_softmax") for label, x, attributes in [
    ("vector", V4, {}), ("default axis of a matrix", M23, {}), ("axis 0", M23, {"axis": 0}), ("axis 1 of three", T232, {"axis": 1}), ("axis -2 of three", T222, {"axis": -2}),
    ("huge", [1000.0, 1001.0, 998.0], {}), ("hugely negative", [-1000.0, -1001.0, -1003.0], {}), ("one entry", [3.0], {}), ("equal", [2.0, 2.0], {})]]
NORMALISERS += [on_x("softmax, far apart", [0.0, 8.0, -8.0], "softmax", 1e-11, note="bound: p(1 - p) loses four digits when p is next to 1"), on_x("log_softmax, far apart", [0.0, 40.0, -40.0], "log_softmax"),
                on_x("softmax with -inf", ["-Infinity", 0.5, 1.0], "softmax")]

SHAPES = [
    on_x("reshape to a matrix", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "reshape", "exact", shape=[2, 3]),
    on_x("reshape to a vector", M23, "reshape", "exact", shape=[6]),
    on_x("reshape to rank 3", M23, "reshape", "exact", shape=[1, 3, 2]),
    on_x("reshape one entry to a scalar", [[4.0]], "reshape", "exact", shape=[]),
    on_x("reshape a scalar", 4.0, "reshape", "exact", shape=[1, 1]),
    on_x("reshape nothing", [], "reshape", "exact", shape=[2, 0]),
    on_x("permute_dims of a matrix", M23, "permute_dims", "exact", axes=[1, 0]),
    on_x("permute_dims, cycle", T232, "permute_dims", "exact", axes=[2, 0, 1]),
    on_x("permute_dims, negative axes", T232, "permute_dims", "exact", axes=[-1, -2, -3]),
    on_x("permute_dims, identity", M23, "permute_dims", "exact", axes=[0, 1]),
    on_x("broadcast_to from a vector", V3, "broadcast_to", "exact", shape=[2, 3]),
    on_x("broadcast_to from a scalar", 1.5, "broadcast_to", "exact", shape=[2, 2]),
    on_x("broadcast_to from a column", [[1.0], [2.0]], "broadcast_to", "exact", shape=[2, 3]),
    on_x("broadcast_to nothing", [[1.5]], "broadcast_to", "exact", shape=[0, 1]),
    on_x("broadcast_to both ways", [[[1.0, 2.0]], [[3.0, 4.0]]], "broadcast_to", "exact", shape=[2, 2, 2]),
    on_x("expand_dims 0", V3, "expand_dims", "exact", axis=0),
    on_x("expand_dims -1", V3, "expand_dims", "exact", axis=-1),
    on_x("expand_dims -2 of a matrix", M23, "expand_dims", "exact", axis=-2),
    on_x("expand_dims of a scalar", 2.0, "expand_dims", "exact", axis=0),
    on_x("squeeze one axis", [[[1.0], [2.0]]], "squeeze", "exact", axis=0),
    on_x("squeeze a negative axis", [[[1.0], [2.0]]], "squeeze", "exact", axis=-1),
    on_x("squeeze a list", [[[1.0], [2.0]]], "squeeze", "exact", axis=[0, 2]),
    case("concat, axis 0", {"a": [1.0, 2.0], "b": [3.0]}, op("concat", "a", "b", axis=0), "exact"),
    case("concat, default axis", {"a": M23, "b": [[7.0, 8.0, 9.0]]}, op("concat", "a", "b"), "exact"),
    case("concat, axis -1", {"a": [[1.0], [2.0]], "b": [[3.0, 4.0], [5.0, 6.0]]}, op("concat", "a", "b", axis=-1), "exact"),
    case("concat with nothing", {"a": [], "b": [3.0, 4.0]}, op("concat", "a", "b", axis=0), "exact"),
    case("concat the same twice", {"a": [1.0, 2.0]}, op("concat", "a", "a", "a", axis=0), "exact"),
    case("stack, default axis", {"a": [1.0, 2.0], "b": [3.0, 4.0]}, op("stack", "a", "b"), "exact"),
    case("stack, axis 1", {"a": [1.0, 2.0], "b": [3.0, 4.0]}, op("stack", "a", "b", axis=1), "exact"),
    case("stack, axis -1, of matrices", {"a": [[1.0, 2.0]], "b": [[3.0, 4.0]]}, op("stack", "a", "b", axis=-1), "exact"),
    case("stack of scalars", {"a": 1.0, "b": 2.0}, op("stack", "a", "b", "a", axis=0), "exact"),
    on_x("slice, start and stop", V4, "slice", "exact", start=[1], stop=[3]),
    on_x("slice, negative start", V4, "slice", "exact", start=[-2], stop=[None]),
    on_x("slice, negative stop", V4, "slice", "exact", start=[None], stop=[-1]),
    on_x("slice, step", V4, "slice", "exact", start=[0], stop=[None], step=[2]),
    on_x("slice, reversed", V4, "slice", "exact", start=[None], stop=[None], step=[-1]),
    on_x("slice, negative step with bounds", V4, "slice", "exact", start=[-1], stop=[0], step=[-2]),
    on_x("slice, out of range is clipped", V4, "slice", "exact", start=[-10], stop=[10]),
    on_x("slice, empty", V4, "slice", "exact", start=[3], stop=[1], value=[], jacobian=[]),
    on_x("slice of a matrix, null axis", M23, "slice", "exact", start=[None, 1], stop=[None, 3]),
    on_x("slice of a matrix, both axes, steps", T232, "slice", "exact", start=[1, None, None], stop=[None, None, 1], step=[None, -2, None]),
    on_x("slice, start only", V4, "slice", "exact", start=[2], note="an absent list is all null"),
    on_x("slice, step only", V4, "slice", "exact", step=[-2], note="an absent list is all null"),
    on_x("slice an empty axis", [[], []], "slice", "exact", start=[1, None], stop=[None, None]),
    on_x("index, vector", V4, "index", "exact", at=[2]),
    on_x("index, negative", V4, "index", "exact", at=[-1]),
    on_x("index, leading axis of a matrix", M23, "index", "exact", at=[1]),
    on_x("index, full", M23, "index", "exact", at=[-2, -1]),
    on_x("index, two of three axes", T232, "index", "exact", at=[1, -1]),
    on_x("take, default axis", V4, "take", "exact", indices=[3, 0, 0]),
    on_x("take, axis 1", M23, "take", "exact", indices=[2, 0], axis=1),
    on_x("take, axis -1", T232, "take", "exact", indices=[1], axis=-1),
    on_x("take, nested indices", V4, "take", "exact", indices=[[0, 1], [3, 3]], axis=0),
    on_x("take, one integer", M23, "take", "exact", indices=1, axis=0),
    on_x("take, nested indices, axis 1", M23, "take", "exact", indices=[[0], [2]], axis=1),
    case("scatter_add, distinct", {"base": [1.0, 2.0, 3.0, 4.0], "updates": [10.0, 20.0]}, op("scatter_add", "base", "updates", indices=[3, 1]), "exact"),
    case("scatter_add, repeated index", {"base": [1.0, 2.0, 3.0], "updates": [10.0, 20.0, 30.0]}, op("scatter_add", "base", "updates", indices=[1, 1, 0], axis=0), "exact"),
    case("scatter_add, rows", {"base": [[1.0, 2.0], [3.0, 4.0]], "updates": [[5.0, 6.0]]}, op("scatter_add", "base", "updates", indices=[1]), "exact"),
    case("scatter_add, axis 1", {"base": M23, "updates": [[1.0, 2.0], [4.0, 8.0]]}, op("scatter_add", "base", "updates", indices=[2, 2], axis=1), NEAR),
    case("scatter_add into a function of it", {"u": [0.5, 1.5]}, op("scatter_add", op("exp", "u"), op("square", "u"), indices=[0, 0]), NEAR),
]

PRODUCTS = [case(f"matmul {label}", {"A": a, "B": b}, op("matmul", "A", "B")) for label, a, b in [
    ("[3] [3]", V3, [4.0, 5.5, -6.0]), ("[2,3] [3]", M23, V3), ("[2] [2,3]", [0.7, -1.9], M23), ("[2,3] [3,2]", M23, [[1.0, 0.5], [-2.0, 3.0], [0.1, 0.2]]), ("[1,1] [1,1]", [[3.0]], [[-7.0]]),
    ("[2,2,2] [2,2,2]", T222, [[[1.0, 2.0], [3.0, 4.0]], [[-1.0, 0.5], [0.25, 8.0]]]), ("[2,2,2] [2,1] broadcast", T222, [[1.5], [-0.5]]), ("[2,2] [2,2,2] broadcast", [[1.0, -1.0], [0.5, 2.0]], T222),
    ("[2,2,2] [2]", T222, [0.3, -0.9]), ("[2] [2,2,2]", [0.3, -0.9], T222), ("[2,1,1,2] [2,2,1] broadcast", [[[[1.0, 2.0]]], [[[3.0, -4.0]]]], [[[0.5], [1.5]], [[-2.0], [1.0]]])]]
PRODUCTS += [
    case("matmul over nothing", {"A": [[], []], "B": []}, op("matmul", "A", "B"), "exact", shapes={"A": [2, 0], "B": [0, 2]}, value={"y": [["0.0", "0.0"], ["0.0", "0.0"]]}),
    case("matmul with itself", {"A": [[1.0, 2.0], [3.0, 4.0]]}, op("matmul", "A", "A"), "exact"),
    case("matmul, a quadratic form", {"x": V3, "A": [[2.0, 0.5, 0.0], [0.5, 3.0, -1.0], [0.0, -1.0, 4.0]]}, op("matmul", "x", op("matmul", "A", "x"))),
    case("vecdot, vectors", {"a": V3, "b": [4.0, 5.5, -6.0]}, op("vecdot", "a", "b")),
    case("vecdot, rows", {"a": M23, "b": [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]]}, op("vecdot", "a", "b")),
    case("vecdot, axis 0", {"a": M23, "b": [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]]}, op("vecdot", "a", "b", axis=0)),
    case("vecdot, broadcast", {"a": M23, "b": V3}, op("vecdot", "a", "b")),
    case("vecdot with itself", {"a": V3}, op("vecdot", "a", "a"), "exact"),
    case("outer", {"a": [1.5, -2.0], "b": V3}, op("outer", "a", "b")),
    case("outer with itself", {"a": [1.5, -2.0, 0.25]}, op("outer", "a", "a"), "exact"),
    case("outer with nothing", {"a": [], "b": [1.0, 2.0]}, op("outer", "a", "b"), "exact"),
    case("vecdot of nothing", {"a": [], "b": []}, op("vecdot", "a", "b"), "exact", value={"y": "0.0"}),
]

BROADCASTING = [
    case("add [3] + [2,3]", {"a": V3, "b": M23}, op("add", "a", "b")),
    case("multiply [2,1] * [1,3]", {"a": [[1.5], [-2.0]], "b": [[0.1, 0.2, 0.3]]}, op("multiply", "a", "b")),
    case("divide [2,3] / scalar", {"a": M23, "s": 0.7}, op("divide", "a", "s")),
    case("subtract scalar - [3]", {"s": 0.7, "a": V3}, op("subtract", "s", "a")),
    case("pow [3] ^ 2", {"a": V3}, op("pow", "a", 2)),
    case("pow [2,2] ^ [2]", {"a": [[0.5, 1.5], [2.5, 3.5]], "p": [2.5, -0.5]}, op("pow", "a", "p")),
    case("maximum [3] with scalar, tie", {"a": [1.0, 2.0, 3.0], "s": 2.0}, op("maximum", "a", "s"), "exact",
         jacobian={"y": {"a": [["0.0", "0.0", "0.0"], ["0.0", "0.5", "0.0"], ["0.0", "0.0", "1.0"]], "s": ["1.0", "0.5", "0.0"]}}, note="rule 3: ties share"),
    case("where, mask", {"x": [-1.0, 0.0, 2.0]}, op("where", op("less", "x", 0), op("negative", "x"), op("square", "x")), "exact"),
    case("where, broadcast condition", {"c": [1.0, 0.0], "a": [[1.0, 2.0], [3.0, 4.0]], "s": 7.0}, op("where", "c", "a", "s"), "exact"),
    case("atan2 [2,1] [2]", {"y0": [[0.3], [-2.0]], "x0": [1.5, -0.5]}, op("atan2", "y0", "x0")),
    case("hypot [2] [2,1]", {"a": [3.0, 1.0], "b": [[4.0], [0.0]]}, op("hypot", "a", "b")),
    case("clip with array bounds", {"x": [-3.0, 0.5, 9.0], "lo": [-1.0, -1.0, -1.0], "hi": 2.0}, op("clip", "x", "lo", "hi"), "exact"),
    case("fma, three shapes", {"a": V3, "b": 2.5, "c": [[1.0], [-1.0]]}, op("fma", "a", "b", "c")),
    case("add with a constant tensor", {"x": [1.0, 2.0]}, op("add", "x", {"const": [[10.0, 20.0], [30.0, 40.0]]}), "exact"),
    case("add, n-ary, three shapes", {"a": 1.0, "b": [1.0, 2.0], "c": [[1.0], [2.0]]}, op("add", "a", "b", "c"), "exact"),
    case("multiply with an empty tensor", {"s": 3.0, "e": []}, op("multiply", "s", "e"), "exact"),
    case("lerp, scalar weight", {"a": V3, "b": [1.0, 1.0, 1.0], "t": 0.3}, op("lerp", "a", "b", "t")),
    case("max(x, x) is x", {"x": 3.0}, op("maximum", "x", "x"), "exact", jacobian={"y": {"x": "1.0"}}, note="rule 3: d max(x, x)/dx = 1"),
    case("sqrt(x^2) at 0", {"x": 0.0}, op("sqrt", op("square", "x")), "exact", value={"y": "0.0"}, jacobian={"y": {"x": "0.0"}}, note="rule 1: structural zero"),
    case("where guards a pole", {"x": [0.0, 4.0]}, op("where", op("greater", "x", 0), op("log", op("maximum", "x", 1e-300)), 0), NEAR),
    case("where routes around a pole", {"x": [0.0, 4.0]}, op("where", op("greater", "x", 0), op("log", "x"), 0), NEAR, jacobian={"y": {"x": [["0.0", "0.0"], ["0.0", "0.25"]]}}, note="rule 1: where never multiplies"),
    case("sqrt at 0 in a vector", {"x": [0.0, 4.0]}, op("sqrt", "x"), "exact", jacobian={"y": {"x": [["inf", "0.0"], ["0.0", "0.25"]]}}, note="rule 2: a pole, with structural zeros beside it"),
    case("0 times sqrt at 0", {"x": 0.0}, op("multiply", 0, op("sqrt", "x")), "exact", value={"y": "0.0"}, jacobian={"y": {"x": "0.0"}}, note="rule 1: 0 times infinity is 0"),
    case("exp of [2,2]", {"x": [[0.1, -0.1], [3.0, -30.0]]}, op("exp", "x")),
    case("tanh of [4]", {"x": [-20.0, -0.5, 1e-8, 20.0]}, op("tanh", "x")),
    case("sigmoid of [4]", {"x": [-40.0, -0.5, 0.0, 40.0]}, op("sigmoid", "x")),
]

ROTATE = {"inputs": ["u", "v", "t"], "nodes": [], "outputs": [
    {"name": "p", "value": op("subtract", op("multiply", "u", op("cos", "t")), op("multiply", "v", op("sin", "t")))},
    {"name": "q", "value": op("add", op("multiply", "u", op("sin", "t")), op("multiply", "v", op("cos", "t")))}]}
GAUSS = {"inputs": ["z"], "nodes": [], "outputs": [{"name": "density", "value": op("exp", op("divide", op("negative", op("square", "z")), 2))}]}
LAYER = {"inputs": [{"name": "h", "shape": [3]}, {"name": "W", "shape": [2, 3]}, {"name": "b", "shape": [2]}], "nodes": [{"name": "pre", **op("add", op("matmul", "W", "h"), "b")}],
         "outputs": [{"name": "post", "value": op("tanh", "pre")}]}
TWICE = {"inputs": ["z"], "nodes": [], "outputs": [{"name": "two", "value": op("call", op("call", "z", function="gauss"), function="gauss")}]}

CALLS = [
    case("call, one output", {"x": 0.7}, op("call", "x", function="gauss"), functions={"gauss": GAUSS}),
    case("call of an expression", {"x": 0.7, "y0": 2.0}, op("call", op("multiply", "x", "y0"), function="gauss"), functions={"gauss": GAUSS}),
    case("call, two outputs by item", {"x": 1.5, "y0": -0.5, "t": 0.3}, None, functions={"rotate": ROTATE}, nodes={"r": op("call", "x", "y0", "t", function="rotate")},
         outputs=[{"name": "first", "value": op("item", "r", index=0)}, {"name": "second", "value": op("item", "r", index=1)}]),
    case("call, item by name", {"x": 1.5, "y0": -0.5, "t": 0.3}, None, functions={"rotate": ROTATE}, nodes={"r": op("call", "x", "y0", "t", function="rotate")}, outputs=[{"name": "second", "value": op("item", "r", index="q")}],
         note="item's index may be the output's name"),
    case("call of a call", {"x": 0.7}, op("call", "x", function="twice"), functions={"gauss": GAUSS, "twice": TWICE}),
    case("call twice with shared arguments", {"x": 0.7, "t": 1.1}, op("multiply", op("item", "r", index=0), op("item", "s", index=1)), functions={"rotate": ROTATE},
         nodes={"r": op("call", "x", "t", "t", function="rotate"), "s": op("call", "t", "x", "x", function="rotate")}),
    case("call, tensors", {"h": V3, "W": M23, "b": [0.1, -0.1]}, op("call", "h", "W", "b", function="layer"), functions={"layer": LAYER}),
]

COMPOSITIONS = [
    case("two-layer perceptron", {"x": [0.5, -0.25], "W": [[0.3, -0.6], [0.9, 0.1], [-0.4, 0.8]], "b": [0.1, 0.0, -0.2], "v": [1.5, -0.5, 0.25]}, op("sigmoid", op("vecdot", "v", "h")), nodes={"h": op("tanh", op("add", op("matmul", "W", "x"), "b"))}),
    case("cross entropy", {"logits": [[1.0, 2.0, 0.5], [0.1, -0.3, 3.0]]}, op("negative", op("mean", op("sum", op("multiply", op("log_softmax", "logits"), {"const": [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}), axis=-1)))),
    case("mean squared error", {"w": [0.5, -1.5], "c": 0.3}, op("mean", op("square", op("subtract", op("add", op("matmul", {"const": [[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]]}, "w"), "c"), {"const": [1.0, 0.0, -1.0]})))),
    case("attention", {"q": [[0.1, 0.2], [0.3, -0.4]], "k": [[1.0, -1.0], [0.5, 2.0]], "v": [[1.0, 0.0], [0.5, -2.0]]}, op("matmul", op("softmax", op("divide", op("matmul", "q", op("permute_dims", "k", axes=[1, 0])), op("sqrt", 2)), axis=-1), "v")),
    case("layer normalisation", {"x": V4}, op("divide", "d", op("sqrt", op("add", op("mean", op("square", "d")), 1e-5))), nodes={"d": op("subtract", "x", op("mean", "x", keepdims=True))}),
    case("sharing by name", {"x": 0.3}, op("multiply", "b", "b"), nodes={"b": op("multiply", "a", "a"), "a": op("multiply", op("sin", "x"), op("sin", "x"))}),
    case("nodes in any order", {"x": 2.0}, op("add", "late", 1), nodes={"late": op("multiply", "early", 3), "early": op("square", "x")}, bound="exact"),
    case("an input as output, beside others", {"x": [1.0, 2.0], "s": 3.0}, None, "exact", nodes={"t": op("multiply", "x", "s")}, outputs=["x", "t", {"name": "n", "value": op("sum", "t")}]),
    case("an input that nothing reads", {"x": [1.0, 2.0], "unused": [5.0, 6.0]}, op("sum", "x"), "exact", jacobian={"y": {"x": ["1.0", "1.0"], "unused": ["0.0", "0.0"]}}),
    case("a constant output", {"x": 2.0}, op("add", 1, 2), "exact", value={"y": "3.0"}, jacobian={"y": {"x": "0.0"}}),
    case("distance matrix", {"p": [[0.0, 0.0], [3.0, 4.0]], "c": [[1.0, 1.0], [0.0, 2.0]]}, op("vector_norm", op("subtract", op("expand_dims", "p", axis=1), op("expand_dims", "c", axis=0)), axis=-1)),
    case("polynomial by Horner", {"x": 1.3, "c": [2.0, -3.0, 0.5, 1.0]}, op("add", op("multiply", op("add", op("multiply", op("add", op("multiply", op("index", "c", at=[0]), "x"), op("index", "c", at=[1])), "x"), op("index", "c", at=[2])), "x"), op("index", "c", at=[3]))),
    case("finite differences by slices", {"x": V4}, op("subtract", op("slice", "x", start=[1], stop=[None]), op("slice", "x", start=[None], stop=[-1]))),
    case("log of a product of softmax", {"x": V3}, op("log", op("prod", op("softmax", "x")))),
    case("gather and reduce", {"table": M23}, op("sum", op("exp", op("take", "table", indices=[1, 1, 0], axis=0)), axis=0)),
    case("stack of reductions", {"x": V4}, op("stack", op("max", "x"), op("min", "x"), op("mean", "x"), op("logsumexp", "x"), op("vector_norm", "x"))),
    case("kernel matrix", {"x": V3, "s": 0.8}, op("exp", op("divide", op("negative", op("square", op("subtract", op("expand_dims", "x", axis=1), op("expand_dims", "x", axis=0)))), op("multiply", 2, op("square", "s"))))),
]

CASES = REDUCTIONS + EDGES + NORMALISERS + SHAPES + PRODUCTS + BROADCASTING + CALLS + COMPOSITIONS
