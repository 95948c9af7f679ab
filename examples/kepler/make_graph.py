#!/usr/bin/env python3
"""Writes graph.json: the place of a planet on its ellipse as a function of time, with Kepler's equation solved inside.

The eccentric anomaly E is the root of E - e sin E = M. The graph says only that; `root` finds it and is differentiated implicitly.

usage: make_graph.py > graph.json
"""

import json
import sys


def op(name, *args, **attributes):
    return {"op": name, "args": list(args), **attributes}


def graph():
    """Inputs: semi-major axis a, eccentricity e, mean motion n, time t since the pericentre. Outputs: x, y in the plane of the orbit."""
    kepler = {
        "inputs": ["E", "e", "M"],
        "outputs": [{"name": "rest", "value": op("subtract", op("subtract", "E", op("multiply", "e", op("sin", "E"))), "M")}],
    }
    nodes = [
        {"name": "M", **op("multiply", "n", "t")},
        # a guess from which Newton's method converges for every e below 1: E lies between M and M + e
        {"name": "guess", **op("add", "M", op("multiply", "e", op("sin", "M")))},
        {"name": "E", **op("root", "guess", "e", "M", function="kepler")},
        {"name": "x", **op("multiply", "a", op("subtract", op("cos", "E"), "e"))},
        {"name": "b", **op("multiply", "a", op("sqrt", op("multiply", op("subtract", 1, "e"), op("add", 1, "e"))))},
        {"name": "y", **op("multiply", "b", op("sin", "E"))},
    ]
    return {"inputs": ["a", "e", "n", "t"], "nodes": nodes, "outputs": ["x", "y"], "functions": {"kepler": kepler}}


if __name__ == "__main__":
    json.dump(graph(), sys.stdout, indent=1)
    print()
