"""The second look, just before speaking: the same rules over a batch of claimed rows, as everything is by then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from antiphon.execution.delivery.gate.deciding import BOOK, know_kind, look_at, universal_of
from antiphon.execution.delivery.gate.judge import Cut, Judged, cuts, judge, reach_of
from antiphon.execution.delivery.gate.look import SQL, Facts, contacts, span
from antiphon.execution.delivery.model import Dispatch, Intents
from antiphon.execution.delivery.rules.model import Rules
from antiphon.execution.delivery.store import Claimed, put_off
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, instants, micros

LATE = span(timedelta(minutes=15))
"""A message said more than this after it is down for counts at the time it is said."""
SOON = timedelta(seconds=1)  # until it should be clear whether what is in hand is said
_NEVER = datetime(2200, 1, 1, tzinfo=UTC)
Down = dict[int, int]  # place → when its message counts


async def look_again(ctx: Context, conn: Connection, dispatch: Dispatch, rows: Sequence[Claimed]) -> dict[int, str | None]:
    """The gate's second look at claimed rows of one dispatch: None for one that may be said, the reason for one that may not,
    ``paused`` for one that goes back to the queue. A row that is not in the answer is nobody's any more.

    What is in quiet hours by now is put back here, until they end.
    """
    if not rows:
        return {}
    now = ctx.clock.now()
    intents = Intents(
        profile_ids=[r.profile_id for r in rows], addresses=[r.address for r in rows], due_at=now, expires_at=_NEVER
    )
    rules, facts = await look_at(ctx, conn, dispatch, intents, now, [row.delivery_id for row in rows])
    if facts.state == "paused":
        return {row.delivery_id: "paused" for row in rows if row.delivery_id in facts.waiting}
    judged = judge(rules, dispatch, intents, facts, now=now, secret_holdout=universal_of(ctx, rules, now), again=True)
    _expire(judged, rows, now)
    waits = judged.moved & judged.passed
    moved, unclear = await _cap(conn, rules, dispatch, facts, judged, rows, now)
    if waits.any():
        await _put_off(conn, rows, np.flatnonzero(waits).tolist(), judged)
        moved |= {place: int(judged.due[place]) for place in np.flatnonzero(waits).tolist()}
    if moved:
        await _recount(conn, rules, dispatch, facts, rows, {p: at for p, at in moved.items() if judged.may(p)})
    if unclear:
        await put_off(conn, [(rows[place], now + SOON) for place in unclear])
        waits[unclear] = True
    verdicts = ["paused" if waits[place] else reason for place, reason in enumerate(judged.named())]
    return {row.delivery_id: verdict for row, verdict in zip(rows, verdicts, strict=True) if row.delivery_id in facts.waiting}


def _expire(judged: Judged, rows: Sequence[Claimed], now: datetime) -> None:
    """What has lost its meaning, or will have by the time quiet hours end."""
    cancelled = "campaign_cancelled" in judged.counts()
    for place, row in enumerate(rows):
        if row.expires_at is None or cancelled:
            continue
        if row.expires_at < now:
            judged.refuse_one(place, "too_late")
        elif judged.moved[place] and judged.may(place) and judged.due[place] > micros(row.expires_at):
            judged.refuse_one(place, "quiet_too_long")


async def _cap(
    conn: Connection, rules: Rules, dispatch: Dispatch, facts: Facts, judged: Judged, rows: Sequence[Claimed], now: datetime
) -> tuple[Down, list[int]]:
    """Refuse what has no room any more beside what came before it, or was faster: those that count at another time from now on,
    and those that wait until it is clear whether what is faster is said.

    Two gates that do not see each other's rows yet may both let a message pass; the first to be said then takes the room.
    """
    limits = cuts(rules, dispatch, facts)
    places = np.flatnonzero(judged.passed & ~judged.moved)
    if not limits or not len(places):
        return {}, []
    back = reach_of(limits, len(rows))[places] + LATE
    kinds = sorted({kind for cut in limits for kind in cut.kinds})
    known = await contacts(conn, facts, places, judged.due[places], back, 1, kinds, before=True)
    assert known.delivery is not None
    theirs: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for place, *one in zip(known.owner.tolist(), known.at.tolist(), known.delivery.tolist(), known.kind.tolist(), strict=True):
        theirs[place].append((one[0], one[1], one[2]))
    moved: Down = {}
    rivals: dict[int, tuple[int, list[tuple[int, int]], list[tuple[int, int, int]]]] = {}
    present = micros(now)
    for place in places.tolist():
        mine = rows[place].delivery_id
        down = max((at for at, delivery, _ in theirs[place] if delivery == mine), default=None)
        at = down if down is not None and present - down <= LATE else present
        if at != down:
            moved[place] = at
        before = [(t, kind) for t, delivery, kind in theirs[place] if (t, delivery) < (at, mine) and delivery != mine]
        full = _full(limits, place, at, before)
        if full is not None:
            judged.refuse_one(place, full)
            continue
        later = [one for one in theirs[place] if (one[0], one[1]) > (at, mine) and one[1] != mine]
        if later and _full(limits, place, at, [*before, *((t, kind) for t, _, kind in later)]) is not None:
            rivals[place] = at, before, later
    return moved, await _outrun(conn, limits, judged, rows, rivals) if rivals else []


async def _outrun(
    conn: Connection, limits: Sequence[Cut], judged: Judged, rows: Sequence[Claimed],
    rivals: dict[int, tuple[int, list[tuple[int, int]], list[tuple[int, int, int]]]],
) -> list[int]:
    """Refuse what has no room beside what came later and is said already; those that have none beside what was taken in hand
    before them, and so may have been looked at without them."""
    ids = sorted({delivery for _, _, later in rivals.values() for _, delivery, _ in later})
    found = await (await conn.execute(SQL.queued_states, {"ids": bigints(ids)})).fetchall()
    queued = {delivery: (state, claimed_at) for delivery, state, claimed_at in found}
    unclear = []
    for place, (at, before, later) in rivals.items():
        said = [(t, kind) for t, delivery, kind in later if queued.get(delivery, ("speaking",))[0] == "speaking"]
        full = _full(limits, place, at, [*before, *said])
        if full is not None:
            judged.refuse_one(place, full)
            continue
        since = rows[place].claimed_at
        in_hand = [(t, kind) for t, delivery, kind in later
                   if delivery in queued and queued[delivery][0] == "claimed" and queued[delivery][1] < since]  # fmt: skip
        if in_hand and _full(limits, place, at, [*before, *said, *in_hand]) is not None:
            unclear.append(place)
    return unclear


def _full(limits: Sequence[Cut], place: int, at: int, others: Sequence[tuple[int, int]]) -> str | None:
    """Why there is no room beside these others, if there is none."""
    return next((cut.reason for cut in limits if _is_full(cut, place, at, others)), None)


def _is_full(cut: Cut, place: int, at: int, before: Sequence[tuple[int, int]]) -> bool:
    length = cut.length if cut.lengths is None else int(cut.lengths[place])
    return length > 0 and sum(t > at - length and kind in cut.kinds for t, kind in before) >= cut.most


async def _put_off(conn: Connection, rows: Sequence[Claimed], places: Sequence[int], judged: Judged) -> None:
    late = [rows[place] for place in places]
    params = {
        "ids": bigints([r.delivery_id for r in late]), "profile_ids": bigints([r.profile_id for r in late]),
        "epochs": bigints([r.epoch for r in late]), "dues": instants(judged.due[list(places)]),
    }  # fmt: skip
    await conn.execute(SQL.put_off, params)


async def _recount(
    conn: Connection, rules: Rules, dispatch: Dispatch, facts: Facts, rows: Sequence[Claimed], moved: Down
) -> None:
    """What counts from now on at another time than it did."""
    kind = rules.kind_of(dispatch)
    if kind is None or not moved:
        return
    params = {
        "person_ids": bigints(facts.person[list(moved)]), "ids": bigints([rows[place].delivery_id for place in moved]),
        "ats": instants(list(moved.values())), "kind": kind.id,
    }  # fmt: skip
    await conn.execute(SQL.move_contacts, params)


async def count_now(ctx: Context, conn: Connection, dispatch: Dispatch, said: Sequence[tuple[int, int]]) -> None:
    """These messages of a dispatch, (delivery, person), are to be said again: from now on they count, beside what may have been
    received before."""
    await know_kind(ctx, conn, dispatch)
    kind = (await BOOK.of(ctx, conn)).kind_of(dispatch)
    if kind is None:
        return
    params = {
        "person_ids": bigints([person for _, person in said]), "ids": bigints([delivery for delivery, _ in said]),
        "ats": instants([micros(ctx.clock.now())] * len(said)), "kind": kind.id,
    }  # fmt: skip
    await conn.execute(SQL.move_contacts, params)
