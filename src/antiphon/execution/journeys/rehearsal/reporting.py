"""From what was counted to what people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from antiphon.decisioning.experiments import student_quantile
from antiphon.execution.delivery import expected_pace
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.rehearsal.books import Counts
from antiphon.execution.journeys.rehearsal.entrants import unforeseen
from antiphon.execution.journeys.rehearsal.model import (
    ExpectedConversions,
    RehearsalReport,
    RehearsedArrow,
    RehearsedCircle,
    RehearsedCollision,
    RehearsedDay,
    RehearsedRefusal,
    RehearsedWaiting,
)
from antiphon.execution.journeys.rehearsal.tally import Tally

if TYPE_CHECKING:
    from antiphon.execution.journeys.rehearsal.rehearsing import Setting

EPOCH = date(2000, 1, 1)
DAY = 86_400
SURE = 0.95
"""Of both sides of an interval that has nine of ten in it."""


@dataclass(frozen=True)
class Outcome:
    """What was counted. ``drawn``: passages that reach the goal in each draw of behaviour, of ``people``."""

    counts: Counts
    tally: Tally
    collisions: Sequence[RehearsedCollision]
    drawn: Sequence[int]
    people: int
    seconds: float


async def report(setting: Setting, outcome: Outcome) -> RehearsalReport:
    """The report of a rehearsal, of the whole population."""
    plan, counts, tally = setting.plan, outcome.counts, outcome.tally
    scale = setting.population / max(1, len(setting.ids))
    messages = [
        RehearsedDay(
            day=EPOCH + timedelta(days=day), channel=channel, messages=round(count * scale), cost_micros=round(micros * scale)
        )
        for (day, channel), (count, micros) in sorted(tally.said.items())
    ]
    return RehearsalReport(
        mode=setting.asked.mode, days=setting.asked.days, since=setting.since, until=setting.until, population=setting.population,
        sample=len(setting.ids), scale=scale, entered=round(counts.entries.get("entered", 0) * scale),
        entries=_scaled(counts.entries, scale), finished=_scaled(counts.finished, scale), inside=round(counts.inside * scale),
        messages=messages, cost_micros=sum(one.cost_micros for one in messages), currency=setting.ctx.settings.currency,
        slow_days=await _slow(setting, messages), refused=_refused(tally, scale), moved=round(tally.moved * scale),
        collisions=[_grown(one, scale) for one in outcome.collisions], arrows=_arrows(plan, counts, scale),
        waiting=[
            RehearsedWaiting(step=plan.steps[number].step.key, people=round(people * scale), for_ever=round(ever * scale))
            for number, (people, ever) in sorted(counts.waiting.items())
        ],
        conversions=_conversions(setting, outcome), dead=dead(plan, counts), circles=circles(plan, counts, scale),
        rates=setting.fit.told(), unforeseen=unforeseen(plan.definition, bool(setting.recorded)), assumed=_assumed(setting),
        seconds=round(outcome.seconds, 3),
    )  # fmt: skip


def expected(
    converted: int, entered: int, drawn: Sequence[int], people: int, population: int, *, replayed: bool
) -> ExpectedConversions:
    """How many passages reach the goal, with an interval for the number that comes true.

    Each draw is what might be, by means that might be. What draws of ``people`` differ by beyond the chance of so many people
    is what is not known of the means, and weighs on all alike; chance weighs less the more people there are. ``replayed``: the
    goal's events are a recording, of which chance has to be thought, too.
    """
    if not drawn:
        share = converted / entered if entered else 0.0
        return ExpectedConversions(mean=converted, low=converted, high=converted, share=share, draws=0)
    count, grown = len(drawn), population / people
    shares = np.asarray(drawn, dtype=np.float64) / people
    mean = float(shares.mean())
    chance = mean * max(0.0, 1 - mean)
    between = float(shares.var(ddof=1)) if count > 1 else chance / people
    if people == population:
        variance = between * population**2
    else:
        variance = population**2 * max(0.0, between - chance / people) + population * chance
    if replayed:
        variance += population * chance
    half = student_quantile(max(1, count - 1), SURE) * float(np.sqrt(variance * (1 + 1 / count)))
    middle = mean * population
    share = mean * people * grown / entered if entered else 0.0
    return ExpectedConversions(
        mean=round(middle, 2), low=round(max(0.0, middle - half), 2), high=round(middle + half, 2), share=share, draws=count
    )  # fmt: skip


def _conversions(setting: Setting, outcome: Outcome) -> ExpectedConversions | None:
    if setting.plan.definition.goal is None:
        return None
    scale = setting.population / max(1, len(setting.ids))
    entered = round(outcome.counts.entries.get("entered", 0) * scale)
    converted = round(outcome.counts.converted * scale)
    replayed = setting.asked.mode == "history"
    return expected(converted, entered, outcome.drawn, outcome.people, setting.population, replayed=replayed)


def dead(plan: Plan, counts: Counts) -> list[RehearsedArrow]:
    """Ways nobody went, of steps somebody came to; and steps nobody came to."""
    found: list[RehearsedArrow] = []
    seen = {step for step, _, _ in counts.arrows}
    for number, step in enumerate(plan.steps):
        key = step.step.key
        if number not in seen:
            found.append(RehearsedArrow(step=key, did="", how="", people=0))
            continue
        found += [
            RehearsedArrow(step=key, did=exit, how="went", people=0) for exit in step.kind.exits(step.settings)
            if not counts.arrows.get((number, exit, "went"))
        ]  # fmt: skip
    return found


def circles(plan: Plan, counts: Counts, scale: float) -> list[RehearsedCircle]:
    """Rings of steps that people went round without an end."""
    found: list[RehearsedCircle] = []
    for ring in rings(plan):
        rows = [counts.rounds[one] for one in ring if one in counts.rounds]
        endless = counts.finished.get("endless", 0)
        people = sum(row[0] for row in rows) + (endless if not found else 0)
        if people:
            most = max((row[1] for row in rows), default=0) // len(ring)
            found.append(RehearsedCircle(
                steps=[plan.steps[one].step.key for one in ring], people=round(people * scale), most_rounds=most
            ))  # fmt: skip
    return found


def rings(plan: Plan) -> list[list[int]]:
    """Sets of steps each of which leads to all others of its set (strongly connected; R. Tarjan, 1972, without recursion)."""
    count = len(plan.steps)
    reach = np.zeros((count, count), dtype=np.bool_)
    for number, step in enumerate(plan.steps):
        reach[number, list(step.next.values())] = True
    for middle in range(count):
        reach |= reach[:, middle : middle + 1] & reach[middle : middle + 1, :]
    both = reach & reach.T
    found: list[list[int]] = []
    for number in range(count):
        ring = np.flatnonzero(both[number]).tolist()
        if number in ring and ring not in found:
            found.append(ring)
    return found


async def _slow(setting: Setting, messages: Sequence[RehearsedDay]) -> list[RehearsedDay]:
    """Days with more messages than the channel's accounts can be expected to carry."""
    found: list[RehearsedDay] = []
    async with setting.ctx.db.connection() as conn:
        paces = {one: await expected_pace(conn, one, None, setting.now) for one in {said.channel for said in messages}}
    for said in messages:
        seconds = paces[said.channel].seconds(said.messages)
        if seconds is not None and seconds > DAY:
            found.append(said)
    return found


def _refused(tally: Tally, scale: float) -> list[RehearsedRefusal]:
    rows = sorted(tally.refused.items(), key=lambda one: (-one[1], one[0]))
    return [
        RehearsedRefusal(step=step, channel=channel, reason=reason, people=round(people * scale))
        for (step, channel, reason), people in rows
    ]


def _arrows(plan: Plan, counts: Counts, scale: float) -> list[RehearsedArrow]:
    return [
        RehearsedArrow(step=plan.steps[step].step.key, did=did, how=how, people=round(people * scale))
        for (step, did, how), people in sorted(counts.arrows.items())
    ]


def _grown(one: RehearsedCollision, scale: float) -> RehearsedCollision:
    return RehearsedCollision(
        journey_id=one.journey_id, name=one.name, people=round(one.people * scale), days=round(one.days * scale),
        excluded=round(one.excluded * scale),
    )  # fmt: skip


def _scaled(numbers: dict[str, int], scale: float) -> dict[str, int]:
    return {key: round(value * scale) for key, value in sorted(numbers.items())}


def _assumed(setting: Setting) -> list[str]:
    """What was taken for granted."""
    kinds = {step.step.kind for step in setting.plan.steps}
    found = ["traits_of_today", "consents_of_today"]
    if setting.asked.mode == "history":
        found = ["traits_as_said", "addresses_of_today"]
    if setting.tight:
        found.append("in_windows")
    if "webhook" in kinds:
        found.append("answers_of_others")
    if kinds & {"start_journey", "jump"}:
        found.append("others_let_in")
    if "message" in kinds and not setting.fit.shares and not setting.asked.rates.channels:
        found.append("nobody_answers")
    return found
