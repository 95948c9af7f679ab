"""W1: the Black–Scholes price of a call and its five partials."""

import math

import numpy as np
from scipy.special import erf

from .formula import case

NAMES = ["S", "K", "r", "s", "T"]
ROOT_HALF = 1 / math.sqrt(2)
FORMULA = f"""\
v = s*sqrt(T); d1 = (log(S/K) + (r + 0.5*s*s)*T)/v; d2 = d1 - v
S*(0.5*(1 + erf(d1*{ROOT_HALF!r}))) - K*exp(-r*T)*(0.5*(1 + erf(d2*{ROOT_HALF!r})))"""
GOALS = {
    1: {"JAX": 0.02, "limit": 8, "CasADi VM": 0.8},
    1_000: {"JAX": 0.3, "limit": 2.5},
    1_000_000: {"JAX": 0.3, "limit": 2.5},
}


def price(m, S, K, r, s, T):
    v = s * m.sqrt(T)
    d1 = (m.log(S / K) + (r + 0.5 * s * s) * T) / v
    d2 = d1 - v
    N = lambda t: 0.5 * (1 + m.erf(t * ROOT_HALF))
    return S * N(d1) - K * m.exp(-r * T) * N(d2)


def hand(S, K, r, s, T):
    root = np.sqrt(T)
    v = s * root
    d1 = (np.log(S / K) + (r + 0.5 * s * s) * T) / v
    d2 = d1 - v
    N1, N2 = 0.5 * (1 + erf(d1 * ROOT_HALF)), 0.5 * (1 + erf(d2 * ROOT_HALF))
    discount = np.exp(-r * T)
    density, paid = S * 0.3989422804014327 * np.exp(-0.5 * d1 * d1), K * discount * N2
    return [S * N1 - paid, N1, -discount * N2, T * paid, density * root, 0.5 * density * s / root + r * paid]


def data(points):
    g = np.random.default_rng(1)
    return [g.uniform(low, high, points) for low, high in ((80, 120), (80, 120), (0.0, 0.1), (0.1, 0.5), (0.1, 3))]


def cases(quick):
    for points in (1, 1_000, 1_000_000)[: 2 if quick else 3]:
        limits = ("black_scholes_ad", "black_scholes_analytic")
        yield case(FORMULA, NAMES, data(points), price, hand, GOALS[points], "Black–Scholes", limits)
