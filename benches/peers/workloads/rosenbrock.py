"""W2: the chained Rosenbrock function of N inputs, value and gradient at one point."""

import casadi
import jax
import jax.numpy as jnp
import numpy as np

import peers
from measure import Case

GOALS = {
    10: {"JAX": 0.05, "limit": 40},
    1_000: {"JAX": 0.1, "limit": 10},
    100_000: {"JAX": 0.6, "limit": 4},
}


def hand(x):
    t, u = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * t - 2 * u
    gradient[1:] += 200 * t
    return 100 * t @ t + u @ u, gradient


def sliced(x, total):
    return total(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def in_casadi(kind, n):
    x = kind.sym("x", n)
    y = sliced(x, casadi.sum1)
    return casadi.Function("F", [x], [y, casadi.gradient(y, x)])


def cases(quick):
    for n in (10, 1_000, 100_000)[: 2 if quick else 3]:
        x = np.random.default_rng(2).uniform(-1.5, 1.5, n)
        gradient = np.zeros(n)
        others = [
            peers.with_jax(jax.value_and_grad(lambda x: sliced(x, jnp.sum)), [x]),
            *(peers.with_casadi(lambda kind=kind: in_casadi(kind, n), [x], kind.__name__) for kind in (casadi.SX, casadi.MX)),
            *peers.with_torch(lambda x: sliced(x, peers.torch.sum), [x]),
            peers.with_numpy(lambda: hand(x)),
            peers.limit("rosenbrock", "rosenbrock", [n, x], [gradient], "C by hand", value=True),
        ]
        request = {"formula": "sum(100*(x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)", "at": {"x": x}}
        yield Case("W2 Rosenbrock", f"N = {n:,}", "gradient", request, peers.flat(hand(x)), others, GOALS[n])
