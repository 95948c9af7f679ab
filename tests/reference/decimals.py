"""Writing exact results as decimal text, one rule for the three data files.

A result that rounds to an infinity in binary64 is written "inf" or "-inf", one that rounds to zero "0.0" or "-0.0",
so that whoever parses the text to binary64 gets the correctly rounded result (the 30 digits leave no doubt but at exact ties,
for which scalar rows carry `rounded`).
"""
from fractions import Fraction

from mpmath import mp, mpf

OVERFLOW = Fraction(2) ** 1024 - Fraction(2) ** 970  # from here on, binary64 rounds to infinity
UNDERFLOW = Fraction(1, 2**1075)  # up to here, binary64 rounds to zero


def exact(value):
    """A finite mpf as a Fraction (huge exponents clamped far outside of binary64's range)."""
    sign, man, exp, bits = value._mpf_
    if bits + exp > 1100:
        result = Fraction(2) ** 1100
    elif man and bits + exp < -1200:
        result = Fraction(1, 2**1200)
    else:
        result = Fraction(int(man)) * (Fraction(2) ** exp)
    return -result if sign else result


def text(value, digits=30):
    """Decimal text of an mpf, int, float or one of the texts nan, inf, -inf, 0.0, -0.0; None stays None (not checked)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value == 0:
        return repr(value)
    value = mpf(value)
    if mp.isnan(value):
        return "nan"
    if mp.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(exact(value))
    if size >= OVERFLOW:
        return "inf" if value > 0 else "-inf"
    if size <= UNDERFLOW:
        return "-0.0" if value < 0 else "0.0"
    return mp.nstr(value, digits)


def rounded(value):
    """The correctly rounded binary64 of an mpf (or special text), as float.hex."""
    if isinstance(value, (str, float)):
        return hexed(float(value))
    word = text(value)
    if word in ("nan", "inf", "-inf", "0.0", "-0.0"):
        return hexed(float(word))
    return hexed(float(exact(mpf(value))))


def hexed(number):
    """float.hex, and nan, inf, -inf as such."""
    return number.hex()


def condition(terms, value):
    """sum |terms| / |value| as a short float, None where it is not a finite number."""
    if mp.isnan(value) or mp.isinf(value) or text(value) in ("0.0", "-0.0"):
        return None
    total = mp.fsum([abs(term) for term in terms]) / abs(value)
    if mp.isnan(total) or total > mpf("1e300"):
        return None
    return float(mp.nstr(total, 6)) if total > mpf("1e-30") else 0.0  # below: zero, or the noise of one
