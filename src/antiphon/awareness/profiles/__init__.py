"""Profiles: who the customers are.

Owns the tables profile, identity, identity_claim, identity_kind, said, alias, merge_proposal, customer_group, membership,
profile_dirty, profile_search, profile_unindexed, newcomer_unmirrored, newcomer_unindexed and identity_epoch.
Public: `resolve` (identities and traits to profiles, as a set), identities' normal
forms, `mark_dirty`, `canonical`, and the notices ProfilesMerged and MergeUndone. Readers of `profile` who count people
ask for `merged_into is null`: a merged-away row stays, without traits, for history's sake.
"""

from antiphon.awareness.profiles.bulk import Loaded, known_rows, load_people
from antiphon.awareness.profiles.errors import NoSuchProfile
from antiphon.awareness.profiles.identities import (
    ANONYMOUS_ID,
    EMAIL,
    PHONE,
    TRUNK_PHONE,
    USER_ID,
    Identity,
    normal_email,
    normal_identity,
    normal_kind,
    normal_phone,
    number_text,
    strength,
)
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Proposal
from antiphon.awareness.profiles.model import Person, display_name, stamp_of
from antiphon.awareness.profiles.newcomers import (
    AlreadyKnown,
    Newcomers,
    Reserved,
    Run,
    hand_over,
    hand_over_late,
    make_newcomers,
    newcomers_mirrored,
    newcomers_waiting,
    reserve_ids,
    touched_since,
)
from antiphon.awareness.profiles.notices import MergeUndone, ProfilesMerged
from antiphon.awareness.profiles.privacy import masked_names, names_of, names_shown, secret_traits
from antiphon.awareness.profiles.resolving import IdentitiesContended, resolve
from antiphon.awareness.profiles.rules import (
    Refusal,
    TraitRule,
    computed_traits,
    forget_old_refusals,
    hold_for_erasure,
    hold_from_erasure,
    personal_traits,
    read_rule,
    refusals,
    ruled_traits,
    set_rule,
    write_computed,
)
from antiphon.awareness.profiles.service import summaries
from antiphon.awareness.profiles.speaking import say_traits
from antiphon.awareness.profiles.store import (
    bump_epoch,
    canonical,
    every_id,
    existing,
    identity_values,
    join_groups,
    lock_profiles,
    mark_dirty,
    merge_group_traits,
    owners,
    read_epoch,
    touch,
)

__all__ = [
    "ANONYMOUS_ID", "EMAIL", "KINDS", "PHONE", "TRUNK_PHONE", "USER_ID", "AlreadyKnown", "IdentitiesContended",
    "Identity", "Loaded", "MergeUndone", "Newcomers", "NoSuchProfile", "Person", "ProfilesMerged", "Proposal", "Refusal",
    "Reserved", "Run", "TraitRule", "bump_epoch", "canonical", "computed_traits", "display_name", "every_id", "existing",
    "forget_old_refusals", "hand_over", "hand_over_late", "hold_for_erasure", "hold_from_erasure", "identity_values",
    "join_groups", "known_rows", "load_people", "lock_profiles", "make_newcomers", "mark_dirty", "masked_names",
    "merge_group_traits", "names_of", "names_shown", "newcomers_mirrored", "newcomers_waiting", "normal_email",
    "normal_identity", "normal_kind", "normal_phone", "number_text", "owners", "personal_traits", "read_epoch",
    "read_rule", "refusals", "reserve_ids", "resolve", "ruled_traits", "say_traits", "secret_traits", "set_rule",
    "stamp_of", "strength", "summaries", "touch", "touched_since", "write_computed",
]  # fmt: skip
