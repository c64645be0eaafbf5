"""Whom messages of the API are for: customers found by what is known of them, or addresses of nobody's; as one set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from antiphon.awareness.profiles import Identity, Person, canonical, existing, owners, resolve, stamp_of
from antiphon.execution.campaigns.asked import OneMessage
from antiphon.execution.campaigns.messages import RecipientUnknown, identity_of
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Connection


async def find_people(ctx: Context, conn: Connection, ones: Sequence[OneMessage]) -> None:
    """Whose each recipient is: a customer's profile, or nobody's address."""
    by_identity: dict[Identity, list[OneMessage]] = defaultdict(list)
    by_id: dict[int, list[OneMessage]] = defaultdict(list)
    for one in ones:
        if one.answer is None and one.way is not None:
            try:
                identity = identity_of(ctx, one.asked.body, one.way.channel)
            except AntiphonError as failed:
                one.answer = failed
                continue
            if identity is not None:
                by_identity[identity].append(one)
            elif one.asked.body.to.profile_id is not None:
                by_id[one.asked.body.to.profile_id].append(one)
    found = await owners(conn, sorted(by_identity))
    to_make = [i for i, asked in by_identity.items() if i not in found and any(one.asked.body.to.create for one in asked)]
    if to_make:
        now = ctx.clock.now()
        people = [Person((identity,), None, stamp_of(now, ""), now) for identity in to_make]
        found |= dict(zip(to_make, await resolve(conn, people, at=now), strict=True))
    for identity, asked in by_identity.items():
        for one in asked:
            to = one.asked.body.to
            if identity in found:
                one.profile_id = found[identity]
            elif to.address is None:
                what = "user id" if to.user_id is not None else "identity"
                one.answer = RecipientUnknown(field="to", what=what)
    known = await existing(conn, list(by_id)) if by_id else set()
    for profile_id, asked in by_id.items():
        real = profile_id if profile_id in known else await canonical(conn, profile_id)
        for one in asked:
            if real is None:
                one.answer = RecipientUnknown(field="to.profile_id", what="profile id")
            else:
                one.profile_id = real
