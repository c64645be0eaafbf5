"""How values of properties are read, so that the lake's answer and Python's are the same to the last digit."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from antiphon.foundation.postgres import read_json

PLACES = Decimal("1e-9")
LIMIT = Decimal("1e19")
SMALL = 1e-6
"""Smaller fractions are written with an exponent, which the lake's decimals read wrongly: they are scaled as doubles."""
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_NUMERIC = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NUMERIC_PATTERN = r"-?[0-9]+(\.[0-9]+)?"

Json = Any


def number(value: Json) -> Decimal | None:
    """Return a JSON value as a decimal with nine places, or None if it is not a number below 10^19.

    A text that is plainly a number counts as one. A fraction is read as the lake reads it: the shortest decimal that
    names the nearest binary double.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        exact = Decimal(value)
    elif isinstance(value, float):
        exact = Decimal(repr(value)) if abs(value) >= SMALL else Decimal(value * 1e9).scaleb(-9, _EXACT)
    elif isinstance(value, str) and _NUMERIC.fullmatch(value):
        exact = Decimal(value)
    else:
        return None
    if not exact.is_finite() or abs(exact) >= LIMIT:
        return None
    rounded = exact.quantize(PLACES, context=_EXACT)
    return rounded if abs(rounded) < LIMIT else None


def text(value: Json) -> str | None:
    """Return the text a property is compared by: itself, a whole number's digits, true or false; else None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**64 else None
    return value if isinstance(value, str) else None


def plain(value: Json) -> str | None:
    """Return the text that tells a value from others: of a fraction, its digits to nine places; None for what has no text."""
    known = text(value)
    if known is not None:
        return known
    exact = number(value)
    if exact is None:
        return None
    digits = f"{exact:f}".rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits


def lower(value: str) -> str:
    """Lower each character by itself, as the lake does (no special final sigma; İ becomes i)."""
    if value.isascii():
        return value.lower()
    return "".join(low if len(low := c.lower()) == 1 else ("i" if c == "İ" else c) for c in value)


def steps(path: str) -> list[str]:
    """Return the names in a property's dotted path."""
    return path.split(".")


def dig(properties: Json, path: str) -> Json:
    """Return what a dotted path leads to, or None; a list is entered by a plain index."""
    here = properties
    for step in steps(path):
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isascii() and step.isdigit() and (step == "0" or step[0] != "0"):
            here = here[int(step)] if int(step) < len(here) else None
        else:
            return None
    return here


def properties_of(text: str | None) -> dict[str, Json]:
    """Decode an event's properties as the lake holds them."""
    if not text:
        return {}
    found = read_json(text)
    return found if isinstance(found, dict) else {}
