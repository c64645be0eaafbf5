"""Moving people through a journey in a world of memory, from one due instant to the next.

Each person has a time of their own. People who never meet are moved together whatever the time of each: a round takes the next
thing that happens to everybody (an entry, a wait that is over, an event that is heard, an answer), so that there are as many
rounds as one person has moves, not as there are instants. Where people meet (a rate-limited gate, a journey that takes so many, a
budget) all of them go through time side by side, a window at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from antiphon.execution.journeys.chain import moved_on
from antiphon.execution.journeys.contract import NEVER, OUT, Bools, Cause, Heard, Ints, Line, People
from antiphon.execution.journeys.engine import Plan, advance, begin
from antiphon.execution.journeys.entering import held_out_of
from antiphon.execution.journeys.entries import NO_RIVAL, NOT_YET, REASONS, Outcome, Standing, admit
from antiphon.execution.journeys.rehearsal.books import Book, Counts, Entrants, Passages
from antiphon.execution.journeys.rehearsal.columns import turns
from antiphon.execution.journeys.rehearsal.world import Rehearsed

MOST_MOVES = 5_000
"""Moves of one passage after which it is taken for one that never ends."""
WINDOW = 900_000_000
"""Microseconds of the windows in which people who meet go through time."""


Told = Callable[[Ints, Ints, Line], None]
"""Told of each line: whose it is, the passages' numbers, and the line."""


class Part:
    """A part of the population on its way through a journey."""

    def __init__(
        self, plan: Plan, world: Rehearsed, entrants: Entrants, counts: Counts, book: Book, *, told: Told | None = None,
        rivals: Callable[[Ints, Ints], Ints] | None = None,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.world = world
        self.scene = world.scene
        self.entrants = entrants
        self.counts = counts
        self.book = book
        self.told = told
        self.rivals = rivals
        self.runs = Passages(max(1024, len(self.scene.ids)))
        seats = len(self.scene.ids)
        self._next_entry = np.searchsorted(entrants.seat, np.arange(seats + 1))
        self._inside = np.zeros(seats, dtype=np.int64)
        self._last = np.full(seats, NOT_YET, dtype=np.int64)
        self._used: set[tuple[int, str]] = set()
        self._listens = [frozenset(step.hears) | plan.leaves_on for step in plan.steps]
        self._kinds: dict[frozenset[str], Bools] = {}

    async def go(self, until: int) -> None:
        """Do all that happens before an instant."""
        while await self._round(until):
            pass

    def next_due(self) -> int:
        """When something happens next."""
        active = self.runs.active
        entry = self._entry_at()
        soonest = [int(one.min(initial=NEVER)) for one in (self._due(active), entry)]
        return min(soonest)

    def end(self) -> None:
        """Count who is inside at the end."""
        runs, active = self.runs, self.runs.active
        self.counts.inside += len(active)
        for number in np.unique(runs.step[active]).tolist():
            here = active[runs.step[active] == number]
            row = self.counts.waiting.setdefault(number, [0, 0])
            row[0] += len(here)
            row[1] += int(((runs.wake[here] == NEVER) & (self.world.answer_at[here] == NEVER)).sum())
            again = here[runs.visits[here] >= 3 * len(self.plan.steps)]
            if len(again):
                circle = self.counts.rounds.setdefault(number, [0, 0])
                circle[0] += len(again)
                circle[1] = max(circle[1], int(runs.visits[again].max()))

    def _due(self, active: Ints) -> Ints:
        self.world.make_room(self.runs.count)
        return np.minimum(np.minimum(self.runs.wake[active], self.runs.heard_at[active]), self.world.answer_at[active])

    def _entry_at(self) -> Ints:
        """When each seat would enter next."""
        here = self._next_entry[:-1]
        found = np.full(len(here), NEVER, dtype=np.int64)
        mine = here < len(self.entrants.at)
        mine[mine] = self.entrants.seat[here[mine]] == np.flatnonzero(mine)
        found[mine] = self.entrants.at[here[mine]]
        return found

    async def _round(self, until: int) -> bool:
        """The next thing of everybody; whether there was any."""
        await asyncio.sleep(0)  # the process has other things to do
        active = self.runs.active
        due, entry = self._due(active), self._entry_at()
        first = np.full(len(entry), NEVER, dtype=np.int64)
        np.minimum.at(first, self.runs.seat[active], due)
        coming = np.flatnonzero((entry < until) & (entry < first))
        seats = self.runs.seat[active]
        moving = (due < until) & (due == first[seats]) & ~(entry[seats] < first[seats])
        chosen, at = active[moving], due[moving]
        if len(chosen):
            one = turns(self.runs.seat[chosen]) == 0  # of several passages of a person one after the other
            await self._move(chosen[one], at[one])
        if len(coming):
            await self._enter(coming, entry[coming])
        return bool(len(chosen) or len(coming))

    async def _enter(self, seats: Ints, at: Ints) -> None:
        places = self._next_entry[:-1][seats]
        self._next_entry[:-1][seats] += 1
        order = np.argsort(at, kind="stable")  # whoever comes first is asked first
        seats, at, places = seats[order], at[order], places[order]
        profiles = self.scene.ids[seats]
        keys = [self.entrants.keys[place] for place in places.tolist()] if self.entrants.keys else [""] * len(seats)
        since = self.entrants.since[places]
        held = held_out_of(self.scene.ctx.secret, self.plan, profiles)
        used = np.fromiter(((s, k) in self._used for s, k in zip(seats.tolist(), keys, strict=True)), np.bool_, len(seats))
        rival = np.full(len(seats), NO_RIVAL, dtype=np.int64) if self.rivals is None else self.rivals(seats, at)
        standing = Standing(self._inside[seats], self._last[seats], used, rival)
        admitted = admit(self.plan.definition, profiles, keys, since, standing, held, self.book.room)
        for code, count in zip(*(one.tolist() for one in np.unique(admitted.outcome, return_counts=True)), strict=True):
            self.counts.add(self.counts.entries, REASONS[code], count)
        counted = (admitted.outcome == Outcome.ENTERED) | (admitted.outcome == Outcome.HOLDOUT)
        self._last[seats[counted]] = np.maximum(self._last[seats[counted]], since[counted])
        if self.plan.definition.again.rule == "key":
            self._used.update(zip(seats[counted].tolist(), (keys[n] for n in np.flatnonzero(counted).tolist()), strict=True))
        into = admitted.entered
        if len(into):
            await self._begin(seats[into], at[into], since[into], places[into])

    async def _begin(self, seats: Ints, at: Ints, since: Ints, places: Ints) -> None:
        runs = self.runs.add(seats, since)
        self.runs.cursor[runs] = self.scene.past.stream.place(seats, at)
        self._inside[seats] += 1
        self.book.inside += len(runs)
        memory = [None] * len(runs) if self.entrants.memory is None else [self.entrants.memory(one) for one in places.tolist()]
        people = begin(self.plan, runs, self.scene.ids[seats], at, memory, since)
        await self._advance(people, runs)

    async def _move(self, runs: Ints, at: Ints) -> None:
        columns, world = self.runs, self.world
        woken = columns.wake[runs] == at  # whoever was to go on by the time they did something goes on first
        heard, answered = (columns.heard_at[runs] == at) & ~woken, (world.answer_at[runs] == at) & ~woken
        cause = np.where(heard, Cause.HEARD, np.where(answered, Cause.ANSWERED, Cause.WOKEN)).astype(np.int8)
        events: list[Heard] = []
        which = np.full(len(runs), -1, dtype=np.int64)
        since = at.copy()
        for place in np.flatnonzero(heard).tolist():
            run = int(runs[place])
            event = self._event(run, int(at[place]))
            which[place], since[place] = len(events), max(event.at, int(columns.arrived[run]))
            events.append(event)
            if event.begun:
                columns.memory[run] = moved_on(columns.memory[run], event.begun, int(since[place]))
        for place in np.flatnonzero(answered & ~heard).tolist():
            run = int(runs[place])
            columns.memory[run] = world.answer(run, columns.memory[run])
            world.answer_at[run] = NEVER
        profiles = self.scene.ids[columns.seat[runs]]
        people = People(
            run=runs, profile=profiles, step=columns.step[runs], entered=columns.entered[runs], arrived=columns.arrived[runs],
            at=at, wake=columns.wake[runs], turn=columns.turn[runs], cause=cause, heard=which,
            moved=np.zeros(len(runs), dtype=np.bool_), memory=[columns.memory[run] for run in runs.tolist()], events=events,
            left=[None] * len(runs), since=since,
        )  # fmt: skip
        await self._advance(people, runs)

    def _event(self, run: int, at: int) -> Heard:
        """What is heard of a passage; its cursor goes behind it."""
        columns, place = self.runs, int(self.runs.heard[run])
        seat = int(columns.seat[run])
        profile = int(self.scene.ids[seat])
        if place >= 0:
            columns.cursor[run] = place + 1
            return self.scene.past.heard_at(place, profile)
        log, column = self.scene.log, -2 - place
        ref = int(log.ref[seat, column])
        return Heard(
            name=self.scene.name_of(int(log.kind[seat, column])), kind="track", at=at, received=at, profile=profile,
            properties=self.scene.said[ref] if ref >= 0 else {}, begun=self.scene.begun.get(ref, 0),
        )  # fmt: skip

    async def _advance(self, people: People, runs: Ints) -> None:
        columns = self.runs
        before = people.step.copy()
        lines = await advance(self.plan, people, self.world)
        for line in lines:
            self.counts.add(self.counts.arrows, (line.step, line.did, line.how), len(line.places))
            if line.how == "goal":
                self.counts.converted += len(line.places)
            if self.told is not None:
                self.told(self.scene.ids[columns.seat[runs[line.places]]], runs[line.places], line)
        for name in ("step", "arrived", "wake", "turn"):
            getattr(columns, name)[runs] = getattr(people, name)
        for place, run in enumerate(runs.tolist()):
            columns.memory[run] = people.memory[place]
        columns.moves[runs] += 1
        columns.visits[runs] += people.step != before
        columns.last[runs] = people.at
        columns.cursor[runs] = np.maximum(
            columns.cursor[runs], self.scene.past.stream.place(columns.seat[runs], people.at, after=False)
        )
        self._let_go(people, runs)
        self._listen(np.unique(columns.seat[runs]))

    def _let_go(self, people: People, runs: Ints) -> None:
        columns = self.runs
        endless = np.flatnonzero((columns.moves[runs] >= MOST_MOVES) & (people.step != OUT))
        for place in endless.tolist():
            people.left[place] = "endless"
        columns.step[runs[endless]] = OUT
        gone = np.flatnonzero(columns.step[runs] == OUT)
        np.subtract.at(self._inside, columns.seat[runs[gone]], 1)
        self.book.inside -= len(gone)
        reasons: dict[str, int] = {}
        for place in gone.tolist():
            reason = people.left[place] or "finished"
            reasons[reason] = reasons.get(reason, 0) + 1
            columns.memory[int(runs[place])] = None
        for reason, count in reasons.items():
            self.counts.add(self.counts.finished, reason, count)

    def _listen(self, seats: Ints) -> None:
        """Find what these people's passages hear next."""
        columns = self.runs
        active = columns.active
        touched = active[np.isin(columns.seat[active], seats)]
        for number in np.unique(columns.step[touched]).tolist():
            runs = touched[columns.step[touched] == number]
            names = self._listens[number]
            columns.heard_at[runs] = NEVER
            if not names:
                continue
            mine = columns.seat[runs]
            found = self.scene.past.following(names, mine, columns.cursor[runs], columns.entered[runs])
            has = found >= 0
            columns.heard[runs[has]] = found[has]
            columns.heard_at[runs[has]] = self.scene.past.heard[found[has]]
            if not self.scene.log.empty:
                at, column = self.scene.log.next(mine, columns.last[runs], self._wanted(names))
                sooner = at < columns.heard_at[runs]
                columns.heard[runs[sooner]] = -2 - column[sooner]
                columns.heard_at[runs[sooner]] = at[sooner]

    def _wanted(self, names: frozenset[str]) -> Bools:
        """Which kinds of what is made up these names are."""
        if names not in self._kinds or len(self._kinds[names]) < len(self.scene.codes):
            wanted = np.zeros(len(self.scene.codes), dtype=np.bool_)
            wanted[[code for name, code in self.scene.codes.items() if name in names]] = True
            self._kinds[names] = wanted
        return self._kinds[names]


def meets(plan: Plan, budgets: bool) -> bool:
    """Whether people of the journey meet: a gate, a number that it takes at most, a budget."""
    return budgets or plan.definition.most_inside is not None or any(step.step.kind == "gate" for step in plan.steps)


async def go_through(
    part: Part, until: int, *, window: int | None, pause: Callable[[int], Awaitable[None]] | None = None
) -> None:
    """Move a part to an instant: at once, or window by window from one due instant to the next."""
    if window is None:
        await part.go(until)
    else:
        while (due := part.next_due()) < until:
            await part.go(min(until, (due // window + 1) * window))
            if pause is not None:
                await pause(due)
    part.end()
