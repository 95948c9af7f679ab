#!/usr/bin/env python3
"""Fits NIST's problem Thurber by Levenberg-Marquardt from both of its starts, with Jacobians from the server.

One request a step brings the 37 residuals and their 37 x 7 Jacobian. The fit must reach the certified parameters and the certified
residual sum of squares to 6 digits.

usage: run.py [URL]     (default http://127.0.0.1:8080)
"""

import json
import math
import sys
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
PARAMETERS = [f"b{i}" for i in range(1, 8)]
TOLERANCE = 1e-6
MAX_STEPS = 200
# A step that raises the sum of squares by no more than its rounding is not held against it.
ROUNDING = 1e-13
# The cosine at which residuals and a column count as orthogonal.
ORTHOGONAL = 1e-8


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


class Problem:
    """Thurber.dat as NIST publishes it: its header says on which lines things stand."""

    def __init__(self, path):
        lines = path.read_text().splitlines()
        table = [line.split("=")[1].split() for line in lines[40:47]]
        self.starts = [[float(row[i]) for row in table] for i in (0, 1)]
        self.certified = [float(row[2]) for row in table]
        self.certified_squares = next(float(line.split(":")[1]) for line in lines if line.startswith("Residual Sum of Squares"))
        observations = [[float(word) for word in line.split()] for line in lines[60:97]]
        self.y, self.x = (list(column) for column in zip(*observations))


class Residuals:
    """The function on the server: parameters in, residuals and Jacobian out."""

    def __init__(self, url, problem):
        count = len(problem.x)
        self.url = url
        self.requests = 0
        self.data = {"x": problem.x, "y": problem.y}
        self.request = {
            "formula": (HERE / "residual.formula").read_text(),
            "inputs": [{"name": "x", "shape": [count]}, {"name": "y", "shape": [count]}, *PARAMETERS],
            "outputs": ["residual"],
            "wrt": PARAMETERS,
            "form": "matrix",
        }

    def __call__(self, parameters):
        self.requests += 1
        point = {**self.data, **dict(zip(PARAMETERS, parameters))}
        answer = ask(self.url, "jacobian", {**self.request, "at": point})
        # Numbers that are not finite come as strings, which float reads.
        return [float(r) for r in answer["value"]["residual"]], [[float(v) for v in row] for row in answer["jacobian"]]


def least_squares(matrix, right):
    """The z that minimises |matrix z - right|, by Householder's QR decomposition."""
    rows = [row + [b] for row, b in zip(matrix, right)]
    n = len(matrix[0])
    for k in range(n):
        norm = math.copysign(math.hypot(*(row[k] for row in rows[k:])), rows[k][k])
        if norm == 0:
            raise ZeroDivisionError("the columns are dependent")
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


def squares(residuals):
    return math.fsum(r * r for r in residuals)


def cosine(u, v):
    return math.fsum(a * b for a, b in zip(u, v)) / (math.hypot(*u) * math.hypot(*v))


def fit(residuals_at, start):
    """Levenberg-Marquardt: Gauss-Newton steps, damped in the scale of the Jacobian's columns until the sum of squares falls.

    It ends where the residuals are orthogonal to every column of the Jacobian, which is where the sum of squares is stationary.
    """
    parameters = list(start)
    residuals, jacobian = residuals_at(parameters)
    damping = 1e-3
    for _ in range(MAX_STEPS):
        scale = [math.hypot(*column) for column in zip(*jacobian)]
        cosines = [cosine(column, residuals) for column in zip(*jacobian)]
        if max(map(abs, cosines)) <= ORTHOGONAL:
            return parameters, squares(residuals)
        damped = [[math.sqrt(damping) * s if i == j else 0.0 for j in range(len(scale))] for i, s in enumerate(scale)]
        step = least_squares(jacobian + damped, [-r for r in residuals] + [0.0] * len(scale))
        trial = [p + d for p, d in zip(parameters, step)]
        trial_residuals, trial_jacobian = residuals_at(trial)
        if squares(trial_residuals) <= squares(residuals) * (1 + ROUNDING):
            parameters, residuals, jacobian = trial, trial_residuals, trial_jacobian
            damping /= 10
        else:
            damping *= 10
    sys.exit(f"MISMATCH: no convergence in {MAX_STEPS} steps from {start}")


def relative(value, certified):
    return abs(value - certified) / abs(certified)


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    problem = Problem(HERE / "Thurber.dat")
    ok = True
    for number, start in enumerate(problem.starts, 1):
        residuals_at = Residuals(url, problem)
        parameters, sum_of_squares = fit(residuals_at, start)
        print(f"start {number}: {residuals_at.requests} requests")
        print(f"  {'':4}{'start':>10}{'fitted':>20}{'certified':>20}   relative error")
        table = [(name, f"{s:g}", p, c) for name, s, p, c in zip(PARAMETERS, start, parameters, problem.certified)]
        for name, begun, value, certified in table + [("RSS", "", sum_of_squares, problem.certified_squares)]:
            error = relative(value, certified)
            ok = ok and error < TOLERANCE
            print(f"  {name:4}{begun:>10}{value:20.10e}{certified:20.10e}   {error:.1e}")
    if not ok:
        sys.exit(f"MISMATCH: an error exceeds {TOLERANCE:g}")
    print(f"ok: both starts reach the certified values within {TOLERANCE:g}")


if __name__ == "__main__":
    main()
