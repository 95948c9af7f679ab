"""Values of linear algebra with NumPy and SciPy in binary64, signs turned as the operators turn them."""
import numpy as np
import scipy.linalg as sl

# Rows where the peer itself loses digits, raises, or has another convention: name -> why.
EXPECTED = {
    "solve, a NaN entry": "NumPy: a NaN is no pivot", "inv, a NaN entry": "NumPy: a NaN is no pivot", "expm_derivative, along nothing": "SciPy raises",
    "inv, of zero, 1 x 1": "NumPy raises", "slogdet, of zero, 1 x 1": "NumPy warns", "cholesky, not definite": "NumPy raises",
    "eigh, a NaN entry": "NumPy raises", "pinv, a NaN entry": "NumPy raises", "expm, a NaN entry": "SciPy raises",
    "det, of numbers that vanish on the way": "NumPy: products vanish",
}


def turned(vectors, others):
    """The first of the largest components of each column is positive; `others` are rows that turn with them."""
    for i in range(vectors.shape[-1]):
        column = vectors[..., i]
        top = np.abs(column).max(axis=-1, keepdims=True)
        lead = np.take_along_axis(column, np.argmax(np.abs(column) >= top * (1 - 2**-20), axis=-1)[..., None], axis=-1)
        sign = np.where(lead < 0, -1.0, 1.0)
        vectors[..., i] = column * sign
        if others is not None:
            others[..., i, :] = others[..., i, :] * sign
    return vectors, others


def svd(a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    u, vh = turned(u, vh) if s.size else (u, vh)
    return {"u": u, "s": s, "vh": vh}


def eigh(a):
    values, vectors = np.linalg.eigh((a + np.swapaxes(a, -1, -2)) / 2)
    return {"values": values, "vectors": turned(vectors, None)[0] if values.size else vectors}


def qr(a):
    q, r = np.linalg.qr(a)
    sign = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return {"q": q * sign[..., None, :], "r": r * sign[..., :, None]}


def solve(a, b, transpose=False):
    a = np.swapaxes(a, -1, -2) if transpose else a
    return np.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else np.linalg.solve(a, b)


def triangular_solve(a, b, lower=False, transpose=False):
    return solve(np.tril(a) if lower else np.triu(a), b, transpose)


def each(rule):
    """A rule of one matrix over leading axes."""
    def over(*args):
        if args[0].ndim == 2:
            return rule(*args)
        return np.stack([over(*parts) for parts in zip(*args)])
    return over


def cofactor(a, *directions):
    if directions:
        raise NotImplementedError
    n = len(a)
    minor = lambda i, j: np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) * (-1) ** (i + j)
    return np.array([[minor(i, j) for j in range(n)] for i in range(n)])


OPERATORS = {
    "solve": solve, "triangular_solve": triangular_solve, "inv": np.linalg.inv, "det": np.linalg.det, "cofactor": cofactor,
    "slogdet": lambda a: dict(zip(("sign", "logabsdet"), np.linalg.slogdet(a))), "cholesky": lambda a: np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2),
    "eigh": eigh, "svd": svd, "qr": qr, "expm": each(lambda a: sl.expm(a) if a.size else a), "expm_derivative": each(lambda a, e: sl.expm_frechet(a, e, compute_expm=False)),
    "pinv": lambda a: np.linalg.pinv(a, rtol=max(a.shape[-2:]) * 2.0**-52) if a.size else np.swapaxes(a, -1, -2),
    "matrix_norm": lambda a, ord: np.linalg.norm(a, ord=ord, axis=(-2, -1)) if a.size else 0.0,
    "item": lambda several, index: several[index] if isinstance(index, str) else list(several.values())[index],
    "sum": np.sum, "pow": np.power, "square": np.square, "add": np.add, "multiply": np.multiply, "matmul": np.matmul, "permute_dims": lambda x, axes: np.transpose(x, axes),
}


def evaluate(expression, inputs):
    if isinstance(expression, str):
        return inputs[expression]
    if not isinstance(expression, dict):
        return expression
    if "const" in expression:
        return np.array(expression["const"], dtype=float)
    attributes = {key: value for key, value in expression.items() if key not in ("op", "args")}
    return OPERATORS[expression["op"]](*[evaluate(arg, inputs) for arg in expression["args"]], **attributes)


def compare(rows):
    """(comparisons, disagreements)"""
    counted = bad = 0
    for row in rows:
        graph, at = row["request"]["graph"], row["request"]["at"]
        if row["name"] in EXPECTED or "along" in row["name"] and row["op"] == "cofactor":
            continue
        inputs = {i["name"]: np.array(at[i["name"]], dtype=float).reshape(i["shape"]) for i in graph["inputs"]}
        for output in graph["outputs"]:
            with np.errstate(all="ignore"):
                found = np.asarray(evaluate(output["value"], inputs), dtype=float)
            stated = np.array(row["value"][output["name"]], dtype=float).reshape(found.shape)
            counted += 1
            size = max([abs(x) for x in stated.ravel() if np.isfinite(x)] + [row.get("floor", 0.0)])
            bound = row["bound"] if row["bound"] != "exact" else 0.0
            if not np.all((found == stated) | (np.isnan(found) & np.isnan(stated)) | (np.abs(found - stated) <= 10 * bound * size)):
                bad += 1
                print("linear algebra:", row["name"], output["name"], found.tolist(), row["value"][output["name"]])
    return counted, bad
