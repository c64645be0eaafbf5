"""What can go wrong with profiles."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Invalid, NotFound


class NoSuchProfile(NotFound):
    """There is no such customer."""


class NoSuchProposal(NotFound):
    """There is no such merge proposal."""


class ProposalDecided(Conflict):
    """That proposal has been decided already."""


class NoSuchMerge(NotFound):
    """That profile was not merged into another."""


class SameProfile(Invalid):
    """Those two are one profile already."""
