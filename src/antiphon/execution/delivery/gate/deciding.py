"""Deciding: the whole way from a set of intents to their rows, the same only asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, LiteralString, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.consent import ChannelRegistry, digest_key
from antiphon.decisioning.experiments import held_out, salt_of
from antiphon.execution.delivery.gate.displacing import make_room
from antiphon.execution.delivery.gate.judge import Judged, cuts, judge, ranks, reach_of, room_in
from antiphon.execution.delivery.gate.look import SQL, Contacts, Facts, Ints, contacts, look
from antiphon.execution.delivery.model import Dispatch, Hold, Intents, Verdict
from antiphon.execution.delivery.reasons import REASONS
from antiphon.execution.delivery.rules.model import CAPPED, Rules
from antiphon.execution.delivery.rules.store import Rulebook, add_kind, is_current
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, UniqueViolation
from antiphon.foundation.postgres.binary import Packed, bigints, chosen, instants, micros, texts

BOOK = Rulebook()
MANY = 500
"""From so many rows on it is cheaper to suppose that none is there yet, and to begin again where one is."""
_WRITE_NEW = SQL.write.replace("on conflict (intent_key, profile_id) do nothing", "")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A set that was looked at and judged, not yet written. ``crowded``: others would have to give their place to some of it."""

    dispatch: Dispatch
    intents: Intents
    rules: Rules
    facts: Facts
    judged: Judged
    now: datetime
    crowded: bool

    def verdict(self) -> Verdict:
        """How many pass, and how many are refused for which reason."""
        counts = self.judged.counts()
        passed = counts.pop(None, 0)
        refused = {reason: count for reason, count in counts.items() if reason is not None}
        return Verdict(passed=passed, refused=refused, postponed=int((self.judged.moved & self.judged.passed).sum()))


class Decided(NamedTuple):
    """The verdict on a set, how many rows were queued by this very call, and each one's reason, None for those that passed."""

    verdict: Verdict
    queued: int
    reasons: list[str | None]


async def decide(
    ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents, hold: Hold | None = None, seen: Seen | None = None
) -> Decided:
    """Judge a set and write its rows. With ``hold`` no more passes than it allows. ``seen``: the same set as it was judged just
    before; judged anew where others must give way."""
    if seen is None or seen.crowded:
        await know_kind(ctx, conn, dispatch)
        seen = await see(ctx, conn, dispatch, intents, write=True)
    if hold is not None:
        passed = seen.judged.passed
        seen.judged.refuse(passed & (np.cumsum(passed) > hold.allowed), "budget_exhausted")
    return Decided(seen.verdict(), await write(conn, seen, hold), seen.judged.named())


async def see(ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents, *, write: bool = False) -> Seen:
    """Look at a set and judge it. ``write``: a less urgent message that waits is displaced where its room is needed."""
    now = ctx.clock.now()
    rules, facts = await look_at(ctx, conn, dispatch, intents, now)
    judged = judge(rules, dispatch, intents, facts, now=now, secret_holdout=universal_of(ctx, rules, now))
    crowded = await _cap(conn, rules, dispatch, intents, facts, judged, now=now, write=write)
    return Seen(dispatch=dispatch, intents=intents, rules=rules, facts=facts, judged=judged, now=now, crowded=crowded)


async def know_kind(ctx: Context, conn: Connection, dispatch: Dispatch) -> None:
    """Make the kind of a dispatch's messages known, so that caps may count them."""
    if dispatch.message_class in CAPPED and (await BOOK.of(ctx, conn)).kind_of(dispatch) is None:
        await add_kind(conn, dispatch)
        await BOOK.anew(ctx, conn)


async def look_at(
    ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents, now: datetime, delivery_ids: Sequence[int] = ()
) -> tuple[Rules, Facts]:
    """The rules as they are at this moment, and the facts they ask for."""
    rules = await BOOK.of(ctx, conn)
    while True:
        facts = await look(
            conn, dispatch, intents.profile_ids, intents.addresses,
            identity=ctx.get(ChannelRegistry)[dispatch.channel].identity, digest_key=digest_key(ctx), now=now,
            zoned=_is_zoned(rules, dispatch, intents), aspects=_aspects(dispatch), delivery_ids=delivery_ids,
        )  # fmt: skip
        if is_current(rules, facts.version, facts.universal_at):
            return rules, facts
        rules = await BOOK.anew(ctx, conn)


def _is_zoned(rules: Rules, dispatch: Dispatch, intents: Intents) -> bool:
    """Whether it matters what time it is where people are."""
    name = dispatch.message_class
    return intents.local_at is not None or name in rules.quiet or bool(rules.windows.get(name))


def _aspects(dispatch: Dispatch) -> Sequence[str]:
    """What people may have stated that matters to a message of this class."""
    if dispatch.rules.needs_consent:
        return ("quiet_hours", "frequency", "channel", "paused_until")
    return ("quiet_hours",) if dispatch.message_class in ("service", "transactional") else ()


def universal_of(ctx: Context, rules: Rules, now: datetime) -> Callable[[Ints], NDArray[np.bool_]] | None:
    if rules.universal is None:
        return None
    one = rules.universal
    return partial(_held, ctx.secret, one.name, one.percent, salt_of(one, now))


def _held(secret: bytes, name: str, percent: float, salt: str, people: Ints) -> NDArray[np.bool_]:
    return held_out(secret, name, percent, people, salt)


async def _cap(
    conn: Connection, rules: Rules, dispatch: Dispatch, intents: Intents, facts: Facts, judged: Judged, *, now: datetime,
    write: bool,
) -> bool:  # fmt: skip
    """Refuse those for whom a cap has no room, in the order they were handed in; two for one person take two places. Whether
    others give, or would have to give, their place."""
    limits = cuts(rules, dispatch, facts)
    if not limits:
        return False
    passed = judged.passed
    back = reach_of(limits, len(judged.due))
    places = np.flatnonzero(passed & (back > 0))
    kinds = sorted({kind for cut in limits for kind in cut.kinds})
    known = await _contacts_of(conn, facts, judged, places, back, kinds)
    rank = ranks(facts.person, passed)
    room, which = room_in(limits, judged, known)
    full = passed & (rank > room)
    freed = None
    if full.any():
        freed = await make_room(conn, rules, dispatch, intents, facts, judged, limits, known, full, now=now, write=write)
        if freed is not None:
            room, which = room_in(limits, judged, freed)
            full = passed & (rank > room)
        for number, cut in enumerate(limits):
            judged.refuse(full & (which == number), cut.reason)
    return freed is not None


async def _contacts_of(
    conn: Connection, facts: Facts, judged: Judged, places: Ints, back: Ints, kinds: Sequence[int]
) -> Contacts:
    at, length = judged.due[places], back[places]
    return await contacts(conn, facts, places, at, length, int(length.max(initial=0)), kinds)


async def write(conn: Connection, seen: Seen, hold: Hold | None = None) -> int:
    """Write the rows of a judged set; those that are there already stay as they are. With ``hold``, what passes is paid by it.
    How many were queued by this very call."""
    dispatch, intents, judged = seen.dispatch, seen.intents, seen.judged
    if not len(intents.profile_ids):
        return 0
    kind = seen.rules.kind_of(dispatch)
    params = {
        "profile_ids": bigints(intents.profile_ids),
        "suffixes": texts(intents.suffixes),
        "variables": texts([msgspec.json.encode(v).decode() for v in intents.variables]),
        "addresses": seen.facts.address,
        "states": _but(judged.coded(_REFUSED), (judged.due > micros(seen.now)) & judged.passed, "planned"),
        "reasons": _but(judged.coded(), judged.moved & judged.passed, "quiet_hours"),
        "dues": instants(judged.due),
        "expires": instants(judged.expires),
        "expires_asked": intents.expires_at is not None,
        "key": dispatch.key,
        "dispatch_id": dispatch.id,
        "campaign_id": dispatch.campaign_id,
        "occurrence": dispatch.occurrence,
        "channel": dispatch.channel,
        "account_id": dispatch.account_id,
        "message_class": dispatch.message_class,
        "topic": dispatch.topic,
        "template_version_id": dispatch.template_version_id,
        "now": seen.now,
        "kind": kind.id if kind else None,
        "budgets": hold.budgets if hold else None,
        "reserved_micros": hold.each_micros if hold else None,
        "reserved_at": hold.at if hold else None,
    }
    return await _insert(conn, params, len(intents.profile_ids))


async def _insert(conn: Connection, params: Mapping[str, Any], count: int) -> int:
    """A set that is new, as nearly all large ones are, is inserted without looking for each row first: a fifth of the cost."""
    if count >= MANY:
        try:
            async with conn.transaction():
                return await _queued(conn, _WRITE_NEW, params)
        except UniqueViolation:
            pass  # some of it was handed in before
    return await _queued(conn, SQL.write, params)


async def _queued(conn: Connection, statement: LiteralString, params: Mapping[str, Any]) -> int:
    row = await (await conn.execute(statement, params)).fetchone()
    assert row is not None
    return int(row[0])


_STATES = {None: "queued", "campaign_cancelled": "cancelled", "quiet_too_long": "expired", "too_late": "expired"}
_REFUSED = {reason: _STATES.get(reason, "suppressed") for reason in (None, *REASONS)}


def _but(coded: tuple[list[str | None], Ints], where: NDArray[np.bool_], name: str) -> Packed:
    """These names as a column, but another one there."""
    names, which = coded
    return chosen([*names, name], np.where(where, len(names), which))
