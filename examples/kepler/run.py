#!/usr/bin/env python3
"""Velocities and accelerations on a Kepler orbit, with Kepler's equation solved on the server and differentiated implicitly.

One request brings the place and its Jacobian at many times; /taylor brings velocity and acceleration. They must obey what Newton
derived from Kepler: the acceleration is -mu r / |r|^3, energy and angular momentum are the same at all times, and the closed forms of the
partials by the elements hold.

usage: run.py [URL]     (default http://127.0.0.1:8080)
"""

import json
import math
import sys
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
TOLERANCE = 1e-12
# Mercury: astronomical units and days. mu = n^2 a^3.
A, E, PERIOD = 0.38709893, 0.20563069, 87.9691
TIMES = [PERIOD * k / 48 for k in range(48)]


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


def eccentric_anomaly(mean, eccentricity):
    """E - e sin E = M by bisection: slow, and by no means the server's way."""
    low, high = mean - eccentricity, mean + eccentricity
    for _ in range(200):
        middle = (low + high) / 2
        if middle - eccentricity * math.sin(middle) < mean:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def closed_forms(a, e, n, t):
    """x, y and their partials by a, e, n and t, from dE/dM = 1/(1 - e cos E) and dE/de = sin E/(1 - e cos E)."""
    anomaly = eccentric_anomaly(n * t, e)
    sin, cos = math.sin(anomaly), math.cos(anomaly)
    ratio = math.sqrt((1 - e) * (1 + e))
    by_mean = 1 / (1 - e * cos)
    by_e = sin * by_mean
    x, y = a * (cos - e), a * ratio * sin
    dx, dy = -a * sin, a * ratio * cos
    partials = {
        "x": {"a": cos - e, "e": dx * by_e - a, "n": dx * by_mean * t, "t": dx * by_mean * n},
        "y": {"a": ratio * sin, "e": dy * by_e - a * sin * e / ratio, "n": dy * by_mean * t, "t": dy * by_mean * n},
    }
    return {"x": x, "y": y}, partials


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    graph = json.loads((HERE / "graph.json").read_text())
    n = 2 * math.pi / PERIOD
    elements = {"a": A, "e": E, "n": n}
    errors = {}

    answer = ask(url, "jacobian", {"graph": graph, "at": elements, "points": {"t": TIMES}})
    for i, t in enumerate(TIMES):
        value, partials = closed_forms(A, E, n, t)
        for output in ("x", "y"):
            error = abs(answer["value"][output][i] - value[output]) / A
            errors["place"] = max(errors.get("place", 0), error)
            for name, exact in partials[output].items():
                # relative to the largest that this partial gets on the way
                size = {"a": 1, "e": A, "n": A * PERIOD, "t": A * n}[name]
                error = abs(answer["jacobian"][output][name][i] - exact) / size
                errors[f"by {name}"] = max(errors.get(f"by {name}", 0), error)

    series = ask(url, "taylor", {"graph": graph, "at": elements, "points": {"t": TIMES}, "direction": {"t": 1}, "order": 2})
    # one list of (x, y) for each power of t
    place, velocity, half = (list(zip(*(series["coefficients"][output][k] for output in ("x", "y")))) for k in range(3))
    mu = n**2 * A**3
    energy, momentum = -mu / (2 * A), n * A**2 * math.sqrt((1 - E) * (1 + E))
    for (x, y), (u, v), (p, q) in zip(place, velocity, half):
        r = math.hypot(x, y)
        # the second coefficient is half the acceleration
        pull = math.hypot(2 * p + mu * x / r**3, 2 * q + mu * y / r**3) / (mu / r**2)
        errors["acceleration"] = max(errors.get("acceleration", 0), pull)
        errors["energy"] = max(errors.get("energy", 0), abs((u * u + v * v) / 2 - mu / r - energy) / abs(energy))
        errors["angular momentum"] = max(errors.get("angular momentum", 0), abs(x * v - y * u - momentum) / momentum)

    print(f"{len(TIMES)} places on Mercury's orbit, largest relative errors:")
    for name, error in errors.items():
        print(f"  {name:18}{error:.1e}")
    if not max(errors.values()) < TOLERANCE:
        sys.exit(f"MISMATCH: an error exceeds {TOLERANCE:g}")
    print(f"ok: Kepler's and Newton's laws hold within {TOLERANCE:g}")


if __name__ == "__main__":
    main()
