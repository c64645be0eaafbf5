"""Profiles: who the customers are.

Owns the tables profile, identity, alias, merge_proposal, customer_group, membership, profile_dirty, profile_search,
profile_unindexed and identity_epoch. Public: `resolve` (identities and traits to profiles, as a set), identities' normal
forms, `mark_dirty`, `canonical`, and the notices ProfilesMerged and MergeUndone. Readers of `profile` who count people
ask for `merged_into is null`: a merged-away row stays, without traits, for history's sake.
"""

from antiphon.awareness.profiles.bulk import Loaded, load_people
from antiphon.awareness.profiles.errors import NoSuchProfile
from antiphon.awareness.profiles.identities import (
    ANONYMOUS_ID,
    EMAIL,
    PHONE,
    USER_ID,
    Identity,
    normal_email,
    normal_identity,
    normal_kind,
    normal_phone,
)
from antiphon.awareness.profiles.linking import Proposal
from antiphon.awareness.profiles.model import Person, display_name, stamp_of
from antiphon.awareness.profiles.notices import MergeUndone, ProfilesMerged
from antiphon.awareness.profiles.resolving import IdentitiesContended, resolve
from antiphon.awareness.profiles.store import (
    bump_epoch,
    canonical,
    every_id,
    existing,
    identity_values,
    join_groups,
    mark_dirty,
    merge_group_traits,
    owners,
    propose,
    read_epoch,
    touch,
)

__all__ = [
    "ANONYMOUS_ID", "EMAIL", "PHONE", "USER_ID", "IdentitiesContended", "Identity", "Loaded", "MergeUndone",
    "NoSuchProfile", "Person", "ProfilesMerged", "Proposal", "bump_epoch", "canonical", "display_name",
    "every_id", "existing", "identity_values", "join_groups", "load_people", "mark_dirty", "merge_group_traits", "normal_email",
    "normal_identity", "normal_kind", "normal_phone", "owners", "propose", "read_epoch", "resolve", "stamp_of",
    "touch",
]  # fmt: skip
