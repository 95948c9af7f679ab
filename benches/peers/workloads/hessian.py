"""W7: the dense Hessian of a logistic regression by its 50 weights, on 1,000 rows of data. nablad answers value and gradient, too."""

import casadi
import jax
import jax.numpy as jnp
import numpy as np

import peers
from measure import Case

WEIGHTS, ROWS = 50, 1_000


def data():
    g = np.random.default_rng(77)
    A = g.normal(size=(ROWS, WEIGHTS))
    return A, g.choice([-1.0, 1.0], ROWS), 0.3 * g.normal(size=WEIGHTS)


def hessian(A, y, w):
    s = 1 / (1 + np.exp(y * (A @ w)))
    return (A * (s * (1 - s))[:, None]).T @ A + np.eye(WEIGHTS)


def all_of_it(A, y, w):
    margins = y * (A @ w)
    gradient = A.T @ (-y / (1 + np.exp(margins))) + w
    return np.logaddexp(0, -margins).sum() + 0.5 * w @ w, gradient, hessian(A, y, w)


def in_jax(w, A, y):
    return jnp.sum(jnp.logaddexp(0.0, -y * (A @ w))) + 0.5 * w @ w


def in_casadi(A, y):
    w = casadi.MX.sym("w", WEIGHTS)
    loss = casadi.sum1(casadi.log(1 + casadi.exp(-casadi.DM(y) * (casadi.DM(A) @ w)))) + 0.5 * casadi.sumsqr(w)
    return casadi.Function("F", [w], [casadi.hessian(loss, w)[0]])


def in_torch(A, y):
    torch = peers.torch
    A, y, zero = torch.tensor(A), torch.tensor(y), torch.zeros(1, dtype=torch.float64)
    return lambda w: torch.logaddexp(zero, -y * (A @ w)).sum() + 0.5 * w @ w


def by_torch(function, tensors):
    return (peers.torch.autograd.functional.hessian(function, tensors[0], vectorize=True),)


def cases(_quick):
    A, y, w = data()
    others = [
        peers.with_jax(jax.hessian(in_jax), [w, A, y]),
        peers.with_casadi(lambda: in_casadi(A, y), [w], "MX"),
        *(peers.with_torch(in_torch(A, y), [w], by_torch, "vectorised hessian") if peers.torch else ()),
        peers.with_numpy(lambda: hessian(A, y, w), "limit", "NumPy by hand (OpenBLAS)"),
    ]
    formula = "sum(logaddexp(0, -y*(A@w))) + 0.5*vecdot(w, w)"
    request = {"formula": formula, "at": {"A": A, "y": y, "w": w}, "wrt": ["w"], "form": "matrix"}
    reference = peers.flat(all_of_it(A, y, w))
    yield Case("W7 logistic Hessian", f"{WEIGHTS} weights, {ROWS:,} rows", "hessian", request, reference, others, {"JAX": 1.0, "limit": 2})
