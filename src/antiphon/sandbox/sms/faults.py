"""What goes wrong for which number, and who answers: decided by a keyed hash, so that the same seed gives the same troubles."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from antiphon.foundation.ids import keyed_fraction

Fault = Literal[
    "throttle", "refuse", "block", "busy", "hang", "close", "silent", "mute", "undelivered", "expired", "late", "twice",
    "early", "lost", "stop", "reply",
]  # fmt: skip
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of numbers with each trouble; together at most 1."""

    throttle: Rate = 0.0
    """Told to slow down twice, accepted then."""
    refuse: Rate = 0.0
    """The number is refused for good."""
    block: Rate = 0.0
    """This message is refused for good, the number is not."""
    busy: Rate = 0.0
    """A system error at first, accepted later."""
    hang: Rate = 0.0
    """Neither accepted nor answered."""
    close: Rate = 0.0
    """The connection is closed instead of an answer; not accepted."""
    silent: Rate = 0.0
    """Accepted for good, but the connection is closed before that is said."""
    mute: Rate = 0.0
    """Accepted for good, never answered."""
    undelivered: Rate = 0.0
    """Accepted; the receipt says that it failed."""
    expired: Rate = 0.0
    """Accepted; the receipt says that its time ran out."""
    late: Rate = 0.0
    """The receipt comes after a pause."""
    twice: Rate = 0.0
    """The receipt comes twice."""
    early: Rate = 0.0
    """The receipt comes before the answer."""
    lost: Rate = 0.0
    """No receipt comes."""
    stop: Rate = 0.0
    """Delivered, and the customer answers STOP."""
    reply: Rate = 0.0
    """Delivered, and the customer answers something else."""

    def __post_init__(self) -> None:
        if sum(msgspec.structs.astuple(self)) > 1:
            raise ValueError("the rates of faults add up to more than 1")


def fault_of(seed: int, rates: Rates, number: str) -> Fault | None:
    """The trouble of this number, or None."""
    point = keyed_fraction(seed.to_bytes(8, "big", signed=True), "sms-fault", number.lstrip("+"))
    for name in Rates.__struct_fields__:
        point -= getattr(rates, name)
        if point < 0:
            return name  # type: ignore[return-value]
    return None
