"""Calls a running server through the package that openapi-python-client writes from its document.

    python_client.py URL GENERATED      GENERATED: the directory of the generated package
"""

import importlib
import sys
from pathlib import Path


def main():
    url, generated = sys.argv[1], Path(sys.argv[2])
    sys.path.insert(0, str(generated.parent))

    def part(name):
        return importlib.import_module(f"{generated.name}.{name}")

    for module in sorted(generated.rglob("*.py")):
        name = module.relative_to(generated).with_suffix("").as_posix().replace("/", ".").removesuffix("__init__").rstrip(".")
        importlib.import_module(".".join(filter(None, (generated.name, name))))

    models, client = part("models"), part("client").Client(base_url=url)
    gradient, jacobian = part("api.evaluation.gradient"), part("api.evaluation.jacobian")

    request = models.GradientRequest(formula="x^2 + 3*y", at=models.GradientRequestAt.from_dict({"x": 3.0, "y": 0.5}))
    answer = gradient.sync(client=client, body=request)
    expect("the answer's type", type(answer), models.GradientAnswer)
    expect("value", answer.value.to_dict(), {"f": 10.5})
    expect("gradient", answer.gradient.to_dict(), {"x": 6.0, "y": 3.0})

    graph = {
        "inputs": ["x", {"name": "w", "shape": [3]}],
        "nodes": [{"name": "s", "op": "multiply", "args": ["x", "w"]}],
        "outputs": [{"name": "y", "value": {"op": "square", "args": ["s"]}}],
    }
    points = [{"x": 2, "w": [1, 0, -1]}, {"x": 1, "w": [1, 2, 3]}]
    request = models.JacobianRequest.from_dict({"graph": graph, "points": points, "wrt": ["x"]})
    expect("a graph through the models and back", request.to_dict()["graph"], graph)
    answer = jacobian.sync(client=client, body=request).to_dict()
    expect("jacobian", [row["jacobian"] for row in answer["results"]], [{"y": {"x": [4, 0, 4]}}, {"y": {"x": [2, 8, 18]}}])

    problem = gradient.sync(client=client, body=models.GradientRequest(formula="x +* y", at=models.GradientRequestAt()))
    expect("the problem's type", type(problem), models.Problem)
    expect("problem", (problem.status, problem.type_), (422, "/problems/invalid-formula"))

    print("the Python client holds: values, gradients, Jacobians and problems")


def expect(what, actual, expected):
    if actual != expected:
        sys.exit(f"{what}: {actual!r}, expected {expected!r}")


if __name__ == "__main__":
    main()
