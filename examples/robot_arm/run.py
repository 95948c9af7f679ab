#!/usr/bin/env python3
"""Where a six-joint arm's tool is and how it moves with each joint: a tensor graph of 4 x 4 matrices and its 3 x 6 Jacobian.

The Jacobian is checked against the geometric one, whose column i is z_i x (p - p_i) for joint axis z_i through p_i, and against
central differences.

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
STEP = 1e-5
DIFFERENCE_TOLERANCE = 1e-9


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


def product(a, b):
    return [[math.fsum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def cross(u, v):
    return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]


def link(theta, a, d, alpha):
    ct, st, ca, sa = math.cos(theta), math.sin(theta), math.cos(alpha), math.sin(alpha)
    return [[ct, -st * ca, st * sa, a * ct], [st, ct * ca, -ct * sa, a * st], [0, sa, ca, d], [0, 0, 0, 1]]


def geometric(links, q):
    """The tool's position and its Jacobian, from the joint axes alone."""
    frame = [[float(i == j) for j in range(4)] for i in range(4)]
    axes = []
    for theta, parameters in zip(q, links):
        axes.append(([row[2] for row in frame[:3]], [row[3] for row in frame[:3]]))
        frame = product(frame, link(theta, parameters["a"], parameters["d"], parameters["alpha"]))
    tool = [row[3] for row in frame[:3]]
    columns = [cross(z, [t - p for t, p in zip(tool, origin)]) for z, origin in axes]
    return tool, [list(row) for row in zip(*columns)]


def differences(url, graph, q):
    """The Jacobian by central differences: both sides of every joint in one request."""
    moved = []
    for joint in range(len(q)):
        for sign in (1, -1):
            moved.append([angle + sign * STEP * (i == joint) for i, angle in enumerate(q)])
    at = ask(url, "value", {"graph": graph, "points": {"q": moved}})["value"]["position"]
    columns = [[(a - b) / (2 * STEP) for a, b in zip(at[2 * j], at[2 * j + 1])] for j in range(len(q))]
    return [list(row) for row in zip(*columns)]


def distance(a, b):
    """The largest difference of two equally nested lists of numbers, in metres; infinite where one is NaN."""
    if isinstance(b, list):
        return max(distance(x, y) for x, y in zip(a, b)) if len(a) == len(b) else math.inf
    difference = abs(float(a) - b)
    return math.inf if math.isnan(difference) else difference


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    arm = json.loads((HERE / "arm.json").read_text())
    graph = json.loads((HERE / "graph.json").read_text())
    poses = arm["poses"]
    answer = ask(url, "jacobian", {"graph": graph, "points": {"q": poses}})

    ok = True
    print(f"{arm['name']}: the tool in metres, and the largest error of its Jacobian against")
    print(f"{'pose':>4}{'x':>12}{'y':>12}{'z':>12}{'position':>12}{'geometric':>12}{'differences':>13}")
    for i, (q, position, jacobian) in enumerate(zip(poses, answer["value"]["position"], answer["jacobian"]["position"]["q"])):
        tool, expected = geometric(arm["links"], q)
        errors = [distance(position, tool), distance(jacobian, expected), distance(jacobian, differences(url, graph, q))]
        ok = ok and max(errors[:2]) < TOLERANCE and errors[2] < DIFFERENCE_TOLERANCE
        print(f"{i:4}" + "".join(f"{v:12.6f}" for v in position) + f"{errors[0]:12.1e}{errors[1]:12.1e}{errors[2]:13.1e}")
    print("Jacobian of the last pose (metres a radian):")
    for row in jacobian:
        print("  " + "".join(f"{v:12.6f}" for v in row))
    if not ok:
        sys.exit(f"MISMATCH: an error exceeds {TOLERANCE:g} (differences: {DIFFERENCE_TOLERANCE:g})")
    print(f"ok: position and Jacobian within {TOLERANCE:g}, differences within {DIFFERENCE_TOLERANCE:g}")


if __name__ == "__main__":
    main()
