"""What goes wrong for which address: decided by a keyed hash, so that the same seed gives the same troubles."""

from __future__ import annotations

from typing import Literal, get_args

from antiphon.sandbox.shares import Share, Shares, drawn

Fault = Literal["bounce", "refuse", "greylist", "delay", "hang", "close", "silent", "defer", "complain", "reply", "away"]
BACK: frozenset[Fault] = frozenset({"bounce", "complain", "reply", "away"})
"""What is accepted, and answered by a mail of its own."""
KINDS: tuple[Fault, ...] = get_args(Fault)


class Rates(Shares, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of addresses with each trouble; together at most 1."""

    bounce: Share = 0.0
    """Accepted, then returned by a delivery status notification (RFC 3464)."""
    refuse: Share = 0.0
    """550 to RCPT: there is no such mailbox."""
    greylist: Share = 0.0
    """451 to the first attempt, accepted later."""
    delay: Share = 0.0
    """Accepted after a pause."""
    hang: Share = 0.0
    """Takes the message and never answers."""
    close: Share = 0.0
    """Closes the connection in the middle of DATA."""
    silent: Share = 0.0
    """Accepts the message for good, but closes the connection before saying so."""
    defer: Share = 0.0
    """452 to RCPT, whenever it is tried: the mailbox is full."""
    complain: Share = 0.0
    """Accepted, then complained of by an abuse report (RFC 5965)."""
    reply: Share = 0.0
    """Accepted, then answered by a person who quotes it."""
    away: Share = 0.0
    """Accepted, then answered by a program: out of office (RFC 3834)."""


def fault_of(seed: int, rates: Rates, address: str) -> Fault | None:
    """The trouble of this address, or None."""
    return drawn(KINDS, rates, seed, "mail-fault", address.lower())
