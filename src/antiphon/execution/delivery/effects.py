"""What follows from what was heard, beyond the ledger: consents, suppressed addresses, and word to whoever answers customers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from antiphon.awareness.consent import (
    ChannelRegistry,
    ConsentState,
    Evidence,
    Statement,
    Suppressed,
    lift_stops,
    record_consents,
    suppress,
    withdraw_all,
)
from antiphon.awareness.profiles import Identity, normal_identity, owners
from antiphon.execution.delivery.heard import OF_PEOPLE, Heard, Replied, Row
from antiphon.execution.delivery.matching import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.notices import publish
from antiphon.foundation.postgres import Connection

Known = Sequence[tuple[Heard, Row]]


async def apply(ctx: Context, conn: Connection, known: Known, loose: Sequence[Heard]) -> list[tuple[Heard, int]]:
    """Everything that follows. ``loose`` is what was written to us that answers no delivery; with whom it was written by,
    where that is known, it comes back."""
    alone = [(heard, _by_address(heard, row)) for heard, row in known if not row.person_known and heard.kind in OF_PEOPLE]
    people = await _people(ctx, conn, [*loose, *(one for _, one in alone)])
    by_person = [(heard, row.person, row) for heard, row in known if row.person_known]
    words: list[tuple[Heard, int, Row | None]] = [*by_person, *((heard, person, None) for heard, person in people)]
    words.sort(key=lambda word: word[0].at)
    for heard, person, row in words:
        match heard.kind:
            case "unsubscribed" | "complained":
                await _withdraw(conn, heard, person, row)
            case "subscribed":
                await _give_back(conn, heard, person, row)
    whose = {id(heard): person for heard, person in people}
    strangers = [heard for heard in (*loose, *(one for _, one in alone)) if id(heard) not in whose]
    await _suppress(ctx, conn, known, strangers)
    await lift_stops(ctx, conn, _wanting([*(heard for heard, _ in known), *loose, *(one for _, one in alone)]))
    whose |= {id(heard): whose[id(one)] for heard, one in alone if id(one) in whose}
    for heard, of in [*known, *((heard, None) for heard in loose)]:
        if heard.kind == "replied" or (heard.text and heard.kind in ("unsubscribed", "subscribed")):
            await _announce(conn, heard, of, whose.get(id(heard)))
    return people


def _by_address(heard: Heard, row: Row) -> Heard:
    """The answer to a message that was to an address of nobody's: whose it is by now, the address tells."""
    return msgspec.structs.replace(heard, channel=row.channel, address=heard.address or row.address)


async def _people(ctx: Context, conn: Connection, loose: Sequence[Heard]) -> list[tuple[Heard, int]]:
    """Who wrote, by the identity that their address is."""
    if not loose:
        return []
    kinds = {kind.name: kind.identity for kind in ctx.get(ChannelRegistry)}
    named: list[tuple[Heard, Identity]] = []
    for heard in loose:
        identity = normal_identity(kinds[heard.channel], heard.address) if heard.address and heard.channel in kinds else None
        if identity is not None:
            named.append((heard, identity))
    found = await owners(conn, sorted({identity for _, identity in named}))
    return [(heard, found[identity]) for heard, identity in named if identity in found]


async def _withdraw(conn: Connection, heard: Heard, person: int, row: Row | None) -> None:
    """An unsubscribe withdraws the consent to its topic, or to all; so does a complaint."""
    channel, topic = (row.channel, row.topic) if row is not None else (heard.channel, None)
    if heard.everything or topic is None or heard.kind == "complained":
        await withdraw_all(conn, person, channel, at=heard.at, source=_source(heard), evidence=_evidence(heard))
    if topic is not None:
        await record_consents(conn, [_statement(heard, person, channel, topic, "withdrawn")], only_changes=True)


async def _give_back(conn: Connection, heard: Heard, person: int, row: Row | None) -> None:
    """A word to start again gives back what the word to stop took, and grants what it answers."""
    channel = row.channel if row is not None else heard.channel
    rows = await (await conn.execute(SQL.wanted_topics, {"profile_id": person, "channel": channel})).fetchall()
    topics = {topic for (topic,) in rows} | ({row.topic} if row is not None and row.topic is not None else set())
    await record_consents(conn, [_statement(heard, person, channel, topic, "granted") for topic in sorted(topics)])


def _statement(heard: Heard, person: int, channel: str, topic: str, state: ConsentState) -> Statement:
    return Statement(
        profile_id=person, channel=channel, topic=topic, state=state, at=heard.at, source=_source(heard),
        evidence=_evidence(heard),
    )  # fmt: skip


async def _suppress(ctx: Context, conn: Connection, known: Known, strangers: Sequence[Heard]) -> None:
    """Addresses that bounced for good or complained are written to no more; nor are those of people we do not know who told
    us to stop: they have no consent that could be withdrawn."""
    listed: dict[tuple[str, str], Suppressed] = {}
    for heard, row in known:
        if row.address is None or not (heard.kind == "complained" or (heard.kind == "bounced" and heard.permanent)):
            continue
        listed[row.channel, row.address] = Suppressed(
            channel=row.channel, address=row.address, reason="complaint" if heard.kind == "complained" else "hard_bounce",
            source=f"delivery:{row.id}", at=heard.at,
        )  # fmt: skip
    for heard in strangers:
        if heard.kind == "unsubscribed" and heard.address:
            listed[heard.channel, heard.address] = Suppressed(
                channel=heard.channel, address=heard.address, reason="complaint", source="stop", at=heard.at
            )
    if listed:
        await suppress(ctx, conn, list(listed.values()))


def _wanting(news: Sequence[Heard]) -> list[tuple[str, str]]:
    """(channel, address) of those whose last word is that they want to hear from us."""
    last: dict[tuple[str, str], Heard] = {}
    for heard in sorted(news, key=lambda one: one.at):
        if heard.kind in ("subscribed", "unsubscribed") and heard.address:
            last[heard.channel, heard.address] = heard
    return sorted(place for place, heard in last.items() if heard.kind == "subscribed")


async def _announce(conn: Connection, heard: Heard, row: Row | None, person: int | None) -> None:
    notice = Replied(
        channel=row.channel if row is not None else heard.channel,
        account_id=heard.account_id,
        address=heard.address or (row.address if row is not None else None) or "",
        recipient=heard.recipient,
        text=heard.text,
        at=heard.at,
        profile_id=row.person if row is not None and row.person_known else person,
        delivery_id=row.id if row is not None else None,
    )
    await publish(conn, notice)


def _evidence(heard: Heard) -> Evidence:
    if heard.evidence.text or not heard.text:
        return heard.evidence
    return msgspec.structs.replace(heard.evidence, text=heard.text[:1000], address=heard.address or "")


def _source(heard: Heard) -> str:
    return f"{heard.kind} delivery:{heard.delivery_id}" if heard.delivery_id is not None else f"{heard.kind} {heard.channel}"
