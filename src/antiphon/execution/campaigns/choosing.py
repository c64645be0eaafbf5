"""What a campaign's arms did, and choosing one of them by rule.

The statistics are those of experiments. A person counts once, with the first message they were told, when they had the choice's
time since; what was done within that time is theirs for ever, so that the intervals hold at every look. Who was held out or
excluded counts in no arm, nor who was told after the choice. Arms on one channel are compared by those who passed the gate; where
channels differ, by everybody an arm was for, or the one that reaches fewer would look better than it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from antiphon.decisioning.experiments import (
    Arm,
    ConversionMetric,
    Counted,
    Design,
    ExperimentResults,
    MetricResult,
    Moments,
    SumMetric,
    make_results,
)
from antiphon.execution.campaigns import store, trying
from antiphon.execution.campaigns.arms import ArmChoice, ArmWinner, Reason
from antiphon.execution.campaigns.model import Campaign
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection, struct_row
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
LOOP = "campaigns.choose"
SOONEST = timedelta(seconds=30)
DAY = 86_400
KINDS = ("opened", "clicked", "replied", "unsubscribed", "converted")


class ArmNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an arm's messages so far, as the campaign's report counts: those tried, or (``chosen``) those told after it
    was chosen."""

    arm: str
    chosen: bool
    messages: int
    suppressed: int
    waiting: int
    sent: int
    delivered: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int
    complained: int
    conversions: int
    value: float
    cost_micros: int


class ArmsReport(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's arms beside each other as of ``as_of``.

    ``results`` are of people who had ``within_seconds`` since their first message; ``due_at`` is when the last who are under way
    will have had it. ``rest`` people wait for the choice; ``leading`` leads by its metric so far.
    """

    as_of: datetime
    within_seconds: int
    metric: str
    rest: int
    due_at: datetime | None
    leading: str | None
    winner: ArmWinner | None
    arms: list[ArmNumbers]
    results: ExperimentResults


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the people who were tried: figures, how many are not over yet, and until when."""

    results: ExperimentResults
    waiting: int
    open: int
    due_at: datetime | None


def design_of(campaign: Campaign, planned: int | None = None) -> Design:
    """The arms as an experiment, with what is measured of a campaign: what is chosen by comes first."""
    chosen_by = (campaign.arm_choice or ArmChoice()).metric
    measured = [
        kind for kind in KINDS
        if (kind != "opened" or campaign.track_opens) and (kind != "clicked" or campaign.track_clicks)
        and (kind != "converted" or campaign.goal is not None)
    ]  # fmt: skip
    measured.sort(key=lambda kind: kind != chosen_by)
    metrics: list[Any] = [
        ConversionMetric(
            name=kind, event=kind, role="primary" if kind == chosen_by else "secondary",
            good="down" if kind == "unsubscribed" else "up",
        )
        for kind in measured
    ]  # fmt: skip
    if campaign.goal is not None and campaign.goal.value is not None:
        metrics.append(SumMetric(name="value", event="converted", property="value"))
    arms = [Arm(key=arm.key, title=arm.title, weight=arm.weight) for arm in campaign.arms]
    return Design(name=campaign.name, arms=arms, metrics=metrics, planned=planned)


async def tried(ctx: Context, conn: Connection, campaign: Campaign) -> Tried:
    """Figures of the arms as the ledger has them now."""
    now, began = ctx.clock.now(), time.perf_counter()
    choice = campaign.arm_choice or ArmChoice()
    planned = await _planned(conn, campaign)
    design = design_of(campaign, planned)
    params = {
        "campaign_id": campaign.id, "now": now, "within": timedelta(seconds=choice.after_seconds),
        "everybody": len({arm.channel or campaign.channel for arm in campaign.arms}) > 1,
    }  # fmt: skip
    counted: dict[int, Counted] = {}
    waiting = still_open = 0
    due: datetime | None = None
    numbers = {arm.key: n for n, arm in enumerate(campaign.arms)}
    async with conn.cursor(row_factory=struct_row(_Figures)) as cur:
        for row in await (await cur.execute(trying.SQL.figures, params)).fetchall():
            waiting, still_open = waiting + row.waiting, still_open + row.people - row.counted
            due = max((one for one in (due, row.due_at) if one is not None), default=None)
            counted[numbers[row.arm]] = Counted(
                people=row.people, crossed=0, first=row.first, last=row.last,
                metrics=tuple(row.moments(metric.name) for metric in design.metrics),
            )  # fmt: skip
    took = round((time.perf_counter() - began) * 1000)
    results = make_results(design, {None: counted}, now=now, took_ms=took)
    return Tried(results=results, waiting=waiting, open=still_open, due_at=due)


class _Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One arm: its people, those who count, and what they did."""

    arm: str
    people: int
    waiting: int
    counted: int
    first: datetime | None
    last: datetime | None
    due_at: datetime | None
    opened: int
    clicked: int
    replied: int
    unsubscribed: int
    converted: int
    mean: float
    variance: float

    def moments(self, name: str) -> Moments:
        """What a metric's moments are among those who count."""
        n = self.counted
        if not n:
            return Moments(people=0)
        if name == "value":
            return Moments(people=n, mean=self.mean, variance=self.variance)
        share = getattr(self, name) / n
        return Moments(people=n, mean=share, variance=share * (1 - share) * n / (n - 1) if n > 1 else 0.0)


async def _planned(conn: Connection, campaign: Campaign) -> int | None:
    """For how many people of an arm the intervals are to be narrowest: known once an audience is frozen."""
    if campaign.kind != "one_off":
        return None
    tried_first = [one for one in await store.occurrences(conn, campaign.id, 2) if not one.occurrence.endswith(trying.REST)]
    return max(1, tried_first[0].size // len(campaign.arms)) if tried_first else None


async def read_arms(ctx: Context, conn: Connection, campaign: Campaign) -> ArmsReport:
    """The arms' report."""
    choice = campaign.arm_choice or ArmChoice()
    found = await tried(ctx, conn, campaign)
    async with conn.cursor(row_factory=struct_row(ArmNumbers)) as cur:
        numbers = await (await cur.execute(trying.SQL.arm_numbers, {"campaign_id": campaign.id})).fetchall()
    places = {arm.key: n for n, arm in enumerate(campaign.arms)}
    rest = sum(one.size for one in await store.occurrences(conn, campaign.id, 1000) if one.waits)
    metric = _by(found.results, choice.metric)
    return ArmsReport(
        as_of=found.results.measured_at, within_seconds=choice.after_seconds, metric=choice.metric, rest=rest,
        due_at=found.due_at, leading=leading(metric) if metric is not None else None, winner=campaign.arm_winner,
        arms=sorted(numbers, key=lambda one: (one.chosen, places.get(one.arm, len(places)))), results=found.results,
    )  # fmt: skip


def _by(results: ExperimentResults, name: str) -> MetricResult | None:
    return next((metric for metric in results.metrics if metric.metric == name), None)


def leading(metric: MetricResult) -> str | None:
    """The arm with the best value; of equals the one that comes first. None before anybody counts."""
    known = [one for one in metric.arms if one.value is not None]
    return max(known, key=lambda one: one.value or 0.0).arm if known else None


def best(metric: MetricResult) -> str | None:
    """The arm that is better than the first beyond chance, of several the best; or the first, when all others are worse."""
    better = [one for one in metric.others if one.verdict == "better"]
    if better:
        return max(better, key=lambda one: one.difference).arm
    if metric.others and len(metric.others) == len(metric.arms) - 1 and all(one.verdict == "worse" for one in metric.others):
        return metric.arms[0].arm
    return None


def decide(choice: ArmChoice, metric: MetricResult, arms: Sequence[str], *, over: bool) -> tuple[str, Reason] | None:
    """The arm a rule chooses now, and why. ``over``: nobody else will come to count."""
    if all(one.people >= choice.minimum for one in metric.arms):
        found = best(metric) if choice.sure else leading(metric)
        if found is not None:
            return found, "better" if choice.sure else "leading"
    if not over or choice.otherwise == "wait":
        return None
    if choice.otherwise == "leading" and (ahead := leading(metric)) is not None:
        return ahead, "leading"
    return arms[0], "first"


async def choose(ctx: Context, held: Held) -> bool:
    """One tick: campaigns whose rule may find something."""
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(trying.SQL.to_choose, {"now": ctx.clock.now()})).fetchall()
    for (campaign_id,) in rows:
        async with ctx.db.connection() as conn:
            campaign = await store.find_campaign(conn, campaign_id)
            if campaign is None or campaign.arm_choice is None:
                continue
            found = await tried(ctx, conn, campaign)
            undecided = any(one.taken < one.size for one in await store.open_occurrences(conn, campaign_id) if not one.waits)
        metric = _by(found.results, campaign.arm_choice.metric)
        assert metric is not None
        over = campaign.kind == "one_off" and not (undecided or found.waiting or found.open)
        early = campaign.kind == "one_off" and not over  # what is tried first is looked at once, when it is over
        chosen = None if early else decide(campaign.arm_choice, metric, [arm.key for arm in campaign.arms], over=over)
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            now = await store.lock_campaign(conn, campaign_id)
            if now is None or now.arm_winner is not None or now.state not in ("sending", "running"):
                continue
            if chosen is not None:
                await trying.adopt(ctx, conn, SYSTEM, now, chosen[0], why=chosen[1])
                log.info("arm chosen", campaign=campaign_id, arm=chosen[0], why=chosen[1])
            else:
                at = _again(campaign.arm_choice, found, ctx.clock.now(), over=over)
                await conn.execute(trying.SQL.look_again, {"id": campaign_id, "at": at})
    return False


def _again(choice: ArmChoice, found: Tried, now: datetime, *, over: bool) -> datetime:
    """When it is worth looking next."""
    if over:
        return now + timedelta(days=3650)  # it waits for a person
    soon = now + max(SOONEST, timedelta(seconds=choice.after_seconds) / 50)
    return max(soon, found.due_at) if found.due_at is not None and not found.waiting and choice.percent < 100 else soon


LOOPS = (Loop(LOOP, choose, interval=10.0, buckets=1),)
