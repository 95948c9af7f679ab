"""W1: exponential, sine, logarithm and powers of three inputs, and the partials by each."""

import numpy as np

from .formula import case

FORMULA = "exp(-0.5*x*y)*sin(y*z) + log(1 + x*x + z*z)*x^1.7/(y + z^0.3) + sin(x)*z"
GOALS = {"JAX": 0.25, "limit": 2.5, "PyTorch": 0.6}


def mix(m, x, y, z):
    return m.exp(-0.5 * x * y) * m.sin(y * z) + m.log(1 + x * x + z * z) * m.pow(x, 1.7) / (y + m.pow(z, 0.3)) + m.sin(x) * z


def hand(x, y, z):
    e, s, c = np.exp(-0.5 * x * y), np.sin(y * z), np.cos(y * z)
    u, px, pz = 1 + x * x + z * z, x**1.7, z**0.3
    w = 1 / (y + pz)
    t, by_u = np.log(u) * px * w, px * w / u
    return [
        e * s + t + np.sin(x) * z,
        -0.5 * y * e * s + by_u * 2 * x + 1.7 * t / x + np.cos(x) * z,
        -0.5 * x * e * s + e * c * z - t * w,
        e * c * y + by_u * 2 * z - t * w * 0.3 * pz / z + np.sin(x),
    ]


def cases(quick):
    points = 1_000 if quick else 1_000_000
    g = np.random.default_rng(1)
    columns = [g.uniform(0.2, 3, points) for _ in range(3)]
    yield case(FORMULA, ["x", "y", "z"], columns, mix, hand, GOALS, "mix", ("mix_ad",))
