"""What rooms beside and above hear of profiles."""

from __future__ import annotations

from antiphon.foundation.notices import Notice


class ProfilesMerged(Notice, frozen=True):
    """Profiles became one: each of `gone` is part of the profile at the same place in `into` now.

    Whoever keeps a state by profile (consent, membership of segments) folds it together. History needs nothing: `alias`
    maps it.
    """

    gone: list[int]
    into: list[int]


class MergeUndone(Notice, frozen=True):
    """`revived` is a person of its own again; it was part of `survivor`."""

    revived: int
    survivor: int
