"""Computed traits: what somebody did, added up, and what it says they like.

Owns the tables computed_trait, trait_tally, computed_dirty, computed_cursor and computed_newcomers. New events are added to
tallies by person, day and value, behind a cursor for each lane, each event once; a person's values are worked out from
their tallies whenever those change, when a day leaves a window, and when profiles are merged or parted. All of
history goes through the same statement when a trait is defined.
"""

from antiphon.awareness.traits.computed.model import (
    Affinity,
    AffinitySource,
    ComputedNameTaken,
    ComputedTrait,
    Definition,
    InvalidComputed,
    Measured,
    NoSuchComputedTrait,
)

__all__ = [
    "Affinity", "AffinitySource", "ComputedNameTaken", "ComputedTrait", "Definition", "InvalidComputed", "Measured",
    "NoSuchComputedTrait",
]  # fmt: skip
