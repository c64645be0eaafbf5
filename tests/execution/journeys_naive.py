"""A naive engine of journeys: one person at a time, one step at a time, as the words of the contract say. Tests compare with it.

It shares nothing with the engine but the definition. Instants are whole microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from antiphon.execution.journeys.model import Definition, EventEntry, Step

Told = tuple[int, str, str]


@dataclass
class Passage:
    """One person's way through a journey."""

    person: int
    step: int
    entered: int
    arrived: int
    wake: int | None = None
    came: bool = True
    converted: bool = False
    loops: dict[str, int] = field(default_factory=dict)
    left: str | None = None
    moves: list[tuple[int, list[Told]]] = field(default_factory=list)


class Naive:
    """A journey of one version and the people in it."""

    def __init__(self, definition: Definition, is_gold: Callable[[int], bool], fraction: Callable[[int], float]) -> None:
        self.definition = definition
        self.is_gold = is_gold
        self.fraction = fraction
        self.number = {step.key: n for n, step in enumerate(definition.steps)}
        self.passages: list[Passage] = []
        self.town: dict[int, Naive] = {}
        """Other journeys there are, by their ids."""
        self.pending: list[tuple[int, int, str]] = []

    def do(self, person: int, name: str, at: int) -> None:
        """Somebody does something; it is heard at the next tick."""
        self.pending.append((person, at, name))

    def tick(self, now: int) -> None:
        """Hear what was done, by each person in order; then everybody who is due goes on."""
        heard, self.pending = sorted(self.pending, key=lambda one: one[1]), []
        for person, at, name in heard:
            self.take(person, at, name, now)
        self.wake(now)

    def take(self, person: int, at: int, name: str, now: int) -> None:
        """Hear one thing that somebody did."""
        for passage in [one for one in self.passages if one.person == person and one.left is None]:
            while passage.left is None and passage.wake is not None and passage.wake <= min(at, now):
                self.go_on(passage, now, passage.wake)
            if passage.left is None:
                self.hear(passage, name, at, now)
        if any(isinstance(one, EventEntry) and one.match.event == name for one in self.definition.entries):
            self.enter(person, min(at, now), now)

    def wake(self, now: int) -> None:
        """Everybody who is due goes on."""
        for passage in self.passages:
            while passage.left is None and passage.wake is not None and passage.wake <= now:
                self.go_on(passage, now, passage.wake)

    def enter(self, person: int, at: int, now: int) -> None:
        rule = self.definition.again
        theirs = [one for one in self.passages if one.person == person]
        last = max((one.entered for one in theirs), default=None)
        if rule.rule == "once" and theirs:
            return
        if rule.rule == "period" and last is not None and at - last < (rule.period_seconds or 0) * 1_000_000:
            return
        if sum(one.left is None for one in theirs) >= rule.at_once:
            return
        passage = Passage(person, self.number[self.definition.start], at, at)
        self.passages.append(passage)
        self.walk(passage, now, at, None, [])

    def go_on(self, passage: Passage, now: int, since: int) -> None:
        self.walk(passage, now, min(since, now), None, [])

    def hear(self, passage: Passage, name: str, at: int, now: int) -> None:
        path: list[Told] = []
        goal = self.definition.goal
        if at > passage.entered:
            if goal is not None and goal.event is not None and goal.event.event == name:
                if not passage.converted:
                    path.append((passage.step, "goal", "goal"))
                    passage.converted = True
                if goal.ends:
                    passage.left = "goal"
            for rule in self.definition.exits:
                if passage.left is None and rule.event is not None and rule.event.event == name:
                    path.append((passage.step, rule.reason, "left"))
                    passage.left = rule.reason
        step = self.definition.steps[passage.step]
        if passage.left is None and at > passage.arrived and step.kind == "wait_event" and step.settings["match"]["event"] == name:
            self.walk(passage, now, min(max(at, passage.arrived), now), name, path)
        elif path:
            passage.moves.append((now, path))

    def walk(self, passage: Passage, now: int, since: int, heard: str | None, path: list[Told]) -> None:
        """From step to step until they rest or are out."""
        while passage.left is None:
            step = self.definition.steps[passage.step]
            found = self.ask(step, passage, now, heard)
            if found is None:
                if passage.came:
                    path.append((passage.step, "rest", "rests"))
                passage.came = False
                break
            did, onward = found
            path.append((passage.step, did, "went"))
            heard, passage.came, passage.arrived = None, True, since
            if onward is None:
                passage.left = "finished"
            else:
                passage.step = self.number[onward]
        if path:
            passage.moves.append((now, path))

    def ask(self, step: Step, passage: Passage, now: int, heard: str | None) -> tuple[str, str | None] | None:
        """What somebody does at a step: by which word, to which step; None where they stay."""
        settings, onward = step.settings, step.next
        match step.kind:
            case "wait":
                if passage.came:
                    passage.wake = now + int(settings["seconds"] * 1_000_000)
                    return None
                return "next", onward.get("next")
            case "wait_event":
                if heard is not None:
                    return "happened", onward.get("happened")
                if passage.came:
                    timeout = settings.get("timeout_seconds")
                    passage.wake = None if timeout is None else now + int(timeout * 1_000_000)
                    return None
                return "timeout", onward.get("timeout")
            case "condition":
                word = "yes" if self.is_gold(passage.person) else "no"
                return word, onward.get(word)
            case "split":
                total, drawn = sum(one["share"] for one in settings["parts"]), self.fraction(passage.person)
                reach = 0.0
                for part in settings["parts"]:
                    reach += part["share"]
                    if drawn * total < reach:
                        return part["key"], onward.get(part["key"])
                last = settings["parts"][-1]["key"]
                return last, onward.get(last)
            case "loop":
                count = passage.loops.get(step.key, 0)
                if count < settings["times"]:
                    passage.loops[step.key] = count + 1
                    return "again", onward.get("again")
                passage.loops[step.key] = 0
                return "done", onward.get("done")
            case "stop_journey":
                other = self.town.get(settings["journey_id"], self)  # its own is what an `end` is for
                for one in other.passages if other is not self else ():
                    if one.person == passage.person and one.left is None:
                        one.left = "stopped"
                        one.moves.append((now, [(one.step, "stopped", "left")]))
                return "next", onward.get("next")
            case strange:
                raise AssertionError(strange)

    def histories(self) -> dict[int, list[list[tuple[int, list[Told]]]]]:
        """Of each person, the moves of each passage."""
        people: dict[int, list[list[tuple[int, list[Told]]]]] = {}
        for one in self.passages:
            people.setdefault(one.person, []).append(one.moves)
        return people

    def inside(self) -> Sequence[tuple[int, int, int | None]]:
        """Who is inside, at which step, until when."""
        return sorted(((one.person, one.step, one.wake) for one in self.passages if one.left is None), key=repr)

    def past(self) -> Sequence[tuple[int, str, bool]]:
        """Whose passages ended, why, and whether they converted."""
        return sorted((one.person, one.left, one.converted) for one in self.passages if one.left is not None)
