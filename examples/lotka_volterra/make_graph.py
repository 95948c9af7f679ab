#!/usr/bin/env python3
"""Writes graph.json: the populations of prey and predator at the times of the observations, as a function of where they start and of the
four rates of Lotka and Volterra. The equation stays an equation; `odeint` solves it on the server and is differentiated through.

usage: make_graph.py > graph.json
"""

import json
import sys

TIMES = [0.5 * k for k in range(31)]


def op(name, *args, **attributes):
    return {"op": name, "args": list(args), **attributes}


def slope():
    """dy/dt: prey grows by alpha and is eaten by beta, the predator grows by delta and starves by gamma."""
    nodes = [
        {"name": "prey", **op("index", "y", at=[0])},
        {"name": "predator", **op("index", "y", at=[1])},
        {"name": "meetings", **op("multiply", "prey", "predator")},
        {"name": "d_prey", **op("subtract", op("multiply", "alpha", "prey"), op("multiply", "beta", "meetings"))},
        {"name": "d_predator", **op("subtract", op("multiply", "delta", "meetings"), op("multiply", "gamma", "predator"))},
    ]
    return {
        "inputs": [{"name": "y", "shape": [2]}, "t", "alpha", "beta", "gamma", "delta"],
        "nodes": nodes,
        "outputs": [{"name": "slope", "value": op("stack", "d_prey", "d_predator")}],
    }


def graph():
    rates = ["alpha", "beta", "gamma", "delta"]
    solution = op("odeint", "start", {"const": TIMES}, *rates, function="slope", method="dopri5", steps=10)
    return {
        "inputs": [{"name": "start", "shape": [2]}, *rates],
        "nodes": [{"name": "populations", **solution}],
        "outputs": ["populations"],
        "functions": {"slope": slope()},
    }


if __name__ == "__main__":
    json.dump(graph(), sys.stdout, indent=1)
    print()
