"""NumPy's and JAX's own words for the tensor operators that the self-check compares."""
import numpy as np


def _scan(xp, step, first, rest):
    """A recurrence along the first axis, by a plain loop."""
    done = [first]
    for own in rest:
        done.append(step(done[-1], own))
    return xp.stack(done)


def _linear_recurrence(xp, a, b, axis=None, reverse=False, chain=False):
    a, b = xp.broadcast_arrays(a, b)
    axis = 0 if axis is None else axis
    a, b = xp.moveaxis(a, axis, 0), xp.moveaxis(b, axis, 0)
    if b.shape[0] == 0:
        return xp.moveaxis(b, 0, axis)
    a, b = (a[::-1], b[::-1]) if reverse else (a, b)
    product = (lambda f, s: xp.where((f == 0) | (s == 0), 0.0, f * s)) if chain else (lambda f, s: f * s)
    result = _scan(xp, lambda s, own: product(own[0], s) + own[1], b[0], list(zip(a[1:], b[1:])))
    return xp.moveaxis(result[::-1] if reverse else result, 0, axis)


def _running(xp, kind, x, axis=None, reverse=False):
    axis = 0 if axis is None else axis
    x = xp.flip(x, axis) if reverse else x
    x = getattr(xp, kind)(x, axis=axis)
    return xp.flip(x, axis) if reverse else x


def _by_order(xp, x, v, axis=-1, descending=False, put=False):
    """The order as a matrix, in which equals share."""
    keys, moved = xp.moveaxis(x, axis, -1), xp.moveaxis(v, axis, -1)
    order = xp.argsort(keys, axis=-1)
    order = order[..., ::-1] if descending else order
    ordered = xp.take_along_axis(keys, order, -1)
    same = (ordered[..., :, None] == ordered[..., None, :]) * 1.0
    places = (order[..., :, None] == np.arange(keys.shape[-1])) * 1.0
    matrix = same / same.sum(-1, keepdims=True) @ places
    matrix = xp.swapaxes(matrix, -1, -2) if put else matrix
    return xp.moveaxis(xp.einsum("...ij,...j->...i", matrix, moved), -1, axis)


def _matrix_norm(xp, x, ord="fro", keepdims=False):
    order = {"Infinity": np.inf}.get(ord, ord)
    if 0 in x.shape[-2:]:
        return xp.zeros([*x.shape[:-2], *([1, 1] if keepdims else [])])
    return xp.linalg.norm(x, ord=order, axis=(-2, -1), keepdims=keepdims)


def _std(xp, x, axis=None, keepdims=False, correction=0):
    return xp.std(x, axis=axis, keepdims=keepdims, ddof=correction)


def words(xp, a, k):
    """Operator -> its value, for arguments `a` and attributes `k`."""
    axes = lambda key: k.get(key) if not isinstance(k.get(key), list) else tuple(k[key])
    def embed():
        places = np.ix_(*(first + step * np.arange(n) for first, step, n in zip(k["start"], k["step"], a[0].shape)))
        return xp.zeros(k["shape"]).at[places].set(a[0])

    return {
        "embed": embed, "flip": lambda: xp.flip(a[0], axis=axes("axis")), "roll": lambda: xp.roll(a[0], k["shift"] if isinstance(k["shift"], int) or k.get("axis") is None else _same(k)[0], axis=None if k.get("axis") is None else _same(k)[1]),
        "tile": lambda: xp.tile(a[0], k["repetitions"]), "diagonal": lambda: xp.diagonal(a[0], k.get("offset", 0), -2, -1), "diag": lambda: xp.diag(a[0], k.get("offset", 0)),
        "tril": lambda: xp.tril(a[0], k.get("k", 0)), "triu": lambda: xp.triu(a[0], k.get("k", 0)), "one_hot": lambda: xp.eye(k["size"])[np.array(k["indices"], dtype=int)],
        "var": lambda: xp.var(a[0], axis=axes("axis"), keepdims=k.get("keepdims", False), ddof=k.get("correction", 0)), "std": lambda: _std(xp, a[0], axes("axis"), k.get("keepdims", False), k.get("correction", 0)),
        "cumulative_sum": lambda: _running(xp, "cumsum", a[0], **k), "cumulative_prod": lambda: _running(xp, "cumprod", a[0], **k), "linear_recurrence": lambda: _linear_recurrence(xp, *a, **k),
        "sort": lambda: xp.flip(xp.sort(a[0], axis=k.get("axis", -1)), axis=k.get("axis", -1)) if k.get("descending") else xp.sort(a[0], axis=k.get("axis", -1)),
        "take_sorted": lambda: _by_order(xp, *a, **k), "put_sorted": lambda: _by_order(xp, *a, **k, put=True),
        "polyval": lambda: xp.polyval(a[0], a[1]) if a[0].size else xp.zeros_like(a[1]), "interp": lambda: xp.interp(a[0], np.array(k["xp"]), np.array(k["fp"])),
        "einsum": lambda: xp.einsum(k["subscripts"], *a), "tensordot": lambda: xp.tensordot(*a, axes=_pair(k.get("axes", 2))), "cross": lambda: xp.cross(*a, axis=k.get("axis", -1)),
        "convolve": lambda: xp.convolve(*a, mode=k.get("mode", "full")), "kron": lambda: xp.kron(*a), "trace": lambda: xp.trace(a[0], k.get("offset", 0), -2, -1), "matrix_norm": lambda: _matrix_norm(xp, a[0], **k),
    }


def _pair(axes):
    return axes if isinstance(axes, int) else tuple(list(part) if isinstance(part, (list, tuple)) else part for part in axes)


def _same(k):
    """Shifts and axes as equally long tuples."""
    listed = lambda value: list(value) if isinstance(value, (list, tuple)) else [value]
    shifts, axes = listed(k["shift"]), listed(k["axis"])
    count = max(len(shifts), len(axes))
    return tuple((shifts * count)[:count]), tuple((axes * count)[:count])
