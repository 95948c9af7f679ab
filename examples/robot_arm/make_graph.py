#!/usr/bin/env python3
"""Writes graph.json: the position of the arm's tool as a function of its joint angles q, from the link table of arm.json.

The local function `link` is the 4 x 4 matrix from one link's frame to the next; the graph calls it once a joint and multiplies.
"""

import json
from pathlib import Path

HERE = Path(__file__).parent


def op(op, *args, **attributes):
    """A node without a name."""
    return {"op": op, "args": list(args), **attributes}


def named(name, node):
    return {"name": name, **node}


def link():
    """The link matrix of Denavit and Hartenberg for a joint angle theta."""
    rows = [
        ["ct", op("negative", op("multiply", "st", "ca")), op("multiply", "st", "sa"), op("multiply", "a", "ct")],
        ["st", op("multiply", "ct", "ca"), op("negative", op("multiply", "ct", "sa")), op("multiply", "a", "st")],
        [0, "sa", "ca", "d"],
        [0, 0, 0, 1],
    ]
    return {
        "inputs": ["theta", "a", "d", "alpha"],
        "nodes": [
            named("ct", op("cos", "theta")),
            named("st", op("sin", "theta")),
            named("ca", op("cos", "alpha")),
            named("sa", op("sin", "alpha")),
        ],
        "outputs": [{"name": "frame", "value": op("stack", *(op("stack", *row) for row in rows))}],
    }


def arm(links):
    """Frame i stands in the base's coordinates: frame i - 1 times link i. The tool is the last frame's origin."""
    nodes = []
    for i, parameters in enumerate(links):
        angle = op("index", "q", at=[i])
        call = op("call", angle, parameters["a"], parameters["d"], parameters["alpha"], function="link")
        nodes.append(named(f"frame{i + 1}", op("matmul", f"frame{i}", call) if i else call))
    origin = op("slice", f"frame{len(links)}", start=[0, 3], stop=[3, 4])
    return {
        "inputs": [{"name": "q", "shape": [len(links)]}],
        "nodes": nodes,
        "outputs": [{"name": "position", "value": op("reshape", origin, shape=[3])}],
        "functions": {"link": link()},
    }


def main():
    links = json.loads((HERE / "arm.json").read_text())["links"]
    (HERE / "graph.json").write_text(json.dumps(arm(links), indent=1) + "\n")


if __name__ == "__main__":
    main()
