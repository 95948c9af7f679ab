"""The requests of linear_algebra.py: graph, point, bound, whether second derivatives are checked, and results by hand where a
convention of ops.md decides."""
from tensor_cases import declared, op

NEAR = 1e-13

ONE = [[2.5]]
G2 = [[1.5, -0.5], [0.25, 2.0]]
G3 = [[4.0, 1.0, 0.5], [2.0, 5.0, -1.0], [0.25, 1.5, 3.0]]
G4 = [[2.0, -1.0, 0.5, 0.25], [0.75, 3.0, -0.5, 1.0], [-1.25, 0.5, 2.5, 0.375], [0.125, -0.75, 1.5, 4.0]]
SWAPPED = [[0.0, 2.0, 1.0], [1.0, 0.0, -3.0], [4.0, 1.0, 0.0]]  # its first pivot is 0
S2 = [[2.0, 0.5], [0.5, 1.25]]
S3 = [[4.0, 1.0, -0.5], [1.0, 3.0, 0.75], [-0.5, 0.75, 2.0]]
S4 = [[5.0, 1.0, 0.5, -0.25], [1.0, 4.0, -1.0, 0.5], [0.5, -1.0, 3.5, 0.75], [-0.25, 0.5, 0.75, 2.5]]
HILBERT = lambda n: [[1.0 / (i + j + 1) for j in range(n)] for i in range(n)]
WIDE = [[1e6, 2e-3, 5e2], [3e2, 4e-4, -1e-1], [-2e4, 1e-5, 7.0]]  # columns of very different size
GRADED = [[1.0, 1e-4, 1e-8], [1e-4, 1e-6, 1e-11], [1e-8, 1e-11, 1e-13]]  # and rows, symmetric and definite
PAIR = [[[1.5, -0.5], [0.25, 2.0]], [[0.5, 1.0], [-2.0, 0.75]]]
DEFINITE_PAIR = [[[2.0, 0.5], [0.5, 1.25]], [[1.0, -0.25], [-0.25, 3.0]]]
TALL = [[1.0, 2.0], [0.5, -1.0], [2.0, 0.25]]
BROAD = [[1.0, 0.5, 2.0], [2.0, -1.0, 0.25]]
RANK_1 = [[1.0, 2.0, -1.0], [2.0, 4.0, -2.0], [0.5, 1.0, -0.5]]
RANK_2 = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
RANK_3 = [[1.0, 0.0, 2.0, 1.0], [0.0, 1.0, 1.0, -1.0], [2.0, 1.0, 0.5, 0.25], [3.0, 2.0, 3.5, 0.25]]  # the last is the sum of the others
RANK_2_OF_4 = [[1.0, 2.0, 0.0, 1.0], [2.0, 0.0, 1.0, -1.0], [3.0, 2.0, 1.0, 0.0], [-1.0, 2.0, -1.0, 2.0]]
ZERO_3 = [[0.0] * 3 for _ in range(3)]
ROTATION = [[0.0, -1.5], [1.5, 0.0]]
NILPOTENT = [[0.0, 1e6, 2.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]
NAN = "NaN"


def filled(shape, word):
    return [filled(shape[1:], word) for _ in range(shape[0])] if shape else word


def case(kind, label, at, expression, bound=NEAR, hessian=False, shapes=None, results=None, **more):
    """`results`: names of a several-valued operator's results, each an output."""
    if results:
        outputs = [{"name": name, "value": op("item", expression, index=i)} for i, name in enumerate(results)]
    else:
        outputs = [{"name": "y", "value": expression}]
    graph = {"inputs": declared(at, shapes), "nodes": [], "outputs": outputs}
    return {"name": f"{kind}, {label}", "op": kind, "graph": graph, "at": at, "bound": bound, "hessian": hessian, **more}


def nans(kind, label, at, expression, shapes, note):
    """Values and slopes that are NaN throughout."""
    value = {"y": filled(shapes["y"], "nan")}
    jacobian = {"y": {name: filled([*shapes["y"], *shapes[name]], "nan") for name in at}}
    return case(kind, label, at, expression, "exact", value=value, jacobian=jacobian, note=note)


B2, B3, B4 = [0.5, -1.25], [1.0, 2.0, -0.5], [0.5, -1.0, 2.0, 1.5]
RIGHT_3 = [[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75]]


def systems(kind, matrices, **attributes):
    suffix = "".join(f", {key}" for key in attributes)
    for label, a, b, bound, hessian in matrices:
        yield case(kind, label + suffix, {"A": a, "b": b}, op(kind, "A", "b", **attributes), bound, hessian)


SOLVE = [
    *systems("solve", [
        ("1 x 1", ONE, [1.5], NEAR, True),
        ("2 x 2 and a vector", G2, B2, NEAR, True),
        ("2 x 2 and a matrix", G2, [[0.5, 1.0, -2.0], [-1.25, 0.75, 3.0]], NEAR, False),
        ("3 x 3 and a vector", G3, B3, NEAR, True),
        ("3 x 3 and a matrix", G3, RIGHT_3, NEAR, False),
        ("4 x 4 and a vector", G4, B4, NEAR, False),
        ("a first pivot of 0", SWAPPED, B3, NEAR, False),
        ("a Hilbert matrix", HILBERT(5), [1.0, -1.0, 1.0, 0.5, 2.0], 1e-9, False),
        ("entries of all sizes", WIDE, B3, 1e-9, False),
        ("a batch and a batch", PAIR, [[[1.0], [2.0]], [[-0.5], [0.25]]], NEAR, False),
        ("a batch and a vector", PAIR, B2, NEAR, False),
        ("a matrix and a batch", G2, [[[1.0], [2.0]], [[-0.5], [0.25]]], NEAR, True),
    ]),
    *systems("solve", [("3 x 3 and a matrix", G3, RIGHT_3, NEAR, False), ("2 x 2 and a vector", G2, B2, NEAR, True)], transpose=True),
    case("solve", "of no rows", {"A": [], "b": []}, op("solve", "A", "b"), "exact", shapes={"A": [0, 0], "b": [0]}),
    nans("solve", "a NaN entry", {"A": [["NaN", 1.0], [2.0, 3.0]], "b": B2}, op("solve", "A", "b"), {"y": [2], "A": [2, 2], "b": [2]},
         "what it leads to is NaN"),
]

UPPER = [[2.0, -1.0, 0.5], [9.0, 1.5, 0.75], [9.0, 9.0, -3.0]]  # what lies outside is not read
TRIANGULAR = [
    *systems("triangular_solve", [("upper", UPPER, B3, NEAR, True), ("upper and a matrix", UPPER, RIGHT_3, NEAR, False), ("1 x 1", ONE, [1.5], NEAR, True)]),
    *systems("triangular_solve", [("lower", G3, B3, NEAR, True), ("lower and a matrix", G3, RIGHT_3, NEAR, False),
                                  ("lower 4 x 4", G4, B4, NEAR, False), ("a lower Hilbert matrix", HILBERT(4), B4, 1e-10, False)], lower=True),
    *systems("triangular_solve", [("upper", UPPER, B3, NEAR, True), ("a batch", PAIR, B2, NEAR, False)], transpose=True),
    *systems("triangular_solve", [("of a batch", PAIR, [[[1.0, 2.0], [0.5, -1.0]]], NEAR, False), ("entries of all sizes", WIDE, B3, 1e-11, False)],
             lower=True, transpose=True),
    case("triangular_solve", "of no rows", {"A": [], "b": []}, op("triangular_solve", "A", "b"), "exact", shapes={"A": [0, 0], "b": [0]}),
    case("triangular_solve", "NaN where nothing is read", {"A": [[2.0, 1.0], [NAN, 4.0]], "b": [1.0, 2.0]}, op("triangular_solve", "A", "b"), NEAR,
         value={"y": ["0.25", "0.5"]},
         jacobian={"y": {"A": [[["-0.125", "-0.25"], ["0.0", "0.0625"]], [["0.0", "0.0"], ["0.0", "-0.125"]]], "b": [["0.5", "-0.125"], ["0.0", "0.25"]]}}),
]


def of_a(kind, matrices, results=None, **attributes):
    for label, a, bound, hessian in matrices:
        yield case(kind, label, {"A": a}, op(kind, "A", **attributes), bound, hessian, results=results)


def empty(kind, sizes, results=None, **more):
    return case(kind, "of no rows", {"A": filled(sizes, 0.0)}, op(kind, "A"), "exact", shapes={"A": sizes}, results=results, **more)


INV = [
    *of_a("inv", [("1 x 1", ONE, NEAR, True), ("2 x 2", G2, NEAR, True), ("3 x 3", G3, NEAR, True), ("4 x 4", G4, NEAR, False),
                  ("a first pivot of 0", SWAPPED, NEAR, False), ("a Hilbert matrix", HILBERT(4), 1e-10, False),
                  ("entries of all sizes", WIDE, 1e-9, False), ("a batch", PAIR, NEAR, False)]),
    empty("inv", [0, 0]),
    nans("inv", "a NaN entry", {"A": [["NaN", 1.0], [2.0, 3.0]]}, op("inv", "A"), {"y": [2, 2], "A": [2, 2]}, "what it leads to is NaN"),
    case("inv", "of zero, 1 x 1", {"A": [[0.0]]}, op("inv", "A"), "exact", value={"y": [["inf"]]}, jacobian={"y": {"A": [[[["-inf"]]]]}},
         note="as reciprocal"),
]

DET = [
    *of_a("det", [("1 x 1", ONE, NEAR, True), ("2 x 2", G2, NEAR, True), ("3 x 3", G3, NEAR, True), ("4 x 4", G4, NEAR, True),
                  ("a first pivot of 0", SWAPPED, NEAR, True), ("entries of all sizes", WIDE, 1e-11, False), ("a batch", PAIR, NEAR, True)]),
    case("det", "a Hilbert matrix", {"A": HILBERT(5)}, op("det", "A"), 1e-11, False),
    case("det", "singular, 2 x 2", {"A": [[1.0, 2.0], [2.0, 4.0]]}, op("det", "A"), NEAR, True, floor=1.0),
    case("det", "of rank 2, 3 x 3", {"A": RANK_2}, op("det", "A"), NEAR, True, floor=10.0),
    case("det", "of rank 1, 3 x 3", {"A": RANK_1}, op("det", "A"), NEAR, True, floor=1.0, note="no gradient, but a Hessian"),
    case("det", "zero, 3 x 3", {"A": ZERO_3}, op("det", "A"), "exact", True),
    case("det", "of rank 3, 4 x 4", {"A": RANK_3}, op("det", "A"), NEAR, True, floor=10.0),
    case("det", "of rank 2, 4 x 4", {"A": RANK_2_OF_4}, op("det", "A"), NEAR, True, floor=10.0, note="no gradient, but a Hessian"),
    case("det", "of numbers that vanish on the way", {"A": [[1e-200, 0.0, 0.0], [0.0, 1e-150, 0.0], [0.0, 0.0, 1e250]]}, op("det", "A"), NEAR),
    case("det", "of no rows", {"A": []}, op("det", "A"), "exact", shapes={"A": [0, 0]}),
    case("det", "a NaN entry", {"A": [[NAN, 1.0], [2.0, 3.0]]}, op("det", "A"), "exact", value={"y": "nan"},
         jacobian={"y": {"A": [["3.0", "-2.0"], ["-1.0", "nan"]]}}),
]

E3 = [[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [0.125, 2.0, 1.0]]
F3 = [[-0.25, 0.5, 1.0], [0.75, -1.5, 0.25], [1.25, 0.5, -0.5]]
E4 = [[0.5, -1.0, 0.25, 0.75], [1.5, 0.75, -0.5, 0.25], [0.125, 2.0, 1.0, -1.0], [0.5, -0.25, 1.5, 0.375]]
F4 = [[1.0, 0.25, -0.75, 0.5], [-0.5, 1.5, 0.125, 1.0], [2.0, -0.25, 0.5, 0.75], [0.25, 1.0, -1.5, 0.625]]
G5 = [[*row, x] for row, x in zip(G4, [0.5, -0.25, 1.0, 0.75])] + [[1.0, 0.5, -0.5, 0.25, 3.0]]
COFACTOR = [
    *of_a("cofactor", [("1 x 1", ONE, "exact", False), ("2 x 2", G2, "exact", False), ("3 x 3", G3, NEAR, True), ("4 x 4", G4, NEAR, True),
                       ("of rank 3, 4 x 4", RANK_3, NEAR, False), ("5 x 5", G5, NEAR, False)]),
    case("cofactor", "of rank 2, 4 x 4", {"A": RANK_2_OF_4}, op("cofactor", "A"), NEAR, False, floor=10.0),
    *[case("cofactor", f"{label} along one", {"A": a, "E": e}, op("cofactor", "A", "E"), NEAR, hessian)
      for label, a, e, hessian in [("2 x 2", G2, S2, False), ("3 x 3", G3, E3, False), ("4 x 4", G4, E4, False), ("rank 2, 4 x 4,", RANK_2_OF_4, E4, False)]],
    *[case("cofactor", f"{label} along two", {"A": a, "E": e, "F": f}, op("cofactor", "A", "E", "F"), NEAR)
      for label, a, e, f in [("3 x 3", G3, E3, F3), ("4 x 4", G4, E4, F4), ("rank 2, 4 x 4,", RANK_2_OF_4, E4, F4)]],
    case("cofactor", "along nothing", {"A": [[NAN, 1.0], [2.0, 3.0]]}, op("cofactor", "A", {"const": [[0.0, 0.0], [0.0, 0.0]]}), "exact",
         value={"y": filled([2, 2], "0.0")}, jacobian={"y": {"A": filled([2, 2, 2, 2], "0.0")}}),
]

INDEFINITE = [[1.0, 2.0], [2.0, 1.0]]
CHOLESKY = [
    *of_a("cholesky", [("1 x 1", ONE, NEAR, True), ("2 x 2", S2, NEAR, True), ("3 x 3", S3, NEAR, True), ("4 x 4", S4, NEAR, False),
                       ("not symmetric", [[4.0, 1.0, 0.5], [0.5, 3.0, -1.0], [0.25, 0.5, 2.0]], NEAR, True), ("a Hilbert matrix", HILBERT(4), 1e-10, False),
                       ("entries of all sizes", GRADED, 1e-11, False), ("a batch", DEFINITE_PAIR, NEAR, False), ("diagonal", [[4.0, 0.0], [0.0, 9.0]], NEAR, True)]),
    empty("cholesky", [0, 0]),
    case("cholesky", "not definite", {"A": INDEFINITE}, op("cholesky", "A"), "exact", value={"y": [["nan", "0.0"], ["nan", "nan"]]},
         jacobian={"y": {"A": [[filled([2, 2], "nan"), filled([2, 2], "0.0")], [filled([2, 2], "nan"), filled([2, 2], "nan")]]}},
         note="a domain error"),
]

EXPM = [
    *of_a("expm", [("1 x 1", ONE, NEAR, True), ("2 x 2", G2, NEAR, True), ("3 x 3", [[0.4, 0.1, 0.05], [0.2, 0.5, -0.1], [0.025, 0.15, 0.3]], NEAR, True),
                   ("3 x 3 of norm 7", G3, NEAR, False), ("4 x 4", G4, NEAR, False), ("a rotation", ROTATION, NEAR, True), ("zero", [[0.0, 0.0], [0.0, 0.0]], NEAR, True),
                   ("tiny", [[1e-9, 2e-9], [-3e-9, 1e-10]], NEAR, True), ("nilpotent and far from normal", NILPOTENT, 1e-12, False),
                   ("of large norm", [[-40.0, 30.0], [20.0, -25.0]], 1e-11, False), ("a batch", PAIR, NEAR, False)]),
    empty("expm", [0, 0]),
    nans("expm", "a NaN entry", {"A": [[NAN, 1.0], [2.0, 3.0]]}, op("expm", "A"), {"y": [2, 2], "A": [2, 2]}, "what it leads to is NaN"),
]

SMALL_3 = [[0.4, 0.1, 0.05], [0.2, 0.5, -0.1], [0.025, 0.15, 0.3]]
EXPM_DERIVATIVE = [
    *[case("expm_derivative", label, {"A": a, "E": e}, op("expm_derivative", "A", "E"), bound, hessian)
      for label, a, e, bound, hessian in [
          ("1 x 1", ONE, [[-0.5]], NEAR, True), ("2 x 2", G2, S2, NEAR, True), ("3 x 3", SMALL_3, E3, NEAR, False), ("3 x 3 of norm 7", G3, E3, NEAR, False),
          ("along a large direction", G2, [[1e8, -2e8], [3e8, 1e8]], 1e-12, False), ("along a small direction", G2, [[1e-200, 0.0], [3e-200, 1e-200]], NEAR, False),
          ("at zero", [[0.0, 0.0], [0.0, 0.0]], S2, NEAR, False), ("a batch", PAIR, DEFINITE_PAIR, NEAR, False), ("a rotation", ROTATION, S2, NEAR, False)]],
    case("expm_derivative", "along nothing", {"A": [[NAN, 1.0], [2.0, 3.0]]}, op("expm_derivative", "A", {"const": [[0.0, 0.0], [0.0, 0.0]]}), "exact",
         value={"y": filled([2, 2], "0.0")}, jacobian={"y": {"A": filled([2, 2, 2, 2], "0.0")}}),
]

PINV = [
    *of_a("pinv", [("1 x 1", ONE, NEAR, True), ("2 x 2", G2, NEAR, True), ("3 x 3", G3, NEAR, False), ("tall", TALL, NEAR, True), ("broad", BROAD, NEAR, True),
                   ("of rank 1, 3 x 3", RANK_1, NEAR, False), ("of rank 2, 3 x 3", RANK_2, 1e-11, False), ("a Hilbert matrix", HILBERT(4), 1e-9, False),
                   ("a batch", PAIR, NEAR, False), ("one column", [[1.0], [2.0], [-2.0]], NEAR, True), ("tall, of rank 1", [[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]], NEAR, False)]),
    case("pinv", "of no rows", {"A": []}, op("pinv", "A"), "exact", shapes={"A": [0, 2]}),
    nans("pinv", "a NaN entry", {"A": [[NAN, 1.0], [2.0, 3.0]]}, op("pinv", "A"), {"y": [2, 2], "A": [2, 2]}, "what it leads to is NaN"),
]

SLOGDET = [
    *of_a("slogdet", [("1 x 1", [[-2.5]], NEAR, True), ("2 x 2", G2, NEAR, True), ("3 x 3", G3, NEAR, True), ("4 x 4", G4, NEAR, False),
                      ("a first pivot of 0", SWAPPED, NEAR, False), ("a Hilbert matrix", HILBERT(5), 1e-10, False), ("a batch", PAIR, NEAR, True),
                      ("beyond the largest number", [[1e200, 0.0], [1e199, -1e200]], NEAR, False)],
          ["sign", "logabsdet"]),
    case("slogdet", "near 1", {"A": [[1.0, 1e-9], [1e-9, 1.0]]}, op("slogdet", "A"), NEAR, floor=1.0, results=["sign", "logabsdet"],
         note="log(1 - 1e-18): elimination rounds the determinant to 1"),
    case("slogdet", "of no rows", {"A": []}, op("slogdet", "A"), "exact", shapes={"A": [0, 0]}, results=["sign", "logabsdet"],
         value={"sign": "1.0", "logabsdet": "0.0"}, jacobian={"sign": {"A": []}, "logabsdet": {"A": []}}),
    case("slogdet", "of zero, 1 x 1", {"A": [[0.0]]}, op("slogdet", "A"), "exact", results=["sign", "logabsdet"],
         value={"sign": "0.0", "logabsdet": "-inf"}, jacobian={"sign": {"A": [["0.0"]]}, "logabsdet": {"A": [["inf"]]}}, note="as log"),
]

COUPLED = [[2.0, 1.0], [1.0, 2.0]]  # vectors of components that are equal in size
TWICE = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1.0, 1.0, 3.0]]  # eigenvalues 2, 2, 5
UNIT_3 = [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]


def eigen_only(which, a="A"):
    return op("item", op("eigh", a), index=which)


def function_of(a="A"):
    """V diag(lambda^2 + lambda) V^T, which repeated eigenvalues do not disturb."""
    values = op("add", op("square", eigen_only("values", a)), eigen_only("values", a))
    return op("matmul", op("multiply", eigen_only("vectors", a), values), op("permute_dims", eigen_only("vectors", a), axes=[1, 0]))


EIGH = [
    *of_a("eigh", [("1 x 1", ONE, NEAR, True), ("2 x 2", S2, NEAR, True), ("3 x 3", S3, NEAR, True), ("4 x 4", S4, NEAR, False),
                   ("not symmetric", G3, NEAR, False), ("indefinite", [[1.0, 2.0], [2.0, -3.0]], NEAR, True), ("equal components", COUPLED, NEAR, True),
                   ("diagonal", [[3.0, 0.0], [0.0, -1.0]], NEAR, True), ("a Hilbert matrix", HILBERT(4), 1e-11, False), ("a batch", DEFINITE_PAIR, NEAR, False),
                   ("close eigenvalues", [[1.0, 1e-4], [1e-4, 1.0]], 1e-11, False)], ["values", "vectors"]),
    case("eigh", "entries of all sizes, values", {"A": GRADED}, eigen_only("values"), NEAR),
    case("eigh", "repeated, a sum of powers", {"A": TWICE}, op("sum", op("pow", eigen_only("values"), 3)), NEAR),
    case("eigh", "all equal, a sum of powers", {"A": UNIT_3}, op("sum", op("pow", eigen_only("values"), 3)), NEAR),
    case("eigh", "a function of the matrix", {"A": S3}, function_of(), NEAR, True),
    case("eigh", "of no rows", {"A": []}, op("eigh", "A"), "exact", shapes={"A": [0, 0]}, results=["values", "vectors"]),
    case("eigh", "a NaN entry", {"A": [[NAN, 1.0], [1.0, 3.0]]}, op("eigh", "A"), "exact", results=["values", "vectors"],
         value={"values": filled([2], "nan"), "vectors": filled([2, 2], "nan")},
         jacobian={"values": {"A": filled([2, 2, 2], "nan")}, "vectors": {"A": filled([2, 2, 2, 2], "nan")}}),
]

SVD = [
    *of_a("svd", [("1 x 1", [[-2.5]], NEAR, False), ("2 x 2", G2, NEAR, True), ("3 x 3", G3, NEAR, True), ("4 x 4", G4, 1e-12, False), ("tall", TALL, NEAR, True),
                  ("broad", BROAD, NEAR, True), ("one column", [[1.0], [2.0], [-2.0]], NEAR, True), ("one row", [[1.0, 2.0, -2.0]], NEAR, False),
                  ("a Hilbert matrix", HILBERT(4), 1e-9, False), ("a batch", PAIR, NEAR, False)], ["u", "s", "vh"]),
    case("svd", "entries of all sizes, values", {"A": WIDE}, op("item", op("svd", "A"), index="s"), 1e-11),
    case("svd", "equal, a sum of powers", {"A": [[0.0, -2.0], [2.0, 0.0]]}, op("sum", op("pow", op("item", op("svd", "A"), index="s"), 3)), NEAR),
    case("svd", "the polar factor", {"A": G3}, op("matmul", op("item", op("svd", "A"), index="u"), op("item", op("svd", "A"), index="vh")), NEAR, True),
    case("svd", "of no rows", {"A": []}, op("svd", "A"), "exact", shapes={"A": [0, 2]}, results=["u", "s", "vh"],
         value={"u": [], "s": [], "vh": []}, jacobian={"u": {"A": []}, "s": {"A": []}, "vh": {"A": []}}),
]

QR = [
    *of_a("qr", [("1 x 1", [[-2.5]], NEAR, False), ("2 x 2", G2, NEAR, True), ("3 x 3", G3, NEAR, True), ("4 x 4", G4, NEAR, False), ("tall", TALL, NEAR, True),
                 ("broad", BROAD, NEAR, True), ("one column", [[1.0], [2.0], [-2.0]], NEAR, True), ("one row", [[-1.0, 2.0, -2.0]], NEAR, False),
                 ("a Hilbert matrix", HILBERT(4), 1e-8, False), ("a batch", PAIR, NEAR, False), ("a broad batch", [BROAD, [[-1.0, 2.0, 0.5], [0.25, 1.5, -2.0]]], NEAR, False),
                 ("entries of all sizes", WIDE, 1e-9, False), ("upper triangular", [[1.0, 2.0], [0.0, -3.0]], NEAR, True)], ["q", "r"]),
    case("qr", "of no rows", {"A": []}, op("qr", "A"), "exact", shapes={"A": [0, 2]}, results=["q", "r"],
         value={"q": [], "r": []}, jacobian={"q": {"A": []}, "r": {"A": []}}),
]

NORMS = [
    case("matrix_norm", f"{label}, ord {ord}", {"A": a}, op("matrix_norm", "A", ord=ord), NEAR, hessian)
    for ord in (2, "nuc")
    for label, a, hessian in [("1 x 1", [[-2.5]], False), ("2 x 2", G2, True), ("3 x 3", G3, True), ("tall", TALL, True), ("broad", BROAD, False), ("a batch", PAIR, False)]
] + [
    case("matrix_norm", "of zero, ord 2", {"A": [[0.0, 0.0], [0.0, 0.0]]}, op("matrix_norm", "A", ord=2), "exact", value={"y": "0.0"}, jacobian={"y": {"A": filled([2, 2], "0.0")}}),
    case("matrix_norm", "of zero, ord nuc", {"A": [[0.0, 0.0], [0.0, 0.0]]}, op("matrix_norm", "A", ord="nuc"), "exact", value={"y": "0.0"}, jacobian={"y": {"A": filled([2, 2], "0.0")}}),
    case("matrix_norm", "equal singular values, ord 2", {"A": [[0.0, -2.0], [2.0, 0.0]]}, op("matrix_norm", "A", ord=2), NEAR, value={"y": "2.0"},
         jacobian={"y": {"A": [["0.0", "-0.5"], ["0.5", "0.0"]]}}, note="they share"),
    case("matrix_norm", "of rank 1, ord nuc", {"A": [[3.0, 0.0], [4.0, 0.0]]}, op("matrix_norm", "A", ord="nuc"), NEAR, value={"y": "5.0"},
         jacobian={"y": {"A": [["0.6", "0.0"], ["0.8", "0.0"]]}}, note="the subgradient of least norm"),
]

CASES = [*NORMS, *SOLVE, *TRIANGULAR, *CHOLESKY, *INV, *DET, *SLOGDET, *COFACTOR, *EIGH, *SVD, *QR, *EXPM, *EXPM_DERIVATIVE, *PINV]
