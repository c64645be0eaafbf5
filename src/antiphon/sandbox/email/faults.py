"""What goes wrong for which address: decided by a keyed hash, so that the same seed gives the same troubles."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from antiphon.foundation.ids import keyed_fraction

Fault = Literal["bounce", "refuse", "greylist", "delay", "hang", "close", "silent", "defer", "complain", "reply", "away"]
BACK: frozenset[Fault] = frozenset({"bounce", "complain", "reply", "away"})
"""What is accepted, and answered by a mail of its own."""
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of addresses with each trouble; together at most 1."""

    bounce: Rate = 0.0
    """Accepted, then returned by a delivery status notification (RFC 3464)."""
    refuse: Rate = 0.0
    """550 to RCPT: there is no such mailbox."""
    greylist: Rate = 0.0
    """451 to the first attempt, accepted later."""
    delay: Rate = 0.0
    """Accepted after a pause."""
    hang: Rate = 0.0
    """Takes the message and never answers."""
    close: Rate = 0.0
    """Closes the connection in the middle of DATA."""
    silent: Rate = 0.0
    """Accepts the message for good, but closes the connection before saying so."""
    defer: Rate = 0.0
    """452 to RCPT, whenever it is tried: the mailbox is full."""
    complain: Rate = 0.0
    """Accepted, then complained of by an abuse report (RFC 5965)."""
    reply: Rate = 0.0
    """Accepted, then answered by a person who quotes it."""
    away: Rate = 0.0
    """Accepted, then answered by a program: out of office (RFC 3834)."""

    def __post_init__(self) -> None:
        if sum(msgspec.structs.astuple(self)) > 1:
            raise ValueError("the rates of faults add up to more than 1")


def fault_of(seed: int, rates: Rates, address: str) -> Fault | None:
    """The trouble of this address, or None."""
    point = keyed_fraction(seed.to_bytes(8, "big", signed=True), "mail-fault", address.lower())
    for name in Rates.__struct_fields__:
        point -= getattr(rates, name)
        if point < 0:
            return name  # type: ignore[return-value]
    return None
