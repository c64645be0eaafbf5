"""What goes wrong for which address, by the address or by a keyed hash of it."""

from __future__ import annotations

from typing import Literal, get_args

from antiphon.sandbox.shares import Share, Shares, drawn

ApiFault = Literal["reject", "gone", "defer", "broken", "busy", "silent", "hang", "bounce", "complain"]
KINDS: tuple[ApiFault, ...] = get_args(ApiFault)


class ApiRates(Shares, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of addresses with each trouble; together at most 1."""

    reject: Share = 0.0
    """The message is refused for good."""
    gone: Share = 0.0
    """Its address is."""
    defer: Share = 0.0
    """503: not now."""
    broken: Share = 0.0
    """500: something broke, nothing was done."""
    busy: Share = 0.0
    """429, and for how long."""
    silent: Share = 0.0
    """Takes the message and never says so."""
    hang: Share = 0.0
    """Neither takes it nor answers."""
    bounce: Share = 0.0
    """Takes it, and tells of a bounce."""
    complain: Share = 0.0
    """Delivers it, and tells of a complaint."""


def fault_of(seed: int, rates: ApiRates, address: str) -> ApiFault | None:
    """The trouble of this address, or None."""
    return drawn(KINDS, rates, seed, "mail-api-fault", address.lower())
