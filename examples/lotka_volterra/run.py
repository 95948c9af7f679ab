#!/usr/bin/env python3
"""Fits the rates of a predator-prey model to populations, with the differential equation solved and differentiated on the server.

The populations to be met are computed here, from known rates, by a Runge-Kutta method with far smaller steps than the server takes. From rates
that are up to half as large again, Gauss-Newton steps with Jacobians from the server must find the known ones; and along the way of
the exact solution V = delta x - gamma log x + beta y - alpha log y must stay what it is.

usage: run.py [URL]     (default http://127.0.0.1:8080)
"""

import json
import math
import sys
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
PARAMETERS = ["start", "alpha", "beta", "gamma", "delta"]
TRUTH = [10.0, 5.0, 1.1, 0.4, 0.4, 0.1]
GUESS = [12.0, 4.0, 1.3, 0.5, 0.35, 0.12]
TOLERANCE = 1e-6
MAX_STEPS = 60


def ask(url, endpoint, request):
    """The answer to a request; a refusal ends the script with the server's words."""
    body = json.dumps(request).encode()
    post = urllib.request.Request(f"{url}/{endpoint}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(post, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{refusal.code} from /{endpoint}: {refusal.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"no answer from {url}: {error.reason}")


def slope(state, rates):
    (x, y), (alpha, beta, gamma, delta) = state, rates
    return alpha * x - beta * x * y, delta * x * y - gamma * y


def observed(parameters, times, steps=2000):
    """The populations by the classical method with many small steps: no code in common with the server's."""
    state, rates = tuple(parameters[:2]), parameters[2:]
    rows = [list(state)]
    for begin, end in zip(times, times[1:]):
        h = (end - begin) / steps
        for _ in range(steps):
            k1 = slope(state, rates)
            k2 = slope([s + h / 2 * k for s, k in zip(state, k1)], rates)
            k3 = slope([s + h / 2 * k for s, k in zip(state, k2)], rates)
            k4 = slope([s + h * k for s, k in zip(state, k3)], rates)
            state = tuple(s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4))
        rows.append(list(state))
    return rows


def least_squares(matrix, right):
    """The z that minimises |matrix z - right|, by Householder's QR decomposition."""
    rows = [row + [b] for row, b in zip(matrix, right)]
    n = len(matrix[0])
    for k in range(n):
        norm = math.copysign(math.hypot(*(row[k] for row in rows[k:])), rows[k][k])
        v = [row[k] / norm for row in rows[k:]]
        v[0] += 1
        for j in range(k, n + 1):
            s = sum(a * row[j] for a, row in zip(v, rows[k:])) / v[0]
            for a, row in zip(v, rows[k:]):
                row[j] -= s * a
    z = [0.0] * n
    for k in reversed(range(n)):
        z[k] = (rows[k][n] - sum(rows[k][j] * z[j] for j in range(k + 1, n))) / rows[k][k]
    return z


def at(parameters):
    start, rates = parameters[:2], parameters[2:]
    return {"start": start, **dict(zip(PARAMETERS[1:], rates))}


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    graph = json.loads((HERE / "graph.json").read_text())
    times = graph["nodes"][0]["args"][1]["const"]
    target = [value for row in observed(TRUTH, times) for value in row]

    def residuals_at(parameters):
        answer = ask(url, "jacobian", {"graph": graph, "at": at(parameters), "form": "matrix"})
        flat = [float(value) for row in answer["value"]["populations"] for value in row]
        return [f - t for f, t in zip(flat, target)], [[float(v) for v in row] for row in answer["jacobian"]]

    parameters = list(GUESS)
    residuals, jacobian = residuals_at(parameters)
    damping = 1e-2
    requests = 1
    for _ in range(MAX_STEPS):
        scale = [math.hypot(*column) for column in zip(*jacobian)]
        damped = [[math.sqrt(damping) * s if i == j else 0.0 for j in range(len(scale))] for i, s in enumerate(scale)]
        step = least_squares(jacobian + damped, [-r for r in residuals] + [0.0] * len(scale))
        trial = [p + d for p, d in zip(parameters, step)]
        trial_residuals, trial_jacobian = residuals_at(trial)
        requests += 1
        # NaN, where a trial has left the world, is not below anything
        if math.hypot(*trial_residuals) <= math.hypot(*residuals) * (1 + 1e-12):
            moved = max(abs(d) / abs(p) for d, p in zip(step, parameters))
            parameters, residuals, jacobian, damping = trial, trial_residuals, trial_jacobian, damping / 10
            if moved < 1e-10:
                break
        else:
            damping *= 10

    ok = True
    print(f"{requests} requests; {'':12}{'guess':>10}{'fitted':>20}{'true':>8}   relative error")
    for name, begun, value, true in zip(["prey(0)", "predator(0)", *PARAMETERS[1:]], GUESS, parameters, TRUTH):
        error = abs(value - true) / true
        ok = ok and error < TOLERANCE
        print(f"  {name:24}{begun:10g}{value:20.10f}{true:8g}   {error:.1e}")

    alpha, beta, gamma, delta = TRUTH[2:]
    rows = ask(url, "value", {"graph": graph, "at": at(TRUTH)})["value"]["populations"]
    constant = [delta * x - gamma * math.log(x) + beta * y - alpha * math.log(y) for x, y in rows]
    drift = max(abs(v - constant[0]) / abs(constant[0]) for v in constant)
    print(f"  the constant of motion drifts by {drift:.1e}")
    if not ok or not drift < TOLERANCE:
        sys.exit(f"MISMATCH: an error exceeds {TOLERANCE:g}")
    print(f"ok: the rates are found, and the constant of motion is one, within {TOLERANCE:g}")


if __name__ == "__main__":
    main()
