"""W3: the Gaussian mixture of ADBench (Šrajer, Kukelova, Fitzgibbon 2018) with γ = 1 and m = 0, on seeded data: objective and gradient.

The parameters are the weights' logarithms α, the means, and for each component the logarithms of a diagonal followed by a strict lower
triangle, by columns.
"""

import math

import casadi
import jax
import jax.numpy as jnp
import numpy as np

import peers
from measure import Case

GOALS = {(2, 5): {"JAX": 0.5, "limit": 4}, (10, 25): {"JAX": 0.8, "limit": 2.5}, (20, 50): {"JAX": 0.8, "limit": 2.5}}
POINTS = 1_000


def data(d, k, n):
    g = np.random.default_rng(3)
    return g.normal(size=k), g.uniform(size=(k, d)), 0.1 * g.normal(size=(k, d + d * (d - 1) // 2)), g.normal(size=(n, d))


def constant(d, k, n):
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (d + 1) + 0.5 * (1 - j)) for j in range(1, d + 1))
    return -n * d * 0.5 * math.log(2 * math.pi) + k * ((d + 1) * d * 0.5 * math.log(2) + log_gamma)


def triangle(d):
    """Rows and columns of the strict lower triangle, by columns."""
    at = [(row, column) for column in range(d) for row in range(column + 1, d)]
    return np.array([row for row, _ in at], int), np.array([column for _, column in at], int)


def formula(d, k, n):
    """The triangle is gathered from the diagonal, what is below it, and a zero."""
    packed = d + d * (d - 1) // 2
    places = np.full((d, d), packed)
    places[np.arange(d), np.arange(d)] = np.arange(d)
    places[triangle(d)] = np.arange(d, packed)
    return f"""\
diagonal = exp(icf[:, :{d}]); below = icf[:, {d}:]
Q = take(concat(diagonal, below, broadcast_to(0, shape=[{k}, 1]), axis=1), indices={places.tolist()}, axis=1)
Qx = einsum(Q, expand_dims(x, axis=0) - expand_dims(means, axis=1), subscripts="kij,knj->kni")
t = expand_dims(alphas + sum(icf[:, :{d}], axis=1), axis=1) - 0.5*sum(Qx*Qx, axis=2)
sum(logsumexp(t, axis=0)) - {n}*logsumexp(alphas) + {constant(d, k, n)!r} + 0.5*(sum(diagonal*diagonal) + sum(below*below))"""


def hand(alphas, means, icf, x):
    k, d = means.shape
    n, below, diagonal = len(x), triangle(d), np.arange(d)
    q = np.exp(icf[:, :d])
    Q = np.zeros((k, d, d))
    Q[:, diagonal, diagonal] = q
    Q[:, below[0], below[1]] = icf[:, d:]
    centred = x[None] - means[:, None]
    Qx = centred @ Q.transpose(0, 2, 1)
    t = (alphas + icf[:, :d].sum(1))[:, None] - 0.5 * np.einsum("knd,knd->kn", Qx, Qx)
    most = t.max(0)
    e = np.exp(t - most)
    total = e.sum(0)
    w = e / total
    normaliser = alphas.max() + math.log(np.exp(alphas - alphas.max()).sum())
    f = (most + np.log(total)).sum() - n * normaliser + constant(d, k, n) + 0.5 * ((q**2).sum() + (icf[:, d:] ** 2).sum())
    wQx = w[:, :, None] * Qx
    by_Q = -wQx.transpose(0, 2, 1) @ centred
    by_means = (wQx.sum(1)[:, None] @ Q)[:, 0]
    weights = w.sum(1)
    by_diagonal = by_Q[:, diagonal, diagonal] * q + weights[:, None] + q * q
    by_below = by_Q[:, below[0], below[1]] + icf[:, d:]
    return f, weights - n * np.exp(alphas - normaliser), by_means, np.concatenate([by_diagonal, by_below], 1)


def in_jax(d, k, n):
    below, diagonal, added = triangle(d), np.arange(d), constant(d, k, n)

    def objective(alphas, means, icf, x):
        q = jnp.exp(icf[:, :d])
        Q = jnp.zeros((k, d, d)).at[:, diagonal, diagonal].set(q).at[:, below[0], below[1]].set(icf[:, d:])
        Qx = jnp.einsum("kij,knj->kni", Q, x[None] - means[:, None])
        t = (alphas + icf[:, :d].sum(1))[:, None] - 0.5 * jnp.sum(Qx * Qx, 2)
        lse = jax.scipy.special.logsumexp
        return jnp.sum(lse(t, axis=0)) - n * lse(alphas) + added + 0.5 * (jnp.sum(q * q) + jnp.sum(icf[:, d:] ** 2))

    return jax.value_and_grad(objective, argnums=(0, 1, 2))


def in_casadi(d, k, n):
    """A graph of scalars for one point, mapped over the points."""
    packed = d + d * (d - 1) // 2
    alphas, means, icf, x = casadi.SX.sym("a", k), casadi.SX.sym("m", d, k), casadi.SX.sym("i", packed, k), casadi.SX.sym("x", d)
    terms = []
    for j in range(k):
        Q, place = casadi.SX(d, d), d
        for column in range(d):
            Q[column, column] = casadi.exp(icf[column, j])
            for row in range(column + 1, d):
                Q[row, column] = icf[place, j]
                place += 1
        terms.append(alphas[j] + casadi.sum1(icf[:d, j]) - 0.5 * casadi.sumsqr(Q @ (x - means[:, j])))
    all_parameters = casadi.vertcat(alphas, casadi.vec(means), casadi.vec(icf))
    y = casadi.logsumexp(casadi.vertcat(*terms))
    of_point = casadi.Function("of_point", [all_parameters, x], [y, casadi.gradient(y, all_parameters)], {"cse": True})
    prior = 0.5 * (casadi.sumsqr(casadi.exp(icf[:d, :])) + casadi.sumsqr(icf[d:, :]))
    rest = prior - n * casadi.logsumexp(alphas) + constant(d, k, n)
    of_rest = casadi.Function("of_rest", [all_parameters], [rest, casadi.gradient(rest, all_parameters)])
    P, X = casadi.MX.sym("P", all_parameters.numel()), casadi.MX.sym("X", d, n)
    (y, by_points), (rest, by_rest) = of_point.map(n, "serial")(P, X), of_rest(P)
    return casadi.Function("F", [P, X], [casadi.sum2(y) + rest, casadi.sum2(by_points) + by_rest])


def in_torch(d, k, n, x):
    torch, added = peers.torch, constant(d, k, n)
    below, diagonal, x = [torch.tensor(side) for side in triangle(d)], torch.arange(d), torch.tensor(x)

    def objective(alphas, means, icf):
        q = icf[:, :d].exp()
        Q = torch.zeros(k, d, d, dtype=torch.float64)
        Q[:, diagonal, diagonal] = q
        Q[:, below[0], below[1]] = icf[:, d:]
        Qx = (x[None] - means[:, None]) @ Q.transpose(1, 2)
        t = (alphas + icf[:, :d].sum(1))[:, None] - 0.5 * (Qx * Qx).sum(2)
        lse = torch.logsumexp
        return lse(t, 0).sum() - n * lse(alphas, 0) + added + 0.5 * ((q * q).sum() + (icf[:, d:] ** 2).sum())

    return objective


def in_c(d, k, n, alphas, means, icf, x):
    padded = -(-n // 64) * 64
    transposed = np.ascontiguousarray(np.concatenate([x, np.repeat(x[-1:], padded - n, 0)]).T)
    outputs = [np.zeros_like(part) for part in (alphas, means, icf)]
    arguments = [padded, n, d, k, transposed, alphas, means, icf, constant(d, k, n)]
    return peers.limit("gmm", "gmm", arguments, outputs, "C by hand", value=True)


def cases(quick):
    for d, k in ((2, 5), (10, 25), (20, 50))[: 1 if quick else 3]:
        alphas, means, icf, x = parameters = data(d, k, POINTS)
        others = [
            peers.with_jax(in_jax(d, k, POINTS), parameters),
            peers.with_numpy(lambda: hand(*parameters)),
            in_c(d, k, POINTS, *parameters),
        ]
        if d <= 10:  # beyond, a graph of scalars takes minutes to build
            flat = np.concatenate([part.ravel() for part in parameters[:3]])
            others.append(peers.with_casadi(lambda: in_casadi(d, k, POINTS), [flat, x.ravel()], "SX map"))
        if peers.torch:
            others += peers.with_torch(in_torch(d, k, POINTS, x), parameters[:3])
        at = {"alphas": alphas, "means": means, "icf": icf, "x": x}
        wrt = ["alphas", "means", "icf"]
        request = {"formula": formula(d, k, POINTS), "inputs": [*wrt, "x"], "at": at, "wrt": wrt}
        reference = peers.flat(hand(*parameters))
        yield Case("W3 mixture", f"{d} × {k}, {POINTS:,} points", "gradient", request, reference, others, GOALS[d, k])
