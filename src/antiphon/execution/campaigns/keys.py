"""Keys of the API's messages: the same key is the same message, for as long as it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.campaigns.asked import OneMessage, facts_of_way
from antiphon.execution.campaigns.messages import KEPT, Accepted, MessageKeyReused, accepted
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.ids import keyed_hash, random_token
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("messages.sql"))
LOOP = "campaigns.keys"


class Repeat(AntiphonError):
    """Said again in the same breath; answered by what became of the first."""

    def __init__(self, original: OneMessage) -> None:
        super().__init__()
        self.original = original


def answer_repeats(ones: Sequence[OneMessage]) -> None:
    for one in ones:
        if isinstance(one.answer, Repeat):
            first = one.answer.original.answer
            one.answer = msgspec.structs.replace(first, repeated=True) if isinstance(first, Accepted) else first


async def claim_keys(ctx: Context, conn: Connection, ones: Sequence[OneMessage]) -> None:
    """Take each key for its message; a key that was used answers with what it was used for."""
    first: dict[tuple[str, bytes], OneMessage] = {}
    for one in ones:
        one.suffix = random_token(12)
        if one.asked.key is None:
            continue
        one.key = keyed_hash(ctx.secret, "message key", one.asked.owner, one.asked.key)
        one.digest = keyed_hash(ctx.secret, "message body", msgspec.json.encode(one.asked.body, order="deterministic"))
        first.setdefault((one.asked.owner, one.key), one)
    if not first:
        return
    params: dict[str, Any] = {
        "owners": [owner for owner, _ in first], "keys": [key for _, key in first],
        "bodies": [one.digest for one in first.values()], "now": ctx.clock.now(),
    }  # fmt: skip
    taken = {
        (owner, bytes(key)): request_id
        for request_id, owner, key in await (await conn.execute(SQL.claim_keys, params)).fetchall()
    }
    for place, one in first.items():
        if place in taken:
            one.request_id = taken[place]
            one.suffix = str(one.request_id)
    used: dict[tuple[str, bytes], tuple[Any, ...]] = {}
    if len(taken) < len(first):
        rows = await (await conn.execute(SQL.used_keys, params)).fetchall()
        used = {(row[0], bytes(row[1])): row[2:] for row in rows if (row[0], bytes(row[1])) not in taken}
    for one in ones:
        place = (one.asked.owner, one.key)
        if place in used:
            body, delivery_id, profile_id, state, reason = used[place]
            if bytes(body) != one.digest or delivery_id is None:
                one.answer = MessageKeyReused(field="key")
            else:
                row = (delivery_id, state, reason)
                one.answer = accepted(row, profile_id, key=one.asked.key, repeated=True, facts=facts_of_way(one))
        elif place in first and first[place] is not one:  # twice in one batch: the first is the message
            original = first[place]
            one.answer = Repeat(original) if original.digest == one.digest else MessageKeyReused(field="key")


async def forget_keys(conn: Connection, before: datetime) -> int:
    """Let go of keys older than this, some at a time; returns how many."""
    return (await conn.execute(SQL.forget_keys, {"before": before})).rowcount


async def tidy(ctx: Context, held: Held) -> bool:
    """Let go of keys that may be used again."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        return await forget_keys(conn, ctx.clock.now() - KEPT) > 0
