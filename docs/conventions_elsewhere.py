"""Asks JAX, PyTorch and CasADi what nablad's conventions answer, and prints the table of conventions.md.

    pip install jax torch casadi
    python docs/conventions_elsewhere.py [URL]      prints the table; with the URL of a running server nablad's column too
    python docs/conventions_elsewhere.py --check    fails where the page's table says something else of JAX, PyTorch or CasADi

Each derivative is asked in reverse mode, then in forward mode; where the two differ, forward stands behind it in brackets. All in
binary64, nothing compiled, defaults otherwise.
"""

import json
import math
import sys
import urllib.request
import warnings
from pathlib import Path

import casadi
import jax
import jax.numpy as jnp
import jax.scipy.special
import torch

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)
warnings.filterwarnings("ignore")

PAGE = Path(__file__).with_name("conventions.md")
INF = math.inf

# Each row: nablad's formula, its point, the same in JAX, PyTorch and CasADi (None: there is no such function).
# The names of a function's arguments are those of the point.
CASES = [
    ("abs(x)", {"x": 0.0}, jnp.abs, torch.abs, casadi.fabs),
    ("relu(x)", {"x": 0.0}, jax.nn.relu, torch.relu, None),
    ("maximum(x, 0)", {"x": 0.0}, lambda x: jnp.maximum(x, 0.0), lambda x: torch.maximum(x, torch.tensor(0.0)),
     lambda x: casadi.fmax(x, 0)),
    ("maximum(x, x)", {"x": 1.0}, lambda x: jnp.maximum(x, x), lambda x: torch.maximum(x, x), lambda x: casadi.fmax(x, x)),
    ("maximum(x, y)", {"x": 1.0, "y": 1.0}, jnp.maximum, torch.maximum, casadi.fmax),
    ("max([x, y])", {"x": 1.0, "y": 1.0}, lambda x, y: jnp.max(jnp.stack([x, y])), lambda x, y: torch.max(torch.stack([x, y])),
     lambda x, y: casadi.mmax(casadi.vertcat(x, y))),
    ("sort([x, y])[0]", {"x": 1.0, "y": 1.0}, lambda x, y: jnp.sort(jnp.stack([x, y]))[0],
     lambda x, y: torch.sort(torch.stack([x, y])).values[0], None),
    ("clip(x, 0, 1)", {"x": 0.0}, lambda x: jnp.clip(x, 0.0, 1.0), lambda x: torch.clip(x, 0.0, 1.0),
     lambda x: casadi.fmin(casadi.fmax(x, 0), 1)),
    ("hypot(x, y)", {"x": 0.0, "y": 0.0}, jnp.hypot, torch.hypot, casadi.hypot),
    ("vector_norm([x, y])", {"x": 0.0, "y": 0.0}, lambda x, y: jnp.linalg.norm(jnp.stack([x, y])),
     lambda x, y: torch.linalg.norm(torch.stack([x, y])), lambda x, y: casadi.norm_2(casadi.vertcat(x, y))),
    ("sqrt(x)", {"x": 0.0}, jnp.sqrt, torch.sqrt, casadi.sqrt),
    ("log(x)", {"x": 0.0}, jnp.log, torch.log, casadi.log),
    ("asin(x)", {"x": 1.0}, jnp.arcsin, torch.asin, casadi.asin),
    ("sqrt(x^2)", {"x": 0.0}, lambda x: jnp.sqrt(x**2), lambda x: torch.sqrt(x**2), lambda x: casadi.sqrt(x**2)),
    ("sqrt(x^2 + y^2)", {"x": 0.0, "y": 0.0}, lambda x, y: jnp.sqrt(x**2 + y**2), lambda x, y: torch.sqrt(x**2 + y**2),
     lambda x, y: casadi.sqrt(x**2 + y**2)),
    ("std([x, y])", {"x": 1.0, "y": 1.0}, lambda x, y: jnp.std(jnp.stack([x, y])),
     lambda x, y: torch.std(torch.stack([x, y]), correction=0), None),
    ("where(x > 0, log(x), 0)", {"x": -1.0}, lambda x: jnp.where(x > 0, jnp.log(x), 0.0),
     lambda x: torch.where(x > 0, torch.log(x), 0.0), lambda x: casadi.if_else(x > 0, casadi.log(x), 0)),
    ("where(x > 0, log(x), 0)", {"x": 0.0}, lambda x: jnp.where(x > 0, jnp.log(x), 0.0),
     lambda x: torch.where(x > 0, torch.log(x), 0.0), lambda x: casadi.if_else(x > 0, casadi.log(x), 0)),
    ("where(x > 0, sqrt(x), 0)", {"x": -1.0}, lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0),
     lambda x: torch.where(x > 0, torch.sqrt(x), 0.0), lambda x: casadi.if_else(x > 0, casadi.sqrt(x), 0)),
    ("log(x)", {"x": -1.0}, jnp.log, torch.log, casadi.log),
    ("sqrt(x)", {"x": -1.0}, jnp.sqrt, torch.sqrt, casadi.sqrt),
    ("asin(x)", {"x": 2.0}, jnp.arcsin, torch.asin, casadi.asin),
    ("logsumexp([x, y])", {"x": -INF, "y": -INF}, lambda x, y: jax.scipy.special.logsumexp(jnp.stack([x, y])),
     lambda x, y: torch.logsumexp(torch.stack([x, y]), 0), lambda x, y: casadi.logsumexp(casadi.vertcat(x, y))),
    ("floor(x)", {"x": 1.0}, jnp.floor, torch.floor, casadi.floor),
    ("sign(x)", {"x": 0.0}, jnp.sign, torch.sign, casadi.sign),
    ("x^2", {"x": -3.0}, lambda x: x**2, lambda x: x**2, lambda x: x**2),
    ("x^0", {"x": 0.0}, lambda x: x**0, lambda x: x**0, lambda x: x**0),
    ("x^0.5", {"x": 0.0}, lambda x: x**0.5, lambda x: x**0.5, lambda x: x**0.5),
    ("x^y", {"x": -2.0, "y": 2.0}, jnp.power, torch.pow, casadi.power),
    ("x^y", {"x": 0.0, "y": 2.0}, jnp.power, torch.pow, casadi.power),
    ("x^y", {"x": 0.0, "y": 0.0}, jnp.power, torch.pow, casadi.power),
    ("x * log(x)", {"x": 0.0}, lambda x: x * jnp.log(x), lambda x: x * torch.log(x), lambda x: x * casadi.log(x)),
    ("xlogy(x, x)", {"x": 0.0}, lambda x: jax.scipy.special.xlogy(x, x), lambda x: torch.xlogy(x, x), None),
    ("xlogy(x, y)", {"x": 0.0, "y": 0.0}, jax.scipy.special.xlogy, torch.xlogy, None),
    ("x / x", {"x": 0.0}, lambda x: x / x, lambda x: x / x, lambda x: x / x),
    ("0 * x", {"x": INF}, lambda x: 0.0 * x, lambda x: 0.0 * x, lambda x: 0 * x),
    ("x - x", {"x": INF}, lambda x: x - x, lambda x: x - x, lambda x: x - x),
]


def in_jax(function, point):
    args = [jnp.asarray(value) for value in point.values()]
    numbers = range(len(args))
    reverse = jax.grad(function, tuple(numbers))(*args)
    forward = [jax.jvp(function, tuple(args), unit(args, i, jnp.asarray))[1] for i in numbers]
    return function(*args), reverse, forward


def in_torch(function, point):
    args = [torch.tensor(value, requires_grad=True) for value in point.values()]
    value = function(*args)
    # x^0 is a constant there, which no derivative is recorded of
    reverse = torch.autograd.grad(value, args, allow_unused=True) if value.requires_grad else [None] * len(args)
    forward = []
    for i in range(len(args)):
        with torch.autograd.forward_ad.dual_level():
            duals = [torch.autograd.forward_ad.make_dual(arg.detach(), dot) for arg, dot in zip(args, unit(args, i, torch.tensor))]
            forward.append(torch.autograd.forward_ad.unpack_dual(function(*duals)).tangent)
    zero = torch.tensor(0.0)
    return value.detach(), [zero if part is None else part for part in reverse], [zero if part is None else part for part in forward]


def in_casadi(function, point):
    args = [casadi.SX.sym(name) for name in point]
    expression = function(*args)
    reverse = [casadi.jtimes(expression, arg, 1, True) for arg in args]
    forward = [casadi.jtimes(expression, arg, 1) for arg in args]
    answers = casadi.Function("f", args, [expression, *reverse, *forward])(*point.values())
    answers = answers if isinstance(answers, (tuple, list)) else [answers]
    return answers[0], answers[1 : 1 + len(args)], answers[1 + len(args) :]


def unit(args, i, number):
    return tuple(number(1.0 if k == i else 0.0) for k in range(len(args)))


def in_nablad(url, formula, point):
    at = {name: value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity" for name, value in point.items()}
    answers = []
    for mode in ("reverse", "forward"):
        body = json.dumps({"formula": formula, "at": at, "mode": mode}).encode()
        request = urllib.request.Request(f"{url}/gradient", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            answers.append(json.load(answer))
    parts = [[answer["gradient"][name] for name in point] for answer in answers]
    return next(iter(answers[0]["value"].values())), *parts


def number(value):
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.6g}".replace("-", "−") if value else "0"


def derivatives(parts):
    texts = [number(part) for part in parts]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def cell(answer):
    """Value, then derivative; forward mode's in brackets where it is another."""
    value, reverse, forward = answer
    reverse, forward = derivatives(reverse), derivatives(forward)
    return f"{number(value)}; {reverse}" + ("" if forward == reverse else f" [{forward}]")


def table(url):
    """The rows, each a list of cells; without a URL nablad's cell is None."""
    for formula, point, *functions in CASES:
        at = ", ".join(f"{name} = {number(value)}" for name, value in point.items())
        asks = zip((in_jax, in_torch, in_casadi), functions)
        others = ["–" if function is None else cell(ask(function, point)) for ask, function in asks]
        own = cell(in_nablad(url, formula, point)) if url else None
        yield [f"`{formula}`", at, own, *others]


def versions():
    return f"JAX {jax.__version__}, PyTorch {torch.__version__.split('+')[0]}, CasADi {casadi.__version__}"


def shown():
    """The rows of the page's table, nablad's cell left out."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row[:2] + row[3:] for row in rows if len(row) == 6]


def check():
    page, now = shown(), [row[:2] + row[3:] for row in table(None)]
    for row in now:
        if row not in page:
            print("not in the page:", " | ".join(row))
    for row in page:
        if row not in now:
            print("only in the page:", " | ".join(row))
    return 1 if page != now else 0


def main():
    if sys.argv[1:] == ["--check"]:
        return check()
    url = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else None
    print(f"| asked | at | nablad | {versions().replace(', ', ' | ')} |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in table(url):
        print(f"| {' | '.join(cell or '' for cell in row)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
