"""The formulas of taylor.py, each with its points and a direction at each."""


def along(names, *rows):
    """Pairs of a point and a direction, each row being the values of the one and then those of the other."""
    names = names.split()
    return [(dict(zip(names, row[:len(names)])), dict(zip(names, row[len(names):]))) for row in rows]


def line(*points):
    """Points of x, along x."""
    return along("x", *((x, 1.0) for x in points))


BLACK_SCHOLES = "d1 = (log(S / K) + (r + sigma^2 / 2) * T) / (sigma * sqrt(T)); d2 = d1 - sigma * sqrt(T); S * ndtr(d1) - K * exp(-r * T) * ndtr(d2)"

SERIES = [
    # one operator, of x and of a function that has all coefficients
    *((f"{name}(x)", line(*points)) for name, points in [
        ("sin", (0.0, 0.7, 31.0)), ("cos", (0.3,)), ("tan", (0.5, -1.2)), ("asin", (0.3, -0.9)), ("acos", (0.6,)), ("atan", (0.0, 0.8, -30.0)),
        ("sinh", (0.4,)), ("cosh", (-1.1,)), ("tanh", (0.0, 0.6, -3.0)), ("asinh", (0.9, -20.0)), ("acosh", (1.5, 40.0)), ("atanh", (0.4, -0.95)),
        ("exp", (-2.5,)), ("exp2", (1.7,)), ("expm1", (1e-3,)), ("log", (0.3, 12.0)), ("log2", (5.0,)), ("log10", (0.2,)), ("log1p", (-0.4, 1e-6)),
        ("sqrt", (0.5, 9.0)), ("rsqrt", (2.0,)), ("cbrt", (3.0,)), ("reciprocal", (-0.8,)), ("square", (1.25,)),
        ("sigmoid", (0.0, 2.5, -6.0)), ("log_sigmoid", (0.5,)), ("softplus", (-1.5,)), ("gelu", (0.4, -1.7)), ("silu", (1.1,)),
        ("erf", (0.0, 0.8)), ("erfc", (1.4,)), ("ndtr", (-1.3,)), ("gammaln", (2.3, 30.0)), ("digamma", (1.6,)), ("sinc", (0.0, 0.01, 1.3)),
    ]),
    *((f"{name}(exp(x) * cos(x) + 0.2)", line(0.3)) for name in
      "sin tan atan tanh asinh expm1 log sqrt rsqrt cbrt reciprocal square sigmoid softplus gelu erf ndtr gammaln sinc exp2".split()),
    ("asin(sin(x) / 2)", line(0.7)),
    ("atanh(tanh(x)^2)", line(0.4)),
    ("acosh(1 + exp(x))", line(-0.3)),
    # powers and quotients
    ("x^3", line(1.5, 0.0, -2.0)),
    ("x^7 - 2 * x^2", line(0.75)),
    ("x^3.7", line(1.2)),
    ("x^-2.5", line(0.9)),
    ("(1 + sin(x))^-3", line(0.5)),
    ("2^x", line(0.5)),
    ("x^x", line(1.3)),
    ("sin(x)^cos(x)", line(0.8)),
    ("sin(x) / (2 + cos(x))", line(0.6)),
    ("1 / (1 + 25 * x^2)", line(0.3, 1.0)),
    ("x / (exp(x) + 1)", line(0.5)),
    ("(1 + x + x^2) / (1 - x / 3)", line(0.25)),
    # chains
    ("sin(exp(x) * log(x))", line(1.3, 0.4)),
    ("exp(-x^2 / 2) * cos(3 * x)", line(0.7)),
    ("tanh(sin(exp(x / 2)))", line(-0.4)),
    ("exp(sin(cos(tanh(exp(sin(x))))))", line(0.2)),
    ("log(1 + exp(3 * x)) * atan(x)", line(0.4)),
    ("sqrt(1 + sqrt(1 + sqrt(1 + x^2)))", line(0.9)),
    ("gammaln(1 + x^2) * erf(x)", line(0.8)),
    # several inputs
    ("x * y", along("x y", (2.0, 3.0, 1.0, -0.5))),
    ("x * sin(y) + y^2 * z", along("x y z", (1.5, 0.4, -2.0, 0.3, 1.0, 0.7), (1.5, 0.4, -2.0, 0.0, 1.0, 0.0))),
    ("hypot(x, y)", along("x y", (3.0, 4.0, 1.0, 1.0), (0.3, -0.7, 0.5, 2.0))),
    ("atan2(y, x)", along("y x", (0.5, 2.0, 1.0, -1.0), (-0.3, -0.7, 0.5, 0.25))),
    ("logaddexp(x, sin(y))", along("x y", (0.5, 1.2, 1.0, -2.0))),
    ("xlogy(x, 1 + y^2)", along("x y", (0.5, 1.2, 1.0, 0.5))),
    ("lerp(x, exp(y), x * y)", along("x y", (0.5, -0.6, 1.0, 0.5))),
    ("fma(x, sin(y), x^2)", along("x y", (0.5, -0.6, 1.0, 0.5))),
    ("x^y", along("x y", (1.3, 2.4, 0.4, -0.7))),
    ("log(x / y) / (x - y)", along("x y", (2.0, 0.75, 1.0, 0.25))),
    (BLACK_SCHOLES, along("S K r sigma T", (100.0, 95.0, 0.03, 0.25, 0.75, 5.0, 0.0, 0.0, 0.0, 0.0), (100.0, 95.0, 0.03, 0.25, 0.75, 2.0, 1.0, 0.002, 0.01, -0.05))),
    # choices and steps, away from their edges
    ("if(x > 0, sin(x), exp(x))", line(0.6, -0.6)),
    ("maximum(x^2, exp(x) - 1)", line(1.7, -1.0)),
    ("abs(sin(x)) * x", line(-0.8)),
    ("relu(x^3 - 0.1) * cos(x)", line(0.9, 0.2)),
    ("clip(x * exp(x), -1, 1)", line(0.4, 2.0)),
    ("remainder(3 * sin(x), 0.75) * x", line(1.0)),
    ("floor(x) + x^2", line(1.5)),
    # tensors
    ("logsumexp([x, sin(3 * x), x^2]) * x", line(0.4)),
    ("sum(softmax([x, exp(x), 1 - x^2]) * [1, 2, 3])", line(0.3)),
    ("log_softmax([x, 2 * x^2, 0.5])[1]", line(-0.7)),
    ("vector_norm([x, cos(x), x^2 + 1])", line(0.6)),
    ("vector_norm([x - 1, cos(x), x^2], ord=1)", line(0.6)),
    ("max([sin(x), x^3, 0.1]) * exp(x)", line(0.8)),
    ("prod([x, 1 + x, sin(x), 2 - x^2])", line(0.45)),
    ("mean(exp(w)) * w[1]", along("w", ([0.5, -1.25, 0.75], [1.0, 0.5, -0.25]))),
    ("matmul(matmul(A, sin(w)), w) / (1 + sum(w^2))", along("A w", ([[1.5, -0.5], [0.25, 2.0]], [0.5, 1.25], [[0.5, 0.0], [1.0, -1.0]], [1.0, -0.5]))),
    ("sum(outer(tanh(w), w)[0] * w)", along("w", ([0.5, -0.8], [1.0, 0.75]))),
    ("sum(reshape([x, x^2, sin(x), 1], shape=[2, 2]) @ [exp(x), x])", line(0.35)),
    ("sum(permute_dims(matmul(A, A), axes=[1, 0])[0] * concat(A[1], A[0])[1:3])", along("A", ([[0.5, -1.0], [0.75, 0.25]], [[1.0, 0.5], [-0.5, 1.0]]))),
]
