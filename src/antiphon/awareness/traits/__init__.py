"""Traits: what is known of customers, each with one type, and the typed mirror of profiles in the lake.

Owns the table `trait` and the lake table `profile`. Public: the `registry`, `observe_traits` (enter new ones with their
types; an import knows them beforehand, the mirror infers them at first sight), `typed` (a value as the mirror holds it),
`mirror_profiles`, and `mirror_newcomers` (an import's new people, typed already).
"""

from antiphon.awareness.traits.mirror import mirror_profiles
from antiphon.awareness.traits.model import LAKE_TYPES, TYPES, NoSuchTrait, Trait, TraitType, typed
from antiphon.awareness.traits.newcomers import TypedColumn, mirror_newcomers
from antiphon.awareness.traits.service import observe_traits, registry

__all__ = [
    "LAKE_TYPES", "TYPES", "NoSuchTrait", "Trait", "TraitType", "TypedColumn", "mirror_newcomers", "mirror_profiles",
    "observe_traits", "registry", "typed",
]  # fmt: skip
