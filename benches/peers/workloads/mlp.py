"""W5: a perceptron 784–256–256–10 with tanh and cross-entropy on a batch of 32: loss and gradient by all weights."""

import casadi
import jax
import jax.numpy as jnp
import numpy as np

import peers
from measure import Case

SIZES = [784, 256, 256, 10]
BATCH = 32
FORMULA = """\
h1 = tanh(x@W0 + b0); h2 = tanh(h1@W1 + b1)
-mean(sum(y*log_softmax(h2@W2 + b2, axis=1), axis=1))"""


def data():
    g = np.random.default_rng(5)
    weights = [g.normal(size=(rows, columns)) / np.sqrt(rows) for rows, columns in zip(SIZES, SIZES[1:])]
    biases = [0.01 * g.normal(size=columns) for columns in SIZES[1:]]
    return [*weights, *biases], g.normal(size=(BATCH, SIZES[0])), np.eye(10)[g.integers(0, 10, BATCH)]


def hand(parameters, x, y):
    W0, W1, W2, b0, b1, b2 = parameters
    h1 = np.tanh(x @ W0 + b0)
    h2 = np.tanh(h1 @ W1 + b1)
    z = h2 @ W2 + b2
    most = z.max(1, keepdims=True)
    e = np.exp(z - most)
    total = e.sum(1, keepdims=True)
    f = -(y * (z - most - np.log(total))).sum() / BATCH
    d3 = (e / total - y) / BATCH
    d2 = (d3 @ W2.T) * (1 - h2 * h2)
    d1 = (d2 @ W1.T) * (1 - h1 * h1)
    return f, x.T @ d1, h1.T @ d2, h2.T @ d3, d1.sum(0), d2.sum(0), d3.sum(0)


def in_jax(W0, W1, W2, b0, b1, b2, x, y):
    h = jnp.tanh(jnp.tanh(x @ W0 + b0) @ W1 + b1)
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(h @ W2 + b2), 1))


def in_casadi(x, y):
    W = [casadi.MX.sym(f"W{i}", rows, columns) for i, (rows, columns) in enumerate(zip(SIZES, SIZES[1:]))]
    b = [casadi.MX.sym(f"b{i}", 1, columns) for i, columns in enumerate(SIZES[1:])]
    layer = lambda h, i: h @ W[i] + casadi.repmat(b[i], BATCH, 1)
    z = layer(casadi.tanh(layer(casadi.tanh(layer(casadi.DM(x), 0)), 1)), 2)
    normaliser = casadi.repmat(casadi.log(casadi.sum2(casadi.exp(z))), 1, SIZES[-1])
    f = -casadi.sum1(casadi.sum2(casadi.DM(y) * (z - normaliser))) / BATCH
    return casadi.Function("F", [*W, *b], [f, *(casadi.gradient(f, by) for by in (*W, *b))])


def by_rows(outputs):
    """CasADi stores matrices by columns."""
    matrices = [output.reshape(columns, rows).T for output, rows, columns in zip(outputs[1:4], SIZES, SIZES[1:])]
    return [outputs[0], *matrices, *outputs[4:]]


def in_torch(x, y):
    torch = peers.torch
    x, y = torch.tensor(x), torch.tensor(y)

    def loss(W0, W1, W2, b0, b1, b2):
        h = torch.tanh(torch.tanh(x @ W0 + b0) @ W1 + b1)
        return -(y * torch.log_softmax(h @ W2 + b2, 1)).sum() / BATCH

    return loss


def cases(_quick):
    parameters, x, y = data()
    names = ["W0", "W1", "W2", "b0", "b1", "b2"]
    others = [
        peers.with_jax(jax.value_and_grad(in_jax, argnums=tuple(range(6))), [*parameters, x, y]),
        peers.with_casadi(lambda: in_casadi(x, y), [*(W.T for W in parameters[:3]), *parameters[3:]], "MX", by_rows),
        *(peers.with_torch(in_torch(x, y), parameters) if peers.torch else ()),
        peers.with_numpy(lambda: hand(parameters, x, y), "limit", "NumPy by hand (OpenBLAS)"),
    ]
    at = dict(zip(names, parameters)) | {"x": x, "y": y}
    request = {"formula": FORMULA, "inputs": [*names, "x", "y"], "at": at, "wrt": names}
    reference = peers.flat(hand(parameters, x, y))
    yield Case("W5 perceptron", f"batch {BATCH}", "gradient", request, reference, others, {"JAX": 1.0, "limit": 1.3})
