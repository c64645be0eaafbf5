"""What goes wrong for which number, and who answers: decided by a keyed hash, so that the same seed gives the same troubles."""

from __future__ import annotations

from typing import Literal, get_args

from antiphon.sandbox.shares import Share, Shares, drawn

Fault = Literal[
    "throttle", "refuse", "block", "busy", "hang", "close", "silent", "mute", "undelivered", "expired", "late", "twice",
    "early", "lost", "stop", "reply",
]  # fmt: skip
KINDS: tuple[Fault, ...] = get_args(Fault)


class Rates(Shares, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of numbers with each trouble; together at most 1."""

    throttle: Share = 0.0
    """Told to slow down twice, accepted then."""
    refuse: Share = 0.0
    """The number is refused for good."""
    block: Share = 0.0
    """This message is refused for good, the number is not."""
    busy: Share = 0.0
    """A system error at first, accepted later."""
    hang: Share = 0.0
    """Neither accepted nor answered."""
    close: Share = 0.0
    """The connection is closed instead of an answer; not accepted."""
    silent: Share = 0.0
    """Accepted for good, but the connection is closed before that is said."""
    mute: Share = 0.0
    """Accepted for good, never answered."""
    undelivered: Share = 0.0
    """Accepted; the receipt says that it failed."""
    expired: Share = 0.0
    """Accepted; the receipt says that its time ran out."""
    late: Share = 0.0
    """The receipt comes after a pause."""
    twice: Share = 0.0
    """The receipt comes twice."""
    early: Share = 0.0
    """The receipt comes before the answer."""
    lost: Share = 0.0
    """No receipt comes."""
    stop: Share = 0.0
    """Delivered, and the customer answers STOP."""
    reply: Share = 0.0
    """Delivered, and the customer answers something else."""


def fault_of(seed: int, rates: Rates, number: str) -> Fault | None:
    """The trouble of this number, or None."""
    return drawn(KINDS, rates, seed, "sms-fault", number.lstrip("+"))
