"""The gate in memory: delivery's own judgement, with facts that were read once and contacts that are only thought of.

What customers said of channels, quiet hours and frequency, their addresses and clocks, and the rules are as they are now;
consents and contacts count at their instants, contacts of campaigns and other journeys as the ledger has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from antiphon.decisioning.experiments import held_out, salt_of
from antiphon.execution.delivery import CHUNK, Dispatch, Intents, expected_micros
from antiphon.execution.delivery.judging import (
    CAPPED,
    Budget,
    Contacts,
    Facts,
    Judged,
    Kind,
    Rules,
    current_rules,
    cuts,
    enabled,
    judge,
    kind_like,
    look_at,
    reach_of,
    room_in,
)
from antiphon.execution.journeys.contract import Bools, Ints, Message
from antiphon.execution.journeys.rehearsal.columns import Log, Stream
from antiphon.execution.journeys.rehearsal.consents import Consents, Latest
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import Packed, from_micros

DAY = 86_400_000_000
FRESH_START = 10_000_000
"""Kinds of message the installation has not said yet are numbered from here."""


@dataclass
class Verdicts:
    """What the gate says of some messages: the reason each is refused for, when it is due, and which wait for quiet to end."""

    reasons: list[str | None]
    due: Ints
    moved: Bools
    passed: Bools


@dataclass
class Spoken:
    """Real messages to these people, of campaigns and other journeys: whose, when, and of which kind."""

    seat: Ints
    at: Ints
    marks: Sequence[tuple[str, str, str | None]]
    """(class, channel, topic) of each kind."""
    kind: Ints


class Office:
    """What is the same for all people of a rehearsal: rules, prices, and budgets with what was spent of them."""

    def __init__(self, ctx: Context, rules: Rules, budgets: Sequence[Budget], now: datetime, share: float = 1.0) -> None:
        """``share``: of a sample, what part of the population it is; budgets pay that part."""
        self.ctx = ctx
        self.share = share
        self.rules = rules
        self.budgets = budgets
        self.now = now
        self._prices: dict[tuple[str, int | None], int] = {}
        self._spent: dict[tuple[int, date | None], int] = {}

    @classmethod
    async def open(cls, ctx: Context, now: datetime, share: float) -> Office:
        async with ctx.db.connection() as conn:
            return cls(ctx, await current_rules(conn), await enabled(conn), now, share)

    def restart(self) -> None:
        """Forget what budgets paid."""
        self._spent = {}

    def kind_of(self, like: Kind) -> int:
        """The number of a kind of message, which caps count by; made up where nothing was said of that kind yet."""
        for kind in self.rules.kinds:
            if kind.marks == like.marks:
                return kind.id
        made = msgspec.structs.replace(like, id=FRESH_START + len(self.rules.kinds))
        self.rules = msgspec.structs.replace(self.rules, kinds=(*self.rules.kinds, made))
        return made.id

    async def price(self, dispatch: Dispatch) -> int:
        """What a message is expected to cost, in millionths."""
        key = (dispatch.channel, dispatch.account_id)
        if key not in self._prices:
            async with self.ctx.db.connection() as conn:
                self._prices[key] = await expected_micros(self.ctx, conn, dispatch)
        return self._prices[key]

    def paying(self, dispatch: Dispatch) -> list[Budget]:
        """The budgets that pay for a message."""
        return [one for one in self.budgets if one.pays(dispatch, dispatch.account_id)]

    def afford(self, dispatch: Dispatch, each: int, due: Ints) -> Bools:
        """Which messages budgets pay for, the earliest first; what they cost is spent."""
        can = np.ones(len(due), dtype=np.bool_)
        paying = self.paying(dispatch)
        if not paying or each <= 0:
            return can
        days: dict[tuple[str, int], date] = {}
        for place in np.argsort(due, kind="stable").tolist():
            keys = [(one.id, _period(one, int(due[place]), days)) for one in paying]
            left = min(one.amount_micros * self.share - self._spent.get(key, 0) for one, key in zip(paying, keys, strict=True))
            can[place] = left >= each
            if can[place]:
                for key in keys:
                    self._spent[key] = self._spent.get(key, 0) + each
        return can


def _period(budget: Budget, at: int, days: dict[tuple[str, int], date]) -> date | None:
    if budget.period == "total":
        return None
    key = (budget.zone, at // 900_000_000)
    if key not in days:
        days[key] = from_micros(at).astimezone(ZoneInfo(budget.zone)).date()
    return days[key] if budget.period == "day" else days[key].replace(day=1)


def dispatch_of(message: Message, channel: str, hop: int = 0) -> Dispatch:
    """A message as delivery knows it; it is stored nowhere."""
    return Dispatch(
        id=0, key="", channel=channel, message_class=message.message_class, topic=message.topic, account_id=message.account_id,
        template_version_id=message.template_version_id, content=message.content, campaign_id=None, occurrence="",
        track_opens=message.track_opens, track_clicks=message.track_clicks, state="active", created_at=datetime.now(UTC),
        purpose=message.purpose, split=message.split, hops=message.hops[hop:], hop=hop, priority=message.priority,
    )  # fmt: skip


class Gate:
    """The gate for the people of one part of the population."""

    def __init__(self, office: Office, ids: Ints, spoken: Spoken, latest: Latest | None = None) -> None:
        self.office = office
        self.ids = ids
        self.consents = Consents(office.ctx, ids, latest)
        self._facts: dict[tuple[str, str, str | None], Facts] = {}
        kinds = np.array([office.kind_of(_like(*marks)) for marks in spoken.marks] or [0], dtype=np.int64)
        self._real = Stream(spoken.seat, spoken.at)
        self._real_kind = kinds[spoken.kind[self._real.order]] if len(spoken.kind) else np.empty(0, dtype=np.int64)
        self.restart()

    def restart(self) -> None:
        """Forget what was thought of; facts stay."""
        self._ours = Log(len(self.ids), 2)
        self.consents.restart()

    async def facts(self, dispatch: Dispatch) -> Facts:
        """What there is to know of everybody for such messages, read once."""
        key = (dispatch.channel, dispatch.message_class, dispatch.topic)
        if key not in self._facts:
            parts = []
            async with self.office.ctx.db.connection() as conn:
                for start in range(0, len(self.ids), CHUNK):
                    intents = Intents(profile_ids=self.ids[start : start + CHUNK].tolist())
                    _, facts = await look_at(self.office.ctx, conn, dispatch, intents, self.office.now)
                    parts.append(facts)
            self._facts[key] = _joined(parts)
        return self._facts[key]

    async def judge(self, dispatch: Dispatch, seats: Ints, at: Ints, expires: Ints | None = None) -> Verdicts:
        """Decide about a message to each of these people, at instants of their own; those that pass are contacts from then on."""
        kind = self.office.kind_of(kind_like(dispatch))
        rules = self.office.rules
        facts = some(await self.facts(dispatch), seats)
        if dispatch.rules.needs_consent:
            facts.consent = await self.consents.of(dispatch.channel, dispatch.topic or "", seats, at, facts.consent)
        judged = judge(
            rules, dispatch, Intents(profile_ids=self.ids[seats].tolist()), facts, now=at, expires=expires,
            secret_holdout=None if rules.universal is None else lambda people: self._held(rules, people, at),
        )  # fmt: skip
        self._cap(rules, dispatch, facts, judged, seats)
        passing = np.flatnonzero(judged.passed)
        if len(passing) and self.office.paying(dispatch):
            paid = self.office.afford(dispatch, await self.office.price(dispatch), judged.due[passing])
            broke = np.zeros(len(seats), dtype=np.bool_)
            broke[passing[~paid]] = True
            judged.refuse(broke, "budget_exhausted")
        passed = judged.passed
        if dispatch.message_class in CAPPED:
            self._ours.add(seats[passed], judged.due[passed], kind)
        return Verdicts(judged.named(), judged.due, judged.moved & passed, passed)

    def _held(self, rules: Rules, people: Ints, at: Ints) -> Bools:
        """Who is in the universal holdout at their instant: its salt may change with the period."""
        universal = rules.universal
        assert universal is not None
        found = np.zeros(len(people), dtype=np.bool_)
        days, which = np.unique(at // DAY, return_inverse=True)
        salts = [salt_of(universal, from_micros(day * DAY)) for day in days.tolist()]
        for salt in set(salts):
            mine = np.array([one == salt for one in salts], dtype=np.bool_)[which]
            found[mine] = held_out(self.office.ctx.secret, universal.name, universal.percent, people[mine], salt)
        return found

    def _cap(self, rules: Rules, dispatch: Dispatch, facts: Facts, judged: Judged, seats: Ints) -> None:
        """Refuse those for whom a cap has no room."""
        limits = cuts(rules, dispatch, facts)
        back = reach_of(limits, len(seats))
        places = np.flatnonzero(judged.passed & (back > 0))
        if not len(places):
            return
        longest = int(back.max())
        since, until = judged.due[places] - back[places], judged.due[places] + longest
        room, which = room_in(limits, judged, self._contacts(seats[places], places, since, until))
        full = judged.passed & (room < 1)
        for number, cut in enumerate(limits):
            judged.refuse(full & (which == number), cut.reason)

    def last_real(self, seats: Ints, at: Ints) -> tuple[Ints, list[str | None]]:
        """When others said something to each last, and on which channel; None where nobody did."""
        place = self._real.place(seats, at) - 1
        has = (place >= 0) & self._real.of(seats, np.maximum(place, 0))
        channels = {kind.id: kind.channel for kind in self.office.rules.kinds}
        when = np.zeros(len(seats), dtype=np.int64)
        when[has] = self._real.at[place[has]]
        kinds = zip(place.tolist(), has.tolist(), strict=True)
        return when, [channels[int(self._real_kind[one])] if there else None for one, there in kinds]

    def _contacts(self, seats: Ints, places: Ints, since: Ints, until: Ints) -> Contacts:
        """When these people were written, really or in this rehearsal, between their two instants."""
        owner, at, kind = self._ours.within(seats, since, until)
        first, last = self._real.place(seats, since), self._real.place(seats, until, after=False)
        length = np.maximum(last - first, 0)
        real = np.repeat(first - np.concatenate(([0], np.cumsum(length)[:-1])), length) + np.arange(length.sum())
        return Contacts(
            owner=np.concatenate((places[owner], np.repeat(places, length))),
            at=np.concatenate((at, self._real.at[real])), kind=np.concatenate((kind, self._real_kind[real])),
        )  # fmt: skip


def _like(message_class: str, channel: str, topic: str | None) -> Kind:
    return msgspec.convert(
        {"id": 0, "message_class": message_class, "channel": channel, "topic": topic, "urgency": -1}, Kind
    )


def _joined(parts: Sequence[Facts]) -> Facts:
    """The facts of several sets as those of one; addresses are left out: nothing is sent."""
    found = Facts(
        person=_column(parts, "person"), address=Packed(b""), reach=_column(parts, "reach"), blocked=_column(parts, "blocked"),
        consent=_column(parts, "consent"), zone=[zone for one in parts for zone in (one.zone or [None] * len(one.person))],
        twice=_column(parts, "twice"),
    )  # fmt: skip
    start = 0
    for one in parts:
        for name in ("quiet", "frequency", "channel", "paused"):
            getattr(found, name).update({start + place: value for place, value in getattr(one, name).items()})
        start += len(one.person)
    return found


def _column(parts: Sequence[Facts], name: str) -> Any:
    return np.concatenate([getattr(one, name) for one in parts])


def some(facts: Facts, seats: Ints) -> Facts:
    """The facts of some seats, in their order."""
    zones = facts.zone
    return Facts(
        person=facts.person[seats], address=facts.address, reach=facts.reach[seats], blocked=facts.blocked[seats],
        consent=facts.consent[seats], zone=[zones[seat] for seat in seats.tolist()], twice=facts.twice[seats],
        quiet=_some(facts.quiet, seats), frequency=_some(facts.frequency, seats), channel=_some(facts.channel, seats),
        paused=_some(facts.paused, seats),
    )  # fmt: skip


def _some(words: Mapping[int, str], seats: Ints) -> dict[int, str]:
    if not words:
        return {}
    return {place: words[seat] for place, seat in enumerate(seats.tolist()) if seat in words}
