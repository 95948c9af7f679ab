"""The functions of second.py: one or more an operator, curved outside where the operator is linear, at points where it is smooth."""
from tensor_cases import M23, T222, V3, V4, op

M33 = [[0.5, -1.5, 2.0], [0.25, 3.0, -0.75], [1.25, -2.5, 4.0]]
M32 = [[1.0, 0.5], [-2.0, 3.0], [0.1, 0.2]]
M22 = [[1.0, 2.0], [3.0, -4.0]]
P2 = [0.7, -1.9]
P3 = [1.5, 0.25, 3.0]
BOUND = 1e-12


def case(kind, point, /, *args, bound=BOUND, differenced=False, **attributes):
    return {"op": kind, "at": point, "differenced": differenced, "expression": op(kind, *args, **attributes), "bound": bound}


def curved(kind, x, /, **attributes):
    """A linear operator of what is curved."""
    return case(kind, {"x": x}, op("sin", "x"), **attributes)


def multiplied(kind, a, b, **attributes):
    """A bilinear operator of two inputs, one of them curved."""
    return case(kind, {"a": a, "b": b}, op("exp", "a"), "b", **attributes)


REDUCTIONS = [
    curved("sum", M23, axis=0), case("prod", {"x": V4}, "x"), case("prod", {"x": [2.0, 0.0, 3.0, 0.5]}, "x"), case("prod", {"x": [0.0, 5.0, 0.0]}, "x"), case("prod", {"x": M23}, "x", axis=1), curved("mean", M23, axis=1),
    case("logsumexp", {"x": V4}, "x"), case("logsumexp", {"x": M23}, "x", axis=0), case("vector_norm", {"x": V4}, "x"), case("vector_norm", {"x": M23}, op("sin", "x"), axis=1), curved("vector_norm", V4, ord=1), curved("max", M23, axis=1), curved("min", V4),
    case("var", {"x": V4}, "x"), case("var", {"x": M23}, op("exp", "x"), axis=1, correction=1), case("std", {"x": V4}, "x"), case("std", {"x": M23}, op("exp", "x"), axis=0, correction=0.5),
    curved("cumulative_sum", V4), curved("cumulative_sum", M23, axis=1, reverse=True), case("cumulative_prod", {"x": V4}, "x"), case("cumulative_prod", {"x": [2.0, 0.0, 3.0, 0.0, 1.5]}, "x"), case("cumulative_prod", {"x": M23}, op("sin", "x"), axis=1, reverse=True),
    case("linear_recurrence", {"a": V4, "b": [1.0, 2.0, -0.5, 0.25]}, op("sin", "a"), op("exp", "b")), case("linear_recurrence", {"a": 0.5, "b": V4}, "a", op("sin", "b"), reverse=True),
    case("softmax", {"x": V4}, "x"), case("log_softmax", {"x": M23}, "x", axis=0),
]
SHAPES = [
    curved("reshape", M23, shape=[3, 2]), curved("permute_dims", M23, axes=[1, 0]), curved("broadcast_to", V3, shape=[2, 3]), curved("expand_dims", V3, axis=0), curved("squeeze", [[0.5], [1.5]], axis=1),
    case("concat", {"x": V3, "z": P2}, op("sin", "x"), op("exp", "z")), case("stack", {"x": V3, "z": P3}, op("sin", "x"), op("multiply", "x", "z"), axis=1), curved("slice", V4, start=[None], step=[-2]), curved("index", M23, at=[1]),
    curved("take", V4, indices=[3, 0, 0]), case("scatter_add", {"x": V3, "u": P2}, op("sin", "x"), op("square", "u"), indices=[1, 1]), curved("embed", V3, shape=[7], start=[1], step=[2]),
    curved("flip", M23), curved("roll", V4, shift=1), curved("roll", M23, shift=[1, 2], axis=[0, 1]), curved("tile", V3, repetitions=[2, 2]), curved("diagonal", M33, offset=1), curved("diag", V3, offset=-1), curved("tril", M33), curved("triu", M33, k=1),
    case("one_hot", {"x": 0.5}, indices=[1, 0], size=3), curved("sort", V4), curved("sort", M23, axis=0, descending=True), case("take_sorted", {"x": V3, "v": P3}, "x", op("exp", "v")), case("put_sorted", {"x": V3, "v": P3}, "x", op("exp", "v")),
    case("polyval", {"c": [2.0, -3.0, 0.5, 1.0], "x": V3}, "c", "x"), case("polyval", {"c": [0.5, 0.0, -1.0], "x": 0.0}, op("exp", "c"), "x"), curved("interp", V4, xp=[-1.0, 0.0, 0.5, 2.0], fp=[2.0, -1.0, 0.5, 4.5]), curved("interp_slope", V4, xp=[-1.0, 0.0, 0.5, 2.0], fp=[2.0, -1.0, 0.5, 4.5]),
]
PRODUCTS = [
    multiplied("matmul", M23, M32), case("matmul", {"a": M22}, "a", "a"), multiplied("matmul", V3, M32), multiplied("vecdot", M23, V3), multiplied("outer", P2, V3),
    multiplied("tensordot", M23, M32, axes=1), multiplied("tensordot", T222, T222, axes=[[2, 0], [0, 1]]), multiplied("einsum", M23, M32, subscripts="ij,jk->ik"), case("einsum", {"x": V3}, "x", "x", "x", subscripts="i,i,i->i"),
    case("einsum", {"a": M33, "b": P3}, "a", "b", subscripts="ii,i->i"), case("einsum", {"a": P2, "M": M23, "b": V3}, "a", "M", op("exp", "b"), subscripts="i,ij,j->"), multiplied("cross", V3, P3), multiplied("cross", M23, V3),
    multiplied("convolve", V4, V3), multiplied("convolve", V4, V3, mode="same"), multiplied("convolve", P2, V4, mode="valid"), case("convolve", {"a": V3}, "a", "a"), multiplied("kron", M22, P2),
]
MATRICES = [curved("trace", M33), case("trace", {"A": M33}, op("matmul", "A", "A"), offset=1), case("matrix_norm", {"A": M23}, "A"), curved("matrix_norm", M23, ord=1), case("matrix_norm", {"A": T222}, op("exp", "A")),
            *[case("matrix_norm", {"A": matrix}, "A", ord=order, differenced=True) for order in (2, "nuc") for matrix in (M22, M33, M23, M32)]]

CASES = REDUCTIONS + SHAPES + PRODUCTS + MATRICES
