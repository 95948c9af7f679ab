"""Requests of einsum, tensordot, cross, convolve, kron, trace and norms of matrices."""
from tensor_cases import INFINITE_ORDER, M23, NEAR, T222, T232, V3, V4, case, on_x, op

NAN, INF = "NaN", "Infinity"
M33 = [[0.5, -1.5, 2.0], [0.25, 3.0, -0.75], [1.25, -2.5, 4.0]]
M32 = [[1.0, 0.5], [-2.0, 3.0], [0.1, 0.2]]
M22 = [[1.0, 2.0], [3.0, -4.0]]
P2 = [0.7, -1.9]


def einsum(text, *tensors, bound=NEAR, shapes=None, note=None):
    names = "ABCDE"[:len(tensors)]
    by_hand = {"note": note} if note else {}
    return case(f"einsum {text}{', ' + note if note else ''}", dict(zip(names, tensors)), op("einsum", *names, subscripts=text), bound, shapes=shapes, **by_hand)


SUMS = [
    einsum("ij,jk->ik", M23, M32), einsum("ij,jk", M23, M32), einsum("ij,jk->ki", M23, M32), einsum("i,i->", V3, [4.0, 5.5, -6.0]), einsum("i,j->ij", P2, V3), einsum("i,i->i", V3, [4.0, 5.5, -6.0]),
    einsum("ij->ji", M23, bound="exact"), einsum("ba", M23, bound="exact"), einsum("ij->", M23), einsum("ij->j", M23), einsum("ii->i", M33, bound="exact"), einsum("ii", M33), einsum("iij->ij", T222, bound="exact"),
    einsum("iii->i", T222, bound="exact"), einsum("ijj,j->i", [[[0.3, -0.7], [1.1, 0.9]], [[-1.3, 2.1], [0.4, -0.6]], [[1.0, 2.0], [3.0, 4.0]]], P2), einsum("bij,bjk->bik", T222, [[[1.0, 2.0], [3.0, 4.0]], [[-1.0, 0.5], [0.25, 8.0]]]),
    einsum("bij,bjk->ik", T222, [[[1.0, 2.0], [3.0, 4.0]], [[-1.0, 0.5], [0.25, 8.0]]]), einsum("ij,jk,kl->il", M23, M32, M22), einsum("i,ij,j->", P2, M23, V3), einsum("i,ij,j,k->k", P2, M23, V3, V4), einsum("ij,kj->ik", M23, M33),
    einsum("ijk,jl,kl->il", T232, M32, M22), einsum("...ij,...jk->...ik", T222, M22), einsum("...i,i", T232, P2), einsum("i...,i...->...", M22, T222), einsum("...,...->...", M23, 2.5), einsum("...", M23, bound="exact"),
    einsum("i...->...", T232), einsum(" i j , j -> i ", M23, V3, note="spaces"), einsum("ij,jk->ik", [[0.5], [1.5]], M32, note="an axis of 1 is repeated"), einsum("i,i->i", [2.0], V3, note="an axis of 1 is repeated"),
    einsum("ij,ij->ij", [[1.0, 2.0, 3.0]], [[0.5], [-0.5]], note="both repeat"), einsum("ij,jk->ik", [[], []], [], shapes={"A": [2, 0], "B": [0, 3]}, bound="exact", note="an inner axis of 0"), einsum("i,j->ij", [], V3, bound="exact", note="an outer axis of 0"),
    einsum(",", 2.0, 3.5), einsum(",i->i", 2.0, V3), einsum("aB,Bc->ac", M23, M32), einsum("ij,ij,ij->j", M23, M23, M23, note="three of one shape"), einsum("ij,ik->jk", M23, M23), einsum("ijkl,kl->ij", [[[[1.0, 2.0], [3.0, 4.0]]], [[[-1.0, 0.5], [0.25, 8.0]]]], M22),
    einsum("i,i->", [0.0, 1.0], [INF, 2.0], bound="exact", note="zero times infinity"), einsum("ij,j->i", [[1.0, NAN], [2.0, 3.0]], P2, note="NaN"),
]
SUMS += [
    case("einsum of one thrice", {"x": V3}, op("einsum", "x", "x", "x", subscripts="i,i,i->"), NEAR),
    case("einsum, a bilinear form of functions", {"x": P2, "M": M23, "z": V3}, op("einsum", op("sin", "x"), "M", op("exp", "z"), subscripts="i,ij,j"), NEAR),
    case("einsum, attention", {"q": M22, "k": M32, "v": M32}, op("einsum", op("softmax", op("einsum", "q", "k", subscripts="id,jd->ij")), "v", subscripts="ij,jd->id"), NEAR),
]

DOTS = [case(f"tensordot, {label}", {"a": a, "b": b}, op("tensordot", "a", "b", **attributes), bound) for label, a, b, attributes, bound in [
    ("default", T232, [[[1.0], [2.0]], [[-1.0], [0.5]], [[0.25], [4.0]]], {}, NEAR), ("one axis", M23, M32, {"axes": 1}, NEAR), ("no axis", P2, V3, {"axes": 0}, NEAR), ("three axes", T222, T222, {"axes": 3}, NEAR),
    ("lists", T232, M23, {"axes": [[0, 1], [0, 1]]}, NEAR), ("lists, crossed", T232, M32, {"axes": [[1, 2], [0, 1]]}, NEAR), ("lists, negative", T232, M32, {"axes": [[-1], [-1]]}, NEAR), ("a pair of axes", M23, M23, {"axes": [1, 1]}, NEAR),
    ("empty lists", P2, P2, {"axes": [[], []]}, NEAR), ("axes in another order", T222, T222, {"axes": [[2, 0], [0, 1]]}, NEAR), ("over nothing", [[], []], [[], []], {"axes": [[1], [1]]}, "exact")]]
DOTS += [case("tensordot with itself", {"a": M23}, op("tensordot", "a", "a", axes=[[0], [0]]))]

CROSSES = [case(f"cross, {label}", {"a": a, "b": b}, op("cross", "a", "b", **attributes), bound) for label, a, b, attributes, bound in [
    ("vectors", V3, [4.0, 5.5, -6.0], {}, NEAR), ("unit vectors", [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], {}, "exact"), ("parallel", [1.0, 2.0, 3.0], [2.0, 4.0, 6.0], {}, "exact"), ("rows", M23, [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]], {}, NEAR),
    ("columns", M32, [[0.5, 1.5], [2.5, -1.0], [0.25, 3.0]], {"axis": 0}, NEAR), ("broadcast", M23, V3, {}, NEAR), ("broadcast the other way", V3, M23, {}, NEAR), ("middle axis", [[[1.0], [2.0], [3.0]], [[-1.0], [0.5], [4.0]]], [[[0.5], [1.5], [-2.0]]], {"axis": 1}, NEAR),
    ("zeros", [0.0, 0.0, 0.0], V3, {}, "exact"), ("with NaN", [NAN, 1.0, 2.0], [1.0, 1.0, 1.0], {}, "exact")]]
CROSSES += [
    case("cross with itself", {"a": V3}, op("cross", "a", "a"), "exact", value={"y": ["0.0"] * 3}, jacobian={"y": {"a": [["0.0"] * 3] * 3}}),
    case("cross, triple product", {"a": V3, "b": [1.0, -1.0, 0.5], "c": [0.25, 2.0, 3.0]}, op("vecdot", "a", op("cross", "b", "c"))),
    case("cross of no vectors", {"a": [], "b": V3}, op("cross", "a", "b"), "exact", shapes={"a": [0, 3]}),
]

CONVOLUTIONS = [case(f"convolve, {mode}, {label}", {"a": a, "v": v}, op("convolve", "a", "v", mode=mode), NEAR) for mode in ("full", "same", "valid") for label, a, v in [
    ("4 and 3", V4, V3), ("3 and 4", V3, V4), ("4 and 2", V4, P2), ("2 and 5", P2, [1.0, 0.5, -2.0, 3.0, 0.25]), ("3 and 3", V3, [4.0, 5.5, -6.0]), ("4 and 1", V4, [2.5])]]
CONVOLUTIONS += [
    case("convolve, default mode", {"a": V4, "v": V3}, op("convolve", "a", "v")),
    case("convolve, one and one", {"a": [3.0], "v": [-7.0]}, op("convolve", "a", "v", mode="same"), "exact"),
    case("convolve with itself", {"a": V3}, op("convolve", "a", "a")),
    case("convolve, infinity beside a zero", {"a": [0.0, 1.0], "v": [1.0, INF]}, op("convolve", "a", "v"), "exact", value={"y": ["0.0", "nan", "inf"]},
         jacobian={"y": {"a": [["1.0", "0.0"], ["inf", "1.0"], ["0.0", "inf"]], "v": [["0.0", "0.0"], ["1.0", "0.0"], ["0.0", "1.0"]]}}, note="nothing is padded: 0 stands in one product alone"),
    case("convolve with a constant, of a function", {"a": V4}, op("convolve", op("sin", "a"), {"const": [0.25, 0.5, 0.25]}, mode="same")),
]

KRONS = [case(f"kron, {label}", {"a": a, "b": b}, op("kron", "a", "b"), bound) for label, a, b, bound in [
    ("matrices", M22, M23, NEAR), ("vectors", P2, V3, NEAR), ("vector and matrix", P2, M22, NEAR), ("matrix and vector", M22, P2, NEAR), ("scalar and matrix", 2.0, M23, "exact"), ("three axes", T222, [[[0.5], [2.0]]], "exact"),
    ("with the identity", [[1.0, 0.0], [0.0, 1.0]], M22, "exact"), ("nothing", [], V3, "exact"), ("row and column", [[1.0, 2.0]], [[3.0], [-1.0]], "exact")]]
KRONS += [case("kron with itself", {"a": P2}, op("kron", "a", "a"))]

TRACES = [on_x(f"trace, {label}", x, "trace", bound, **attributes) for label, x, bound, attributes in [
    ("square", M33, NEAR, {}), ("wide", M23, NEAR, {}), ("tall", M32, NEAR, {}), ("above", M33, NEAR, {"offset": 1}), ("below", M33, NEAR, {"offset": -1}), ("beyond", M22, "exact", {"offset": 2}), ("batch", T222, NEAR, {}), ("one element", [[5.0]], "exact", {}),
    ("no columns", [[], []], "exact", {}), ("NaN off the diagonal", [[1.0, NAN], [NAN, 2.0]], "exact", {})]]
TRACES += [case("trace of a power", {"A": M33}, op("trace", op("matmul", "A", op("matmul", "A", "A"))))]

NORMS = [on_x(f"matrix_norm {label}, {what}", x, "matrix_norm", NEAR, **({"ord": order} if order else {}), **attributes) for label, order in (("by default", None), ("fro", "fro"), ("nuc", "nuc"), ("1", 1), ("2", 2), ("inf", INFINITE_ORDER)) for what, x, attributes in [
    ("square", M33, {}), ("wide", M23, {}), ("batch", T232, {}), ("keepdims", M32, {"keepdims": True})]]
NORMS += [
    on_x("matrix_norm of zeros", [[0.0, 0.0], [0.0, 0.0]], "matrix_norm", "exact", "0.0", [["0.0", "0.0"], ["0.0", "0.0"]], "rule 3: 0 at 0"),
    on_x("matrix_norm 1 of zeros", [[0.0, 0.0], [0.0, 0.0]], "matrix_norm", "exact", "0.0", [["0.0", "0.0"], ["0.0", "0.0"]], "rule 3: 0 at 0", ord=1),
    *[on_x(f"matrix_norm {order} of zeros", [[0.0, 0.0], [0.0, 0.0]], "matrix_norm", "exact", "0.0", [["0.0", "0.0"], ["0.0", "0.0"]], "rule 3: 0 at 0", ord=order) for order in ("nuc", 2)],
    on_x("matrix_norm 2, equal singular values", [[3.0, 0.0], [0.0, 3.0]], "matrix_norm", "exact", "3.0", [["0.5", "0.0"], ["0.0", "0.5"]], "rule 3: ties share", ord=2),
    on_x("matrix_norm nuc, a singular value of 0", [[3.0, 0.0], [0.0, 0.0]], "matrix_norm", "exact", "3.0", [["1.0", "0.0"], ["0.0", "0.0"]], "rule 3: 0 along it", ord="nuc"),
    on_x("matrix_norm nuc, of rank 1", [[1.0, 2.0], [2.0, 4.0]], "matrix_norm", NEAR, note="rule 3: what rounding leaves of 0 counts nothing", ord="nuc"),
    on_x("matrix_norm 2 with NaN", [[1.0, NAN], [2.0, 3.0]], "matrix_norm", "exact", ord=2),
    on_x("matrix_norm nuc of nothing", [[], []], "matrix_norm", "exact", "0.0", [[], []], ord="nuc"),
    on_x("matrix_norm 1, columns tie", [[1.0, -2.0], [2.0, 1.0]], "matrix_norm", "exact", "3.0", [["0.5", "-0.5"], ["0.5", "0.5"]], "rule 3: ties share", ord=1),
    on_x("matrix_norm inf, rows tie", [[1.0, -2.0], [2.0, 1.0]], "matrix_norm", "exact", "3.0", [["0.5", "-0.5"], ["0.5", "0.5"]], "rule 3: ties share", ord=INFINITE_ORDER),
    on_x("matrix_norm, squares overflow", [[1e200, -2e200], [0.0, 1e199]], "matrix_norm"),
    on_x("matrix_norm of nothing", [[], []], "matrix_norm", "exact", "0.0", [[], []]),
    on_x("matrix_norm 1 of nothing", [[], []], "matrix_norm", "exact", "0.0", [[], []], ord=1),
    on_x("matrix_norm with NaN", [[1.0, NAN], [2.0, 3.0]], "matrix_norm", "exact", ord=1),
]

CASES = SUMS + DOTS + CROSSES + CONVOLUTIONS + KRONS + TRACES + NORMS
