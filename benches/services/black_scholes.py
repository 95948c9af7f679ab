"""The function that all services are asked for: requests for it, its numbers by hand, and what an answer says.

W1 of benches/peers, the price of a call and its five partials, as a client writes it for nablad.
"""

import json
import math
import random

NAMES = ("S", "K", "r", "sigma", "T")
FORMULA = "d1 = (log(S/K) + (r + sigma^2/2)*T)/(sigma*sqrt(T)); S*ndtr(d1) - K*exp(-r*T)*ndtr(d1 - sigma*sqrt(T))"
POINT = (101.5, 99.25, 0.0312, 0.2345, 1.25)
RANGES = ((80, 120), (80, 120), (0.0, 0.1), (0.1, 0.5), (0.1, 3))
# The same for many options at once under scenarios: each input of all options times a factor of the scenario's.
SCENARIOS = """\
s = S*by_S; k = K*by_K; v = sigma*by_sigma; t = T*by_T; rate = r*by_r; d1 = (log(s/k) + (rate + v^2/2)*t)/(v*sqrt(t))
sum(s*ndtr(d1) - k*exp(-rate*t)*ndtr(d1 - v*sqrt(t)))"""
FACTORS = tuple(f"by_{name}" for name in NAMES)


def columns(points, ranges=RANGES, seed=1):
    """Full doubles, as data have them: 16 or 17 digits each."""
    g = random.Random(seed)
    return [[g.uniform(low, high) for _ in range(points)] for low, high in ranges]


def hand(S, K, r, sigma, T):
    """The value and the five partials at a point."""
    ndtr = lambda x: math.erfc(-x * math.sqrt(0.5)) / 2
    spread = sigma * math.sqrt(T)
    d1 = (math.log(S / K) + (r + sigma * sigma / 2) * T) / spread
    N1, discounted = ndtr(d1), math.exp(-r * T) * ndtr(d1 - spread)
    density = S * math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    paid = K * discounted
    return S * N1 - paid, N1, -discounted, T * paid, density * math.sqrt(T), density * sigma / (2 * math.sqrt(T)) + r * paid


def scenario(options, factors):
    """The value of all options under one scenario, and its partials by the factors."""
    at_each = [hand(*(x * factor for x, factor in zip(option, factors))) for option in zip(*options)]
    value = math.fsum(answer[0] for answer in at_each)
    return value, *(math.fsum(x * answer[i + 1] for x, answer in zip(options[i], at_each)) for i in range(5))


def body(**request):
    return json.dumps(request, separators=(",", ":")).encode()


def one_point():
    return body(formula=FORMULA, at=dict(zip(NAMES, POINT)))


def as_columns(data):
    return body(formula=FORMULA, points=dict(zip(NAMES, data)))


def scenarios(options, factors):
    return body(formula=SCENARIOS, at=dict(zip(NAMES, options)), points=dict(zip(FACTORS, factors)), wrt=FACTORS)


def as_umbridge():
    return body(name="black-scholes", outWrt=0, inWrt=0, input=[POINT], sens=[1.0], config={})


def read(answer, names=NAMES):
    """The value and the partials in nablad's answer, each a number or a column."""
    answer = json.loads(answer)
    return [answer["value"]["f"], *(answer["gradient"][name] for name in names)]


def read_umbridge(answer):
    """The partials alone: a model's gradient comes without its value."""
    return json.loads(answer)["output"]


def difference(answer, reference):
    """The largest difference, each column against its own largest number; `answer` may be the last columns alone."""
    found = []
    for column, expected in zip(answer, reference[-len(answer):], strict=True):
        if not isinstance(column, list):
            column, expected = [column], [expected]
        largest = max(map(abs, expected))
        found += (abs(a - b) / largest for a, b in zip(column, expected, strict=True))
    return max(found, key=lambda difference: (difference != difference, difference))  # a NaN is the largest
