"""Keyed assignment of people to groups, one by one and for whole sets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.foundation.errors import NotFound
from antiphon.foundation.ids import keyed_hash

Period = Literal["always", "year", "quarter", "month"]
"""How long a group stays the same: for ever, or drawn anew with each calendar year, quarter or month (UTC)."""
UNIVERSAL = "universal"
"""The holdout that is kept out of all marketing."""

_MASK = (1 << 64) - 1
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # SplitMix64's finaliser (Steele, Lea, Flood: OOPSLA 2014)
_UNIT = 2.0**-53


class HoldoutUnknown(NotFound):
    """There is no holdout named {name}."""

    code = "holdout-unknown"


class Holdout(msgspec.Struct, frozen=True, kw_only=True):
    """People kept out, to measure what messages do: `percent` of everybody, drawn by `salt` for each `period`."""

    name: str
    title: str
    percent: float
    salt: str
    period: Period
    enabled: bool
    updated_at: datetime


def salt_of(holdout: Holdout, now: datetime) -> str:
    """The salt that holds now: the holdout's own, with the period it is drawn for."""
    at = now.astimezone(UTC)
    match holdout.period:
        case "year":
            return f"{holdout.salt}/{at.year}"
        case "quarter":
            return f"{holdout.salt}/{at.year}Q{(at.month + 2) // 3}"
        case "month":
            return f"{holdout.salt}/{at.year}-{at.month:02}"
        case _:
            return holdout.salt


def _keys(secret: bytes, name: str, salt: str) -> tuple[int, int]:
    key = keyed_hash(secret, "experiment", name, salt)
    return int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")


def _mixed(x: int) -> int:
    x = ((x ^ (x >> 30)) * _FIRST) & _MASK
    x = ((x ^ (x >> 27)) * _SECOND) & _MASK
    return x ^ (x >> 31)


def fraction_of(secret: bytes, name: str, profile_id: int, salt: str = "") -> float:
    """Where one person stands in [0, 1): uniform over people, independent between names and salts."""
    first, second = _keys(secret, name, salt)
    return (_mixed((_mixed(profile_id & _MASK ^ first) + second) & _MASK) >> 11) * _UNIT


def fractions_of(secret: bytes, name: str, profile_ids: Sequence[int] | NDArray[np.int64], salt: str = "") -> NDArray[np.float64]:
    """`fraction_of` of many."""
    first, second = _keys(secret, name, salt)
    x = _mixed_all(np.asarray(profile_ids, dtype=np.int64).astype(np.uint64) ^ np.uint64(first))
    x = _mixed_all(x + np.uint64(second))
    return (x >> np.uint64(11)).astype(np.float64) * _UNIT


def _mixed_all(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_FIRST)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_SECOND)
    return x ^ (x >> np.uint64(31))


def is_held_out(secret: bytes, name: str, percent: float, profile_id: int, salt: str = "") -> bool:
    """Whether one person is held out."""
    return fraction_of(secret, name, profile_id, salt) < percent / 100


def held_out(
    secret: bytes, name: str, percent: float, profile_ids: Sequence[int] | NDArray[np.int64], salt: str = ""
) -> NDArray[np.bool_]:
    """`is_held_out` of many. Raising the percentage keeps in whoever was in."""
    if percent <= 0:
        return np.zeros(len(profile_ids), dtype=np.bool_)
    return fractions_of(secret, name, profile_ids, salt) < percent / 100


def arm_of(secret: bytes, name: str, weights: Sequence[float], profile_id: int, salt: str = "") -> int:
    """Which of several arms one person is in, by the arms' weights."""
    return int(arms_of(secret, name, weights, [profile_id], salt)[0])


def arms_of(
    secret: bytes, name: str, weights: Sequence[float], profile_ids: Sequence[int] | NDArray[np.int64], salt: str = ""
) -> NDArray[np.int64]:
    """`arm_of` of many."""
    ends = np.cumsum(np.asarray(weights, dtype=np.float64))
    places = fractions_of(secret, name, profile_ids, salt) * ends[-1]
    found: NDArray[np.int64] = np.searchsorted(ends, places, side="right").astype(np.int64)
    return np.minimum(found, len(ends) - 1)  # a place just below the end may be rounded onto it
