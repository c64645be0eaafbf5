"""What goes wrong for which address, by the address or by a keyed hash of it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from antiphon.foundation.ids import keyed_fraction

ApiFault = Literal["reject", "gone", "defer", "broken", "busy", "silent", "hang", "bounce", "complain"]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ApiRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of addresses with each trouble; together at most 1."""

    reject: Rate = 0.0
    """The message is refused for good."""
    gone: Rate = 0.0
    """Its address is."""
    defer: Rate = 0.0
    """503: not now."""
    broken: Rate = 0.0
    """500: something broke, nothing was done."""
    busy: Rate = 0.0
    """429, and for how long."""
    silent: Rate = 0.0
    """Takes the message and never says so."""
    hang: Rate = 0.0
    """Neither takes it nor answers."""
    bounce: Rate = 0.0
    """Takes it, and tells of a bounce."""
    complain: Rate = 0.0
    """Delivers it, and tells of a complaint."""

    def __post_init__(self) -> None:
        if sum(msgspec.structs.astuple(self)) > 1:
            raise ValueError("the rates of faults add up to more than 1")


def fault_of(seed: int, rates: ApiRates, address: str) -> ApiFault | None:
    """The trouble of this address, or None."""
    point = keyed_fraction(seed.to_bytes(8, "big", signed=True), "mail-api-fault", address.lower())
    for name in ApiRates.__struct_fields__:
        point -= getattr(rates, name)
        if point < 0:
            return name  # type: ignore[return-value]
    return None
