"""What was said of one trait of one customer over time.

Nothing is kept for it: every identify call is in the history of events with what it said, and the profile knows the word
that counts now and whose it was. What an import said before its latest word is not told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.properties import literal
from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id, secret_traits
from antiphon.awareness.traits import store
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import read_json
from antiphon.foundation.principal import Principal

MOST = 100
_TIMEOUT = 30


class TraitSaid(msgspec.Struct, frozen=True, kw_only=True):
    """One call's word on a trait: the value (null removed it), when, by which message of which source.

    `profile_id` is whom it was said of then.
    """

    value: Any
    at: datetime
    message_id: str | None
    source_id: int | None
    profile_id: int


class TraitHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A trait of one customer: its value now, and what was said of it, latest first, at most 100.

    `hidden`: it is personal, and not for the asker. `computed`: Antiphon works it out from events.
    """

    name: str
    value: Any
    hidden: bool
    computed: bool
    said: list[TraitSaid]


async def trait_history(ctx: Context, who: Principal, profile_id: int, name: str) -> TraitHistory:
    """Raises NoSuchProfile."""
    async with ctx.db.connection() as conn:
        real = await canonical(conn, profile_id)
        if real is None:
            raise NoSuchProfile
        ids = await every_id(conn, real)
        value = await store.value_of(conn, real, name)
        computed = await store.is_computed(conn, name)
        hidden = name in await secret_traits(conn, who)
    if hidden:
        return TraitHistory(name=name, value=None, hidden=True, computed=computed, said=[])
    pointer = literal("/" + name.replace("~", "~0").replace("/", "~1"))
    relation = event_relation(["ts", "message_id", "source_id", "profile_id", "kind", "properties"], profiles=ids)
    rows = await ctx.lake.run(
        f"select said::varchar, ts, message_id, source_id, profile_id "
        f"from (select *, json_extract(properties, {pointer}) as said from {relation} where kind = 'identify') "
        f"where said is not null order by ts desc, message_id desc limit {MOST}",
        timeout=_TIMEOUT,
    )
    said = [
        TraitSaid(value=read_json(text), at=at, message_id=message, source_id=source, profile_id=one)
        for text, at, message, source, one in rows
    ]
    return TraitHistory(name=name, value=value, hidden=False, computed=computed, said=said)
