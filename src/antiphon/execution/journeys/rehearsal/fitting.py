"""What the past says of people's behaviour: shares of messages opened, clicked, replied to and converted by, and how often they
do what the journey listens for, by kind of person, with delays as they were.

Shares are beta-binomial: within a kind of person (a channel, a level of activity) people differ, by how much is found by the
method of moments (J. C. Kleinman, JASA 68, 1973), and a person's own past counts as much as the spread says. Numbers of events
are gamma-Poisson in the same way. A *draw* takes the means themselves from their uncertainty, so that a rehearsal drawn again
and again spreads as what we do not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from antiphon.awareness.events import EventMatch, event_relation
from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.execution.delivery import spoken
from antiphon.execution.journeys.contract import Ints
from antiphon.execution.journeys.rehearsal.behaviour import AFTER, Floats, Given, Habit
from antiphon.execution.journeys.rehearsal.model import ChannelRates, FittedRate, GivenRates
from antiphon.foundation.context import Context

LOOK_BACK = timedelta(days=365)
QUARTER = timedelta(days=90)
SOON = timedelta(days=7)
LEVELS = 3
PRIOR = 5.0
"""A kind of person of whom little is known is thought of as everybody, with the weight of so many messages."""
_NAMES = {"delivered": "Email Delivered", "opened": "Email Opened", "clicked": "Email Link Clicked", "replied": "Email Replied"}
_STEPS = ", ".join(f"{n / 20:.2f}" for n in range(21))
_NONE: Floats = np.empty(0, dtype=np.float64)


@dataclass
class Share:
    """How one thing goes on one channel: each person's own past, the mean of each level, how much people within it differ
    (``strength``: a prior's weight), and what each mean is known by (``known``)."""

    hits: Floats
    tries: Floats
    mean: Floats
    strength: float
    known: Floats
    delays: Floats

    def habit(self, rng: np.random.Generator | None, part: Ints) -> Habit:
        """For some people, by the means, or with ``rng`` by means drawn from what is known of them."""
        mean = self.mean
        if rng is not None:
            mean = rng.beta(mean * self.known + 0.5, (1 - mean) * self.known + 0.5)
        return Habit(
            mean * self.strength, (1 - mean) * self.strength, self.hits[part].copy(), self.tries[part].copy(), self.delays
        )


@dataclass
class Often:
    """How often people do one thing: each one's number in so many ``days``, the mean a day, and a gamma prior's shape."""

    count: Floats
    days: float
    mean: float
    shape: float
    known: float

    def rates(self, means: np.random.Generator | None, rng: np.random.Generator, part: Ints) -> Floats:
        """Some people's numbers a day, drawn; the mean is drawn by ``means``, where it is given."""
        mean = self.mean * (means.gamma(self.known, 1 / self.known) if means is not None and self.known > 0 else 1.0)
        if mean <= 0:
            return np.zeros(len(self.count[part]))
        drawn: Floats = rng.gamma(self.shape + self.count[part]) / (self.shape / mean + self.days)
        return drawn


@dataclass
class Fit:
    """Everything fitted, for a population of ascending ids."""

    ids: Ints
    level: Ints
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)
    often: dict[str, Often] = field(default_factory=dict)

    def habits(self, rates: GivenRates, rng: np.random.Generator | None, part: Ints) -> dict[tuple[str, str], Habit | Given]:
        """How messages go, for some people; what was given counts before what was fitted."""
        found: dict[tuple[str, str], Habit | Given] = {}
        for key, share in self.shares.items():
            found[key] = share.habit(rng, part)
        for channel, given in rates.channels.items():
            for what in AFTER:
                value = _given(given, what)
                if value is not None:
                    known = self.shares.get((channel, what))
                    found[channel, what] = Given(value, _NONE if known is None else known.delays)
        return found

    def told(self) -> list[FittedRate]:
        """What was fitted, for the report."""
        found = []
        for (channel, what), share in sorted(self.shares.items()):
            for level in range(LEVELS):
                mine = self.level == level
                mean, tries = round(float(share.mean[level]), 6), int(share.tries[mine].sum())
                found.append(FittedRate(channel=channel, what=what, level=level, share=mean, tries=tries))
        found += [
            FittedRate(channel="", what=name, level=0, share=round(one.mean, 6), tries=int(one.count.sum()))
            for name, one in sorted(self.often.items())
        ]
        return found


def _given(rates: ChannelRates, what: str) -> float | None:
    value: float | None = getattr(rates, what)
    return value


def fit_share(hits: Floats, tries: Floats, level: Ints, delays: Floats = _NONE) -> Share:
    """Fit one share."""
    hits = np.minimum(hits, tries)
    total = tries.sum()
    pooled = float((hits.sum() + 0.5) / (total + 1))
    mean, known = np.empty(LEVELS), np.empty(LEVELS)
    spread = _spread(hits, tries)
    for one in range(LEVELS):
        mine = level == one
        t, h = tries[mine], hits[mine]
        n = float(t.sum())
        mean[one] = (h.sum() + PRIOR * pooled) / (n + PRIOR)
        # people who differ tell less than as many coins
        known[one] = (n / (1 + (float((t**2).sum()) / n - 1) * spread) if n else 0) + PRIOR
    return Share(hits, tries, mean, 1 / spread - 1, known, delays)


def _spread(hits: Floats, tries: Floats) -> float:
    """The correlation of one person's answers, between 0 and 1."""
    mine = tries > 0
    t, h = tries[mine], hits[mine]
    total = float(t.sum())
    if total <= 1 or len(t) < 2:
        return 0.1
    p = float(h.sum()) / total
    if p <= 0 or p >= 1:
        return 0.02
    s = float((t * (h / t - p) ** 2).sum()) / (p * (1 - p))
    room = total - float((t**2).sum()) / total - (len(t) - 1)
    return float(np.clip((s - (len(t) - 1)) / room if room > 1e-9 else 0.1, 0.002, 0.95))


def fit_often(count: Floats, days: float) -> Often:
    """Fit how often one thing is done."""
    mean, var = float(count.mean()) if len(count) else 0.0, float(count.var()) if len(count) else 0.0
    shape = min(mean**2 / (var - mean), 1000.0) if var > mean * 1.000001 else 1000.0
    known = mean**2 * len(count) / var if var > 0 else 0.0
    return Often(count, days, mean / days, max(shape, 1e-3), known)


async def fit(
    ctx: Context, ids: Ints, channels: Sequence[str], names: Sequence[str], goal: EventMatch | None, now: datetime
) -> Fit:
    """Fit what the past says: of messages on these channels and of converting by them in the last year, of what people do
    (``names`` of events) in the last quarter, by which they are told apart, too."""
    counts = await _counts(ctx, ids, names, now - QUARTER) if names else {}
    made = Fit(ids, _levels(sum(counts.values(), np.zeros(len(ids)))))
    days = await _days(ctx, names, now) if names else 0.0
    made.often = {name: fit_often(count, days) for name, count in counts.items() if days > 0}
    level = made.level
    for channel in channels:
        said = {what: spoken(name, channel) for what, name in _NAMES.items()}
        counts = await _counts(ctx, ids, list(said.values()), now - LOOK_BACK)
        if not counts[said["delivered"]].any():
            continue
        for what in ("opened", "clicked", "replied"):
            delays = await _delays(ctx, said[AFTER[what]], said[what], now)
            made.shares[channel, what] = fit_share(counts[said[what]], counts[said[AFTER[what]]], level, delays)
        if goal is not None:
            share = await _converted(ctx, said, goal, now, len(ids))
            if share is not None:
                made.shares[channel, "converted"] = share
    return made


def _levels(counts: Floats) -> Ints:
    """0 for who did nothing of late, 2 for the more active half of the others."""
    some = counts[counts > 0]
    middle = float(np.median(some)) if len(some) else 0.0
    return np.where(counts == 0, 0, np.where(counts <= middle, 1, 2)).astype(np.int64)


async def _days(ctx: Context, names: Sequence[str], now: datetime) -> float:
    """For how many days, of the last quarter, there is a history at all."""
    rows = event_relation(("ts",), names=list(names), since=now - QUARTER)
    first = (await ctx.lake.run(f"select min(ts) from {rows}", timeout=600))[0][0]
    return 0.0 if first is None else max((now - first) / timedelta(days=1), 1.0)


async def _counts(ctx: Context, ids: Ints, names: Sequence[str], since: datetime) -> dict[str, Floats]:
    """How many events of each name each person has since an instant."""
    rows = event_relation(("profile_id", "name"), names=list(names), since=since)
    said = ", ".join(f"count(*) filter (where name = {literal(name)})::int as n{n}" for n, name in enumerate(names))
    found = await ctx.lake.columns(
        f"select profile_id::bigint as profile_id, {said} from {rows} where profile_id is not null group by 1", timeout=600
    )
    seat = np.searchsorted(ids, found["profile_id"])
    mine = np.flatnonzero((seat < len(ids)) & (ids[np.minimum(seat, len(ids) - 1)] == found["profile_id"]))
    counts = {}
    for n, name in enumerate(names):
        counts[name] = np.zeros(len(ids))
        counts[name][seat[mine]] = np.asarray(found[f"n{n}"])[mine]
    return counts


async def _delays(ctx: Context, before: str, after: str, now: datetime) -> Floats:
    """How long one thing came after another, in seconds, at even steps of probability."""
    rows = event_relation(("profile_id", "ts", "name"), names=[before, after], since=now - LOOK_BACK)
    sql = (
        f"with e as (select profile_id, ts, name from {rows} where profile_id is not null) "
        f"select quantile_cont(epoch(a.ts - b.ts), [{_STEPS}]) from (select * from e where name = {literal(after)}) a "
        f"asof join (select * from e where name = {literal(before)}) b on a.profile_id = b.profile_id and a.ts >= b.ts"
    )
    return _quantiles((await ctx.lake.run(sql, timeout=600))[0][0])


def _quantiles(found: Any) -> Floats:
    return _NONE if found is None else np.asarray(found, dtype=np.float64)


async def _converted(ctx: Context, said: Mapping[str, str], goal: EventMatch, now: datetime, people: int) -> Share | None:
    """Of those who open, how many reach the goal soon that would not have without: more than of those who do not open."""
    names = [said["delivered"], said["opened"]]
    rows = event_relation(("profile_id", "ts", "name"), names=names, since=now - LOOK_BACK)
    properties = Properties()
    tests = [filter_sql(one, properties) for one in goal.filters]
    columns = ("profile_id", "ts", "name", "kind", *(("properties",) if tests else ()))
    goals = f"select {', '.join(columns)} from {event_relation(columns, names=[goal.event], since=now - LOOK_BACK)} "
    goals += f"where profile_id is not null and kind = {literal(goal.kind)}"
    meant = f" where {' and '.join(tests)}" if tests else ""
    done = f"select profile_id, ts from {properties.select(goals)} e{meant}"
    soon, last = f"interval '{int(SOON.total_seconds())} seconds'", literal(now - SOON)
    sql = (
        f"with e as (select profile_id, ts, name from {rows} where profile_id is not null), g as ({done}), "
        f"o as (select profile_id, ts from e where name = {literal(said['opened'])}), "
        f"d as (select profile_id, ts from e where name = {literal(said['delivered'])} and ts <= {last}), "
        f"u as (select d.profile_id, d.ts from d asof left join o on d.profile_id = o.profile_id and d.ts <= o.ts "
        f"      where o.ts is null or o.ts > d.ts + {soon}), "
        f"oo as (select o.profile_id, o.ts, g.ts as done from o asof left join g on o.profile_id = g.profile_id and o.ts <= g.ts "
        f"       where o.ts <= {last}), "
        f"uu as (select u.ts, g.ts as done from u asof left join g on u.profile_id = g.profile_id and u.ts <= g.ts) "
        f"select (select count(*) from oo), (select count(*) from oo where done <= ts + {soon}), "
        f"(select count(*) from uu), (select count(*) from uu where done <= ts + {soon}), "
        f"(select quantile_cont(epoch(done - ts), [{_STEPS}]) from oo where done <= ts + {soon})"
    )  # fmt: skip
    opened, after, unopened, without, delays = (await ctx.lake.run(sql, timeout=600))[0]
    return fit_converted(opened, after, unopened, without, people, _quantiles(delays)) if opened else None


def fit_converted(opened: int, after: int, unopened: int, without: int, people: int, delays: Floats = _NONE) -> Share:
    """Of so many who opened, ``after`` reached the goal soon; of those who did not open, ``without`` did."""
    base = without / unopened if unopened else 0.0
    more = max(0.0, (after / opened - base) / (1 - base)) if base < 1 else 0.0
    nobody = np.zeros(people)
    mean = np.full(LEVELS, more)
    return Share(nobody, nobody, mean, 1e6, np.full(LEVELS, float(opened)), delays)
