#!/usr/bin/env python3
"""Prices 10,000 options and takes all their Greeks in one request; checks each against its closed form.

usage: run.py [URL]     (default http://127.0.0.1:8080)
"""

import csv
import json
import math
import statistics
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
INPUTS = ["S", "K", "r", "sigma", "T"]
TOLERANCE = 1e-12
ROUNDS = 5


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


def columns():
    """quotes.csv as {input: list of numbers}."""
    with open(HERE / "quotes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in INPUTS}


def closed_form(S, K, r, sigma, T):
    """The price and its derivatives, as textbooks give them."""
    root = sigma * math.sqrt(T)
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / root
    d2 = d1 - root
    present = K * math.exp(-r * T)
    density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    below1, below2 = (math.erfc(-d / math.sqrt(2)) / 2 for d in (d1, d2))
    return {
        "price": S * below1 - present * below2,
        "S": below1,
        "K": -present / K * below2,
        "r": T * present * below2,
        "sigma": S * density * math.sqrt(T),
        "T": S * density * sigma / (2 * math.sqrt(T)) + r * present * below2,
    }


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    quotes = columns()
    count = len(quotes["S"])
    request = {
        "formula": (HERE / "price.formula").read_text(),
        "inputs": INPUTS,
        "outputs": ["price"],
        "points": quotes,
    }

    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = ask(url, "gradient", request)
        seconds.append(time.perf_counter() - start)

    computed = {"price": answer["value"]["price"], **answer["gradient"]}
    worst = dict.fromkeys(computed, 0.0)
    for i in range(count):
        expected = closed_form(*(quotes[name][i] for name in INPUTS))
        for name, value in expected.items():
            error = abs(float(computed[name][i]) - value) / abs(value)
            worst[name] = max(worst[name], math.inf if math.isnan(error) else error)

    print(f"{'':18}{'first quote':>20}   worst relative error")
    labels = {"price": "price", "S": "delta  d/dS", "K": "       d/dK", "r": "rho    d/dr", "sigma": "vega   d/dsigma", "T": "-theta d/dT"}
    for name, label in labels.items():
        print(f"{label:18}{computed[name][0]:20.12f}   {worst[name]:.1e}")
    median = statistics.median(seconds)
    print(f"{count} quotes with 5 derivatives each in {median * 1e3:.1f} ms: {count / median:,.0f} quotes/s, JSON on both ends included")
    if max(worst.values()) > TOLERANCE:
        sys.exit(f"MISMATCH: an error exceeds {TOLERANCE:g}")
    print(f"ok: all within {TOLERANCE:g} of the closed form")


if __name__ == "__main__":
    main()
