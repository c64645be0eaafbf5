"""Shares of addresses with a trouble of each kind, and which trouble an address has: the same seed gives the same troubles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, TypeVar

import msgspec

from antiphon.foundation.ids import keyed_fraction

Trouble = TypeVar("Trouble", bound=str)
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Shares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share for each kind of trouble, in the order they are drawn; together at most 1."""

    def __post_init__(self) -> None:
        if more_than_all(msgspec.structs.astuple(self)):
            raise ValueError("the rates of faults add up to more than 1")


def more_than_all(shares: Iterable[float]) -> bool:
    """Whether shares add up to more than everybody."""
    return sum(shares) > 1


def drawn(kinds: Sequence[Trouble], shares: object, seed: int, salt: str, who: str) -> Trouble | None:
    """Somebody's trouble, or None. Each kind's share is the attribute of ``shares`` that has its name."""
    point = keyed_fraction(seed.to_bytes(8, "big", signed=True), salt, who)
    for kind in kinds:
        point -= getattr(shares, kind)
        if point < 0:
            return kind
    return None
