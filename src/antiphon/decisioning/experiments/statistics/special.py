"""Distribution functions.

SciPy is loaded when the first of its own is asked for: it takes 30 MB of a process that may never ask.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from math import lgamma
from statistics import NormalDist
from typing import Any

_NORMAL = NormalDist()


@cache
def _scipy() -> Any:
    return import_module("scipy.special")


def normal_quantile(p: float) -> float:
    """The value a standard normal variable is below with probability p."""
    return _NORMAL.inv_cdf(p)


def normal_tail(z: float) -> float:
    """The probability that a standard normal variable is further from zero than z, on either side."""
    return 2 * float(_scipy().ndtr(-abs(z)))


def student_quantile(degrees: float, p: float) -> float:
    """The same for Student's t."""
    return float(_scipy().stdtrit(degrees, p))


def student_tail(degrees: float, t: float) -> float:
    """The probability that Student's t is further from zero than t, on either side."""
    return 2 * float(_scipy().stdtr(degrees, -abs(t)))


def chi_square_tail(degrees: int, x: float) -> float:
    """The probability that chi-square is above x."""
    return float(_scipy().chdtrc(degrees, x))


def log_gamma(x: float) -> float:
    """The logarithm of the gamma function."""
    return lgamma(x)
