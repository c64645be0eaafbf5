"""Where messages of the API are handed in: those asked at once are one set, one transaction, one call of the gate for each way
of saying them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.campaigns.asked import Asked, OneMessage, Way, facts_of_way
from antiphon.execution.campaigns.checking import check_purpose
from antiphon.execution.campaigns.keys import SQL, answer_repeats, claim_keys
from antiphon.execution.campaigns.messages import (
    Accepted,
    MessageBody,
    MessageHopShown,
    MessageInvalid,
    MessageShown,
    MessageUnknown,
    accepted,
    check_body,
    identity_of,
    shown,
)
from antiphon.execution.campaigns.model import NoSuchPart, NotPublished, WrongChannel
from antiphon.execution.campaigns.recipients import find_people
from antiphon.execution.campaigns.uses import tell
from antiphon.execution.delivery import Dispatch, Hop, Intents, NewDispatch, NoAccount, chunks, open_dispatch, submit, way_of
from antiphon.foundation.batcher import Batcher
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.postgres import Connection, DeadlockDetected, PostgresError, SerializationFailure, struct_row

GATHER = 0.003
MOST_AT_ONCE = 1_000
TRIES = 3
MOST_WAITING = 20_000
MOST_KNOWN = 2_000
_BAD_VALUES = ("22", "54")  # SQLSTATE classes: a value PostgreSQL does not take, a limit of it reached


Usual = dict[tuple[str, str, str, bool], tuple[str, tuple[Hop, ...]]]
"""The ways that were asked for in a set, by class, channel, purpose, and whether hops were said."""


class Desk:
    """One process's desk for messages of the API."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: dict[str, Dispatch] = {}
        self._batcher: Batcher[Asked, Accepted] = Batcher(
            self._flush, max_items=MOST_AT_ONCE, max_delay=0, gather=GATHER, max_queue=MOST_WAITING
        )

    async def hand_in(self, asked: Asked) -> Accepted:
        """Hand in one message; it is in the ledger when this answers. Raises what is wrong with it, and QueueFull."""
        return await self._batcher.submit(asked)

    async def close(self) -> None:
        """Hand in what was asked, then stop."""
        await self._batcher.close()

    async def hand_in_all(self, items: Sequence[Asked]) -> list[Accepted | AntiphonError]:
        """Hand in some together; each has its own answer."""
        return await self._flush(list(items))

    async def _flush(self, items: list[Asked]) -> list[Accepted | AntiphonError]:
        """All as one set; where the set as a whole is refused, one by one, so that none is refused for another's fault."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._together(items)
            except (DeadlockDetected, SerializationFailure):  # others hold the same budgets in another order
                if attempt == TRIES:
                    raise
            except AntiphonError as failed:
                if len(items) == 1:
                    return [failed]
                break
            except PostgresError as failed:
                if (failed.sqlstate or "")[:2] not in _BAD_VALUES:
                    raise
                if len(items) == 1:
                    return [MessageInvalid(why=str(failed).splitlines()[0][:200])]
                break
        return [answer for item in items for answer in await self._flush([item])]

    async def _together(self, items: list[Asked]) -> list[Accepted | AntiphonError]:
        ones = [OneMessage(item) for item in items]
        async with self._ctx.db.transaction() as conn:
            made = await self._open(conn, ones)
            await find_people(self._ctx, conn, ones)
            await claim_keys(self._ctx, conn, [one for one in ones if one.answer is None])
            await self._submit(conn, [one for one in ones if one.answer is None])
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known.update(made)
        answer_repeats(ones)
        return [one.answer or MessageInvalid(why="it was not understood") for one in ones]

    async def _open(self, conn: Connection, ones: Sequence[OneMessage]) -> dict[str, Dispatch]:
        """Each message's dispatch; returns those that are new to this process."""
        templates = {one.asked.body.template_id for one in ones} | {
            hop.template_id for one in ones for hop in one.asked.body.hops
        }
        wanted = [i for i in templates if i is not None]
        rows = await (await conn.execute(SQL.published, {"ids": wanted})).fetchall() if wanted else []
        published = {row[0]: (row[1], row[2]) for row in rows}
        ways: dict[str, list[OneMessage]] = defaultdict(list)
        usual: Usual = {}
        for one in ones:
            try:
                check_body(one.asked.body)
                one.way = await self._way(conn, one.asked.body, published, usual)
                ways[one.way.new.key].append(one)
            except AntiphonError as failed:
                one.answer = failed
        made: dict[str, Dispatch] = {}
        for key in sorted(ways):
            dispatch = self._known.get(key)
            if dispatch is None:
                try:
                    async with conn.transaction():
                        way = ways[key][0].way
                        assert way is not None
                        await check_purpose(conn, way.new.purpose)
                        dispatch = made[key] = await open_dispatch(self._ctx, conn, way.new)
                except AntiphonError as failed:
                    for one in ways[key]:
                        one.answer = failed
            for one in ways[key]:
                one.dispatch = dispatch
        return made

    async def _way(
        self, conn: Connection, body: MessageBody, published: Mapping[int, tuple[str, int | None]], usual: Usual
    ) -> Way:
        registry = self._ctx.get(ChannelRegistry)

        def version(template_id: int | None, channel: str | None, field: str) -> tuple[int | None, str | None]:
            if template_id is None:
                return None, channel
            if template_id not in published:
                raise NoSuchPart(field=field, what="template", id=template_id)
            is_for, found = published[template_id]
            if channel is not None and channel != is_for:
                raise WrongChannel(field=field, what="template", channel=channel)
            if found is None:
                raise NotPublished(field=field)
            return found, is_for

        version_id, channel = version(body.template_id, body.channel, "template_id")
        hops = []
        for n, hop in enumerate(body.hops):
            hop_version, _ = version(hop.template_id, registry[hop.channel].name, f"hops[{n}].template_id")
            hops.append(Hop(
                channel=hop.channel, account_id=hop.account_id, template_version_id=hop_version,
                content=None if hop.content is None else hop.content.plain(),
                receipt_within=hop.receipt_within, answer_within=hop.answer_within,
            ))  # fmt: skip
        taken, onward = await self._path(conn, body, "" if channel is None else registry[channel].name, tuple(hops), usual)
        new = NewDispatch(
            key="", channel=taken, message_class=body.message_class, topic=body.topic,
            account_id=body.account_id, template_version_id=version_id,
            content=None if body.content is None else body.content.plain(), track_opens=body.track_opens,
            track_clicks=body.track_clicks, purpose=body.purpose, split=body.split, hops=onward,
        )  # fmt: skip
        key = "api:" + keyed_hash(self._ctx.secret, "message way", msgspec.json.encode(new)).hex()
        return Way(msgspec.structs.replace(new, key=key), new.channel)

    async def _path(
        self, conn: Connection, body: MessageBody, channel: str, hops: tuple[Hop, ...], usual: Usual
    ) -> tuple[str, tuple[Hop, ...]]:
        """The channel and the hops after it, the usual ones where the caller names none; each asked once for a set. Raises
        MessageInvalid."""
        if channel and (hops or not body.usual_path):
            return channel, hops
        asked = (body.message_class, channel, body.purpose, bool(hops) or not body.usual_path)
        if asked not in usual:
            try:
                usual[asked] = await way_of(
                    self._ctx, conn, message_class=body.message_class, channel=channel, purpose=body.purpose, hops=hops,
                    usual=body.usual_path,
                )  # fmt: skip
            except NoAccount:
                why = "name a channel: neither its purpose nor its class has a usual one"
                raise MessageInvalid(field="channel", why=why) from None
        return usual[asked][0], hops or usual[asked][1]

    async def _submit(self, conn: Connection, ones: Sequence[OneMessage]) -> None:
        """Hand them to the gate, those alike together, and read what became of each."""
        groups: dict[tuple[str, datetime | None, datetime | None, bool], list[OneMessage]] = defaultdict(list)
        now = self._ctx.clock.now()
        for one in ones:
            body = one.asked.body
            expires = body.expires_at if body.expires_in is None else now + timedelta(seconds=body.expires_in)
            assert one.way is not None
            groups[one.way.new.key, body.send_at, expires, body.to.address is not None].append(one)
        for (_, send_at, expires, addressed), group in groups.items():
            dispatch = group[0].dispatch
            assert dispatch is not None
            intents = Intents(
                profile_ids=[one.profile_id for one in group],
                suffixes=[one.suffix for one in group],
                addresses=[_address(self._ctx, one) for one in group] if addressed else [],
                variables=[one.asked.body.variables | {"metadata": one.asked.body.metadata} for one in group],
                due_at=send_at,
                expires_at=expires,
            )
            for part in chunks(intents):
                await submit(self._ctx, conn, dispatch, part)
        own = [one for one in ones if one.asked.body.content is not None and one.dispatch is not None]
        if own:
            await conn.execute(SQL.note_texts, {
                "profile_ids": [one.profile_id for one in own],
                "dispatch_ids": [one.dispatch.id for one in own if one.dispatch is not None],
            })  # fmt: skip
        keys = [f"{one.way.new.key}:{one.suffix}" for one in ones if one.way is not None]
        params = {"profile_ids": [one.profile_id for one in ones], "intent_keys": keys}
        rows = await (await conn.execute(SQL.ledger_rows, params)).fetchall()
        became = {(row[0], row[1]): row[2:] for row in rows}
        for one, key in zip(ones, keys, strict=True):
            one.answer = accepted(
                became[one.profile_id, key], one.profile_id, key=one.asked.key, repeated=False, facts=facts_of_way(one)
            )
        settled = [(one.request_id, one.asked.owner, one.key, one.answer.id) for one in ones
                   if one.request_id is not None and isinstance(one.answer, Accepted)]  # fmt: skip
        if settled:
            ids, owners_, keys_, deliveries = zip(*settled, strict=True)
            await conn.execute(SQL.settle_keys, {
                "ids": list(ids), "owners": list(owners_), "keys": list(keys_), "delivery_ids": list(deliveries)
            })  # fmt: skip


def _address(ctx: Context, one: OneMessage) -> str:
    assert one.way is not None
    identity = identity_of(ctx, one.asked.body, one.way.channel)
    return "" if identity is None else identity.value


async def read_message(conn: Connection, message_id: int) -> MessageShown:
    """How far a message is. Raises MessageUnknown."""
    async with conn.cursor(row_factory=struct_row(MessageHopShown)) as cur:
        rows = await (await cur.execute(SQL.read_message, {"id": message_id})).fetchall()
    if not rows or rows[0].id != message_id:
        raise MessageUnknown(message=message_id)
    return shown(message_id, rows)


@asynccontextmanager
async def open_desk(ctx: Context) -> AsyncIterator[Desk]:
    """A process's desk, closed with everything handed in; and what segments are used for is told."""
    tell(ctx)
    desk = Desk(ctx)
    try:
        yield desk
    finally:
        await desk.close()
