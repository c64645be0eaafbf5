"""The rehearsal itself: the population in parts, each read once and moved through its whole time, then the report."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from antiphon.awareness.consent import ChannelRegistry
from antiphon.awareness.segments import known
from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.delivery import spoken, way_of
from antiphon.execution.delivery.judging import OWN_FREQUENCY
from antiphon.execution.journeys.contract import Ints
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.errors import RehearsalTooLarge
from antiphon.execution.journeys.kinds.actions import said_of
from antiphon.execution.journeys.model import Definition
from antiphon.execution.journeys.rehearsal.behaviour import Behaviour, Likely, Recorded
from antiphon.execution.journeys.rehearsal.books import Book, Counts
from antiphon.execution.journeys.rehearsal.collisions import Collisions
from antiphon.execution.journeys.rehearsal.consents import Latest, read_latest
from antiphon.execution.journeys.rehearsal.driver import WINDOW, Part, Told, go_through, meets
from antiphon.execution.journeys.rehearsal.entrants import entrants_of, segments_of
from antiphon.execution.journeys.rehearsal.fitting import QUARTER, Fit, fit
from antiphon.execution.journeys.rehearsal.gate import Gate, Office, dispatch_of
from antiphon.execution.journeys.rehearsal.holding import Trees
from antiphon.execution.journeys.rehearsal.listing import Listing, listing_of
from antiphon.execution.journeys.rehearsal.model import RehearsalAsked, RehearsalReport
from antiphon.execution.journeys.rehearsal.past import Past, foreseen, read_past
from antiphon.execution.journeys.rehearsal.reading import (
    Others,
    read_answers,
    read_others,
    read_population,
    read_recorded,
    read_spoken,
)
from antiphon.execution.journeys.rehearsal.reporting import Outcome, report
from antiphon.execution.journeys.rehearsal.saying import TOLD
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.execution.journeys.rehearsal.tally import Gates, Tally
from antiphon.execution.journeys.rehearsal.world import Rehearsed
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import micros

PART = 20_000
"""People who are in memory at a time, where they do not meet: so few that a worker's other loops hardly wait for a round."""
TOGETHER = 300_000
"""People who may be in memory at a time, where they meet."""
DRAWN = 10_000
"""People of whom behaviour is drawn again and again, for the interval."""
Progress = Callable[[int, int], Awaitable[None]]


@dataclass
class Setting:
    """What is the same for everybody in a rehearsal."""

    ctx: Context
    plan: Plan
    asked: RehearsalAsked
    now: datetime
    since: datetime
    until: datetime
    ids: Ints
    population: int
    trees: Trees
    office: Office
    listing: Listing
    fit: Fit
    answers: Mapping[tuple[int, str], list[Mapping[str, int]]]
    recorded: Mapping[int, list[int]]
    paid: bool
    """Whether budgets pay for its messages."""
    answered: frozenset[str]
    """Names of the events by which people answer messages."""
    latest: Latest | None = None
    """Who said anything of consent since; None where it does not matter."""
    tally: Tally = field(default_factory=Tally)
    counts: Counts = field(default_factory=Counts)

    @property
    def share(self) -> float:
        """What part of the population takes part."""
        return len(self.ids) / max(1, self.population)

    @property
    def tight(self) -> bool:
        """Whether people meet on their way."""
        return meets(self.plan, self.paid)

    @property
    def name(self) -> str:
        """What the randomness of this rehearsal is keyed by."""
        return f"rehearsal/{self.plan.journey_id}/{self.asked.seed}"


async def rehearse(
    ctx: Context,
    plan: Plan,
    asked: RehearsalAsked,
    *,
    progress: Progress | None = None,
    told: Told | None = None,
    part: int = PART,
) -> RehearsalReport:
    """Rehearse a journey. ``told`` hears of every line, as the history would. Nothing is written anywhere."""
    began = time.perf_counter()
    setting = await _setting(ctx, plan, asked)
    tight = setting.tight
    ids, size = setting.ids, max(1, len(setting.ids) if tight else part)
    if tight and len(ids) > TOGETHER:
        raise RehearsalTooLarge(field="sample", people=len(ids), most=TOGETHER)
    shared, collisions = _shared(setting), Collisions(plan)
    setting.counts, setting.tally = shared.counts, shared.tally
    total = len(ids) + (len(ids) if tight else min(len(ids), DRAWN)) * asked.draws

    async def done(people: int) -> None:
        if progress is not None:
            await progress(people, total)

    async def pause(at: int) -> None:
        length = micros(setting.until) - micros(setting.since)
        await done(int(len(ids) * max(0, at - micros(setting.since)) / length))

    for start in range(0, len(ids), size):
        scene = await _scene(setting, ids[start : start + size])
        others = await read_others(ctx, scene.ids, plan.journey_id, setting.since)
        run = await _run(setting, scene, None, shared, told, others, pause)
        collisions.add(scene.ids, run.runs, others, setting.tally.take())
        await done(start + len(scene.ids))
    drawn, people = await _draws(setting, done)
    outcome = Outcome(setting.counts, setting.tally, collisions.found(), drawn, people, time.perf_counter() - began)
    return await report(setting, outcome)


async def _draws(setting: Setting, done: Callable[[int], Awaitable[None]]) -> tuple[list[int], int]:
    """(how many reach the goal in each draw of behaviour, of how many people)."""
    if setting.plan.definition.goal is None or not setting.asked.draws:
        return [], 0
    ids = setting.ids
    if not setting.tight and len(ids) > DRAWN:
        ids = np.sort(ids[np.argsort(fractions_of(setting.ctx.secret, f"{setting.name}/drawn", ids))[:DRAWN]])
    scene = await _scene(setting, ids)
    found = []
    for draw in range(setting.asked.draws):
        shared = _shared(setting)
        await _run(setting, scene, draw, shared)
        found.append(shared.counts.converted)
        await done(len(setting.ids) + (draw + 1) * len(ids))
    return found, len(ids)


async def _setting(ctx: Context, plan: Plan, asked: RehearsalAsked) -> Setting:
    now = ctx.clock.now()
    length = timedelta(days=asked.days)
    since, until = (now - length, now) if asked.mode == "history" else (now, now + length)
    async with ctx.db.connection() as conn:
        about = await known(conn, ctx)
    trees = Trees(ctx, about, now)
    ids, population = await read_population(ctx, asked.sample, f"sample/{asked.seed}")
    kinds = [kind.name for kind in ctx.get(ChannelRegistry)]
    replies = {spoken(TOLD["replied"], one): one for one in kinds}
    listing = listing_of(plan, trees, since, since if asked.mode == "history" else now - QUARTER, replies)
    office = await Office.open(ctx, now, len(ids) / max(1, population))
    channels = list(listing.channels)
    async with ctx.db.connection() as conn:
        for one in listing.unsaid:
            channel, hops = await way_of(
                ctx, conn, message_class=one.message_class, channel=one.channel, purpose=one.purpose, hops=tuple(one.hops),
                usual=one.usual_path,
            )  # fmt: skip
            channels += [channel, *(hop.channel for hop in hops)]
    goal = plan.definition.goal
    answered = frozenset(spoken(name, one) for one in kinds for name in TOLD.values())
    names = sorted(listing.wanted.names - answered) if channels or asked.mode == "forward" else []
    fitted = await fit(ctx, ids, sorted(set(channels)), names, goal.event if goal is not None else None, now)
    return Setting(
        ctx=ctx, plan=plan, asked=asked, now=now, since=since, until=until, ids=ids, population=population, trees=trees,
        office=office, listing=listing, fit=fitted, paid=await _paid(plan, office, channels),
        latest=await read_latest(ctx, since, plan.journey_id) if asked.mode == "history" else None, answered=answered,
        answers=await read_answers(ctx, plan.journey_id) if asked.replies == "recorded" else {},
        recorded=await read_recorded(ctx, plan.journey_id, since) if asked.mode == "history" else {},
    )  # fmt: skip


async def _paid(plan: Plan, office: Office, channels: Sequence[str]) -> bool:
    """Whether budgets pay for a journey's messages: whoever comes late may find them used up."""
    for step in plan.steps:
        if step.step.kind != "message":
            continue
        for channel in channels:
            dispatch = dispatch_of(said_of(step.settings), channel)
            if office.paying(dispatch) and await office.price(dispatch) > 0:
                return True
    return False


async def _scene(setting: Setting, ids: Ints) -> Scene:
    """A part of the population, read."""
    ctx = setting.ctx
    past = await read_past(ctx, setting.listing.wanted, ids, merged=setting.trees.about.merged)
    longest = max([timedelta(seconds=cap.seconds) for cap in setting.office.rules.caps] + list(OWN_FREQUENCY.values()))
    spoken = await read_spoken(ctx, ids, setting.plan.journey_id, setting.since - longest)
    since = setting.since if setting.asked.mode == "history" else None
    return Scene(ctx, ids, past, Gate(setting.office, ids, spoken, setting.latest), setting.trees, since)


@dataclass
class _Shared:
    """What the parts of one run have in common."""

    counts: Counts
    tally: Tally
    book: Book
    gates: Gates


def _shared(setting: Setting) -> _Shared:
    """A new run's."""
    most = setting.plan.definition.most_inside
    setting.office.restart()
    return _Shared(Counts(), Tally(), Book(None if most is None else max(1, round(most * setting.share))), Gates(setting.share))


async def _run(
    setting: Setting,
    scene: Scene,
    draw: int | None,
    shared: _Shared,
    told: Told | None = None,
    others: Others | None = None,
    pause: Callable[[int], Awaitable[None]] | None = None,
) -> Part:
    """Move a part through its time, once. ``draw``: with behaviour drawn for the so-manieth time."""
    asked, plan = setting.asked, setting.plan
    definition = plan.definition
    name = f"{setting.name}/{'-' if draw is None else draw}"
    where = np.searchsorted(setting.ids, scene.ids)
    past = scene.past
    if asked.mode == "forward":
        scene.past = _ahead(setting, past, draw, where)
    scene.restart()
    rng = None if draw is None else np.random.default_rng([asked.seed, draw])
    likely = Likely(setting.ctx.secret, name, setting.fit.level[where], setting.fit.habits(asked.rates, rng, where))
    behaviour: Behaviour = Recorded(setting.answers, likely) if asked.replies == "recorded" else likely
    world = Rehearsed(
        scene, behaviour, shared.tally, shared.gates, listens=setting.listing.hears | setting.listing.wanted.names,
        goal=_goal(definition, scene.past), replies=setting.listing.replies, answers=asked.rates.answers, seed=name,
    )  # fmt: skip
    members = {one: await scene.members(one) for one in segments_of(definition)}
    coming = entrants_of(
        definition, scene, micros(setting.since), micros(setting.until), members, _recorded(setting, scene.ids),
        carried=setting.listing.carried,
    )  # fmt: skip
    rivals = others.rivals(definition.exclusive) if others is not None and definition.exclusive else None
    part = Part(plan, world, coming, shared.counts, shared.book, told=told, rivals=rivals)
    await go_through(part, micros(setting.until), window=WINDOW if setting.tight else None, pause=pause)
    scene.past = past
    return part


def _goal(definition: Definition, past: Past) -> tuple[str, Mapping[str, Any]] | None:
    """What who converts by a message does: an event as those that reached the goal before."""
    goal = definition.goal
    if goal is None or goal.event is None:
        return None
    if not goal.event.filters:
        return goal.event.event, {}
    like = np.flatnonzero(past.meant(goal.event.event, goal.event.kind, goal.event.filters))
    return (goal.event.event, past.properties_at(int(like[0]))) if len(like) else None


def _recorded(setting: Setting, ids: Ints) -> dict[int, list[int]]:
    """When people of a part came in while the journey was live, by seat."""
    found = {}
    for seat, profile in enumerate(ids.tolist() if setting.recorded else ()):
        if profile in setting.recorded:
            found[seat] = setting.recorded[profile]
    return found


def _ahead(setting: Setting, past: Past, draw: int | None, where: Ints) -> Past:
    """What people would do; how they answer messages comes with the messages."""
    rng = np.random.default_rng([setting.asked.seed, 7, 0 if draw is None else draw + 1, int(where[0]) if len(where) else 0])
    given = setting.asked.rates.events
    means = np.random.default_rng([setting.asked.seed, 11, 0 if draw is None else draw + 1])
    rates = {}
    for name in sorted(past.codes.keys() - setting.answered):
        if name in given:
            rates[name] = np.full(len(where), given[name])
        elif name in setting.fit.often:
            rates[name] = setting.fit.often[name].rates(means if draw is not None else None, rng, where)
    return foreseen(past, rates, rng, micros(setting.since), micros(setting.until))
