"""W6: the dense Jacobian of tanh(A2·tanh(A1·x)) from Rᴺ to Rᴺ, at one point."""

import casadi
import jax
import jax.numpy as jnp
import numpy as np

import peers
from measure import Case

GOALS = {"JAX": 0.9, "limit": 1.7}


def data(n):
    g = np.random.default_rng(6)
    return g.normal(size=(n, n)) / np.sqrt(n), g.normal(size=(n, n)) / np.sqrt(n), g.normal(size=n)


def hand(A1, A2, x):
    u = np.tanh(A1 @ x)
    v = np.tanh(A2 @ u)
    return v, ((1 - v * v)[:, None] * A2 * (1 - u * u)) @ A1


def in_jax(x, A1, A2):
    return jnp.tanh(A2 @ jnp.tanh(A1 @ x))


def in_casadi(A1, A2):
    x = casadi.MX.sym("x", len(A1))
    y = casadi.tanh(casadi.DM(A2) @ casadi.tanh(casadi.DM(A1) @ x))
    return casadi.Function("F", [x], [y, casadi.jacobian(y, x)])


def in_torch(A1, A2):
    torch = peers.torch
    A1, A2 = torch.tensor(A1), torch.tensor(A2)
    return lambda x: torch.tanh(A2 @ torch.tanh(A1 @ x))


def by_torch(function, tensors):
    return (peers.torch.autograd.functional.jacobian(function, tensors[0], vectorize=True),)


def cases(quick):
    for n in (100, 300)[: 1 if quick else 2]:
        A1, A2, x = data(n)
        others = [
            *(
                peers.with_jax(lambda x, A1, A2, by=by: (in_jax(x, A1, A2), by(in_jax)(x, A1, A2)), [x, A1, A2], by.__name__)
                for by in (jax.jacrev, jax.jacfwd)
            ),
            peers.with_casadi(lambda: in_casadi(A1, A2), [x], "MX", lambda outputs: [outputs[0], outputs[1].reshape(n, n).T]),
            *(peers.with_torch(in_torch(A1, A2), [x], by_torch, "vectorised jacobian") if peers.torch else ()),
            peers.with_numpy(lambda: hand(A1, A2, x), "limit", "NumPy by hand (OpenBLAS)"),
        ]
        at = {"A1": A1, "A2": A2, "x": x}
        request = {"formula": "tanh(A2@tanh(A1@x))", "at": at, "wrt": ["x"], "form": "matrix"}
        yield Case("W6 Jacobian", f"N = {n}", "jacobian", request, peers.flat(hand(A1, A2, x)), others, GOALS)
