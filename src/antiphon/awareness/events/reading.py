"""Whom a call speaks of, as `profiles.resolve` wants to hear it."""

from __future__ import annotations

from antiphon.awareness.events.calls import Understood, identities_of
from antiphon.awareness.profiles import ANONYMOUS_ID, Person, normal_identity, stamp_of
from antiphon.foundation.postgres.binary import from_micros


def people_of(event: Understood, lane: int, seq: int) -> list[Person]:
    """One entry for a call about somebody, none for a call about nobody.

    An alias says that its previousId (an anonymous id, or a user id somebody already has) is its userId's person. A
    group's traits are the group's.
    """
    identities = identities_of(event)
    if event.previous_id is not None:
        previous = normal_identity(ANONYMOUS_ID, event.previous_id)
        if previous is not None and previous not in identities:
            identities = (*identities, previous)
    if not identities:
        return []
    at = from_micros(event.ts)
    traits = event.traits if event.kind == "identify" and event.traits not in (None, b"{}") else None
    return [Person(identities, traits, stamp_of(at, event.message_id or f"{lane}-{seq}"), at)]
