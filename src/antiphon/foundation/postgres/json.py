"""JSON as PostgreSQL keeps it, whose numbers may be beyond all measure."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

_LONGEST = 4_000
"""Digits of the largest whole number that is read as one."""


def read_json(text: str | bytes) -> Any:
    """Decode JSON. A number that is none here (`1e400`, or one of thousands of digits) is infinite."""
    try:
        return msgspec.json.decode(text)
    except msgspec.ValidationError:
        return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> float:
    if len(digits) <= _LONGEST:
        return int(digits)
    return -math.inf if digits[0] == "-" else math.inf
