"""Saying in a rehearsal: the gate judges, behaviour tells what becomes of it, and nothing leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from antiphon.execution.delivery import Dispatch, Hop, spoken, way_of
from antiphon.execution.journeys.contract import NEVER, Bools, Here, Ints, Message
from antiphon.execution.journeys.rehearsal.behaviour import WHAT, Behaviour
from antiphon.execution.journeys.rehearsal.dialogue import Dialogue
from antiphon.execution.journeys.rehearsal.gate import dispatch_of
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.execution.journeys.rehearsal.tally import Tally

BECAME = ("sent", "delivered", "opened", "clicked", "replied", "failed")
TOLD = {"delivered": "Email Delivered", "opened": "Email Opened", "clicked": "Email Link Clicked", "replied": "Email Replied"}


class Voice:
    """How the people of one part are spoken to. ``listens``: names of events that anybody asks about, others are not made up;
    ``goal``: the event, with its properties, that who converts by a message does."""

    def __init__(
        self, scene: Scene, behaviour: Behaviour, tally: Tally, dialogue: Dialogue, *, listens: frozenset[str],
        goal: tuple[str, Mapping[str, Any]] | None,
    ) -> None:  # fmt: skip
        self.scene = scene
        self.behaviour = behaviour
        self.tally = tally
        self.dialogue = dialogue
        self.listens = listens
        self.goal = None if goal is None else goal[0]
        self._goal_ref = -1
        if goal is not None:
            self._goal_ref = len(scene.said)
            scene.said.append(goal[1])
        self._became: dict[int, dict[str, Ints]] = {}
        self._ways: dict[tuple[str, str, str, tuple[Hop, ...], bool], tuple[str, tuple[Hop, ...]]] = {}

    def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        """What became of what a step said to each until their instant."""
        at, runs = here.at, here.people.run[here.places]
        known = self._became.get(here.plan.number[step])
        if known is None:
            return {what: np.zeros(len(here), dtype=np.bool_) for what in BECAME}
        return {what: _of(known[what], runs) <= at if what in known else np.zeros(len(here), dtype=np.bool_) for what in BECAME}

    async def say(self, here: Here, message: Message, places: Ints) -> Sequence[str | None]:
        """Hand messages to the gate, hop after hop; for each the reason it was refused for, None where it is said."""
        reasons: list[str | None] = [None] * len(places)
        at = here.at[places].copy()
        expires = None if message.expires_seconds is None else at + int(message.expires_seconds * 1_000_000)
        todo = np.arange(len(places))
        became = {what: np.full(len(places), NEVER, dtype=np.int64) for what in BECAME}
        message = await self._on_its_way(message)
        for hop, channel in enumerate([message.channel, *(one.channel for one in message.hops)]):
            if not len(todo):
                break
            dispatch = dispatch_of(message, channel, hop)
            seats = self.scene.seats(here.profile[places[todo]])
            verdicts = await self.scene.gate.judge(dispatch, seats, at[todo], None if expires is None else expires[todo])
            for place, reason in zip(todo.tolist(), verdicts.reasons, strict=True):
                if reason is not None:
                    key = (here.step.key, channel, reason)
                    self.tally.refused[key] = self.tally.refused.get(key, 0) + 1
                    reasons[place] = reasons[place] or reason
            self.tally.moved += int(verdicts.moved.sum())
            passed = np.flatnonzero(verdicts.passed)
            later = await self._speak(here, places, dispatch, todo[passed], seats[passed], verdicts.due[passed], became)
            refused = todo[~verdicts.passed]
            for place, when in later.items():
                at[place] = when
            todo = np.array(sorted({*refused.tolist(), *later}), dtype=np.int64)
        spoke = became["sent"] != NEVER
        became["failed"] = np.where(spoke, NEVER, here.at[places])
        self._note(here, places, became)
        return [None if said else reason for said, reason in zip(spoke.tolist(), reasons, strict=True)]

    def _note(self, here: Here, places: Ints, became: dict[str, Ints]) -> None:
        """Remember what becomes of what a step said at this turn: who replied or clicked has opened, and it was delivered."""
        became["opened"] = np.minimum.reduce([became[one] for one in ("opened", "clicked", "replied")])
        became["delivered"] = np.minimum(became["delivered"], became["opened"])
        runs, kept = here.people.run[here.places[places]], self._became.setdefault(here.number, {})
        for what, when in became.items():
            kept[what] = _put(kept.get(what), runs, when)

    async def _on_its_way(self, message: Message) -> Message:
        """The message with the channel and the hops it takes where its author named none."""
        if message.channel and (message.hops or not message.usual_path):
            return message
        asked = message.message_class, message.channel, message.purpose, message.hops, message.usual_path
        if asked not in self._ways:
            async with self.scene.ctx.db.connection() as conn:
                self._ways[asked] = await way_of(
                    self.scene.ctx, conn, message_class=message.message_class, channel=message.channel, purpose=message.purpose,
                    hops=message.hops, usual=message.usual_path,
                )  # fmt: skip
        channel, hops = self._ways[asked]
        return msgspec.structs.replace(message, channel=channel, hops=hops)

    async def _speak(
        self, here: Here, places: Ints, dispatch: Dispatch, chosen: Ints, seats: Ints, due: Ints, became: dict[str, Ints]
    ) -> dict[int, int]:
        """What becomes of messages that passed; of those that go on to a next hop for want of an answer, when."""
        if not len(chosen):
            return {}
        who, price = places[chosen], await self.scene.gate.office.price(dispatch)
        profiles, where = here.profile[who], here.places[who]
        self.tally.say(dispatch.channel, profiles, due, price)
        self.dialogue.say(seats, due, dispatch.channel)
        salt = (here.people.turn[where] * 1_000_003 + here.people.entered[where] // 1_000_000) & 0x0FFFFFFF
        found = self.behaviour.outcomes(dispatch.channel, here.step.key, seats, profiles, salt, due)
        for what in ("sent", "delivered", "opened", "clicked", "replied"):
            became[what][chosen] = np.minimum(became[what][chosen], due if what == "sent" else found.at[what])
        for what in WHAT:
            name, when = TOLD.get(what), found.at[what]
            told = self.goal if what == "converted" else spoken(name, dispatch.channel) if name else None
            if told is not None and told in self.listens:
                come = np.flatnonzero((when != NEVER) & ~found.recorded)
                self.scene.happen(seats[come], when[come], told, self._goal_ref if what == "converted" else -1)
        return _unanswered(dispatch, chosen, due, found.at)


def _of(column: Ints, runs: Ints) -> Ints:
    """The instants of passages, `NEVER` of those that came later."""
    found = np.full(len(runs), NEVER, dtype=np.int64)
    known = runs < len(column)
    found[known] = column[runs[known]]
    return found


def _put(column: Ints | None, runs: Ints, when: Ints) -> Ints:
    """Note instants of passages, in a column that grows as it must."""
    have, need = 0 if column is None else len(column), int(runs.max(initial=-1)) + 1
    if column is None or have < need:
        grown = np.full(max(need, 2 * have), NEVER, dtype=np.int64)
        if column is not None:
            grown[:have] = column
        column = grown
    column[runs] = when
    return column


def _unanswered(dispatch: Dispatch, chosen: Ints, due: Ints, outcomes: Mapping[str, Ints]) -> dict[int, int]:
    """Whose message goes on to the next hop, and when: no receipt, or no answer, in the time it was given."""
    if not dispatch.hops:
        return {}
    hop, later = dispatch.hops[0], dict[int, int]()
    for limit, answers in ((hop.receipt_within, ("delivered",)), (hop.answer_within, ("opened", "clicked", "replied"))):
        if limit is None:
            continue
        until = due + int(limit * 1_000_000)
        best = np.minimum.reduce([outcomes[one] for one in answers])
        for place in np.flatnonzero(best > until).tolist():
            one = int(chosen[place])
            later[one] = min(later.get(one, NEVER), int(until[place]))
    return later
