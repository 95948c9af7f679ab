#!/usr/bin/env python3
"""Writes quotes.csv: 10,000 made-up option quotes, the same ones every time.

Strikes lie within 2.5 standard deviations of the forward price, as listed ones do.
"""

import csv
import math
import random
from pathlib import Path

COUNT = 10_000
COLUMNS = ["S", "K", "r", "sigma", "T"]


def quote(draw):
    """One row: spot, strike, rate, volatility, years to expiry, rounded as a feed would print them."""
    spot = round(draw.uniform(20, 400), 2)
    rate = round(draw.uniform(0.001, 0.06), 4)
    sigma = round(draw.uniform(0.1, 0.8), 4)
    years = round(draw.randint(7, 730) / 365, 4)
    deviations = draw.uniform(-2.5, 2.5)
    strike = round(spot * math.exp(rate * years + deviations * sigma * math.sqrt(years)), 1)
    return [spot, strike, rate, sigma, years]


def main():
    draw = random.Random(1973)
    with open(Path(__file__).with_name("quotes.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(quote(draw) for _ in range(COUNT))


if __name__ == "__main__":
    main()
