"""What the formulas of W1 share: one scalar function of named columns, value and all partials at every point."""

import casadi
import jax
import numpy as np

import peers
from measure import Case


def case(formula, names, columns, function, hand, goals, title, limits):
    """`function(m, *columns)` is written once, for whatever module `m` has the elementary functions."""
    points = len(columns[0])
    scalars = [column[0] for column in columns]
    by_all = jax.value_and_grad(lambda *x: function(JAX, *x), argnums=tuple(range(len(names))))
    request = {"formula": formula, "inputs": names}
    where = {"at": dict(zip(names, scalars))} if points == 1 else {"points": dict(zip(names, columns))}
    outputs = [np.zeros(points) for _ in range(len(names) + 1)]
    others = [
        peers.with_jax(by_all, scalars, "jit") if points == 1 else peers.with_jax(jax.vmap(by_all), columns, "jit vmap"),
        peers.with_casadi(lambda: in_casadi(function, len(names), points), columns, "SX" if points == 1 else "SX map"),
        *peers.with_torch(lambda *x: function(TORCH, *x), columns),
        peers.with_numpy(lambda: hand(*columns)),
        *(
            peers.limit("formulas", limit, [points, *columns], outputs, f"C {how} {limit.rsplit('_')[-1]}", flags)
            for limit in limits
            for how, flags in (("libm", peers.STRICT), ("libmvec", peers.FAST))
        ),
    ]
    size = "1 point" if points == 1 else f"{points:,} points"
    return Case(f"W1 {title}", size, "gradient", request | where, np.concatenate(hand(*columns)), others, goals)


def in_casadi(function, count, points):
    x = [casadi.SX.sym(f"x{i}") for i in range(count)]
    y = function(CASADI, *x)
    compiled = casadi.Function("F", x, [y, *(casadi.gradient(y, by) for by in x)], {"cse": True})
    return compiled if points == 1 else compiled.map(points, "serial")


class JAX:
    sqrt, log, exp, sin, pow = jax.numpy.sqrt, jax.numpy.log, jax.numpy.exp, jax.numpy.sin, jax.numpy.power
    erf = staticmethod(jax.scipy.special.erf)


class CASADI:
    sqrt, log, exp, sin, erf = casadi.sqrt, casadi.log, casadi.exp, casadi.sin, casadi.erf
    pow = staticmethod(lambda a, b: a**b)


TORCH = peers.torch
