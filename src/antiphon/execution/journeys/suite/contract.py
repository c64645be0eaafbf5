"""The suite itself: subclass it as ``Test…``, give it a kind and settings, and run pytest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from antiphon.execution.journeys.contract import NEVER, OUT, Cause, Heard, Here, Ints, Line, People, StepKind
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Step
from antiphon.execution.journeys.suite.stage import Stage, Town

NOW = 834_000_000_000_000
HOUR = 3_600_000_000
MOST_WAKINGS = 50
GROUPS = ("wait", "branch", "action", "flow")


class StepContract:
    """What every kind of step promises.

    Give it `kind`, and `settings`: examples an author may write. ``wrong`` are settings with the code of what is found wrong
    with them; ``memory`` is what people carry along; ``crowd`` says that people's ways depend on each other (a gate).
    """

    wrong: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = ()
    memory: ClassVar[Mapping[str, Any] | None] = None
    crowd: ClassVar[bool] = False
    registered: ClassVar[bool] = True
    """Its package is installed, with its entry point."""

    def kind(self) -> StepKind:
        """The kind under test."""
        raise NotImplementedError

    def settings(self) -> Sequence[Mapping[str, Any]]:
        """Settings as authors write them."""
        raise NotImplementedError

    def stage(self) -> Stage:
        """The world it is tried in; override it to tell the world more."""
        return Stage()

    def heard(self, name: str) -> Mapping[str, Any]:
        """Properties of an event it listens for."""
        return {}

    # What it says of itself

    def test_it_has_a_name_a_group_and_settings(self) -> None:
        kind = self.kind()
        assert kind.name.isidentifier(), "its name is a word"
        assert kind.name == kind.name.lower()
        assert kind.group in GROUPS
        assert issubclass(kind.Settings, msgspec.Struct)
        assert kind.Settings.__struct_config__.frozen, "settings never change: make them frozen"
        assert kind.Settings.__struct_config__.forbid_unknown_fields, "a misspelt setting is an error: forbid unknown fields"
        assert msgspec.json.schema(kind.Settings), "the console draws its form from the schema"
        assert kind.__doc__, "the console says what it is for"

    def test_it_is_installed_by_its_entry_point(self) -> None:
        if self.registered:
            assert isinstance(installed()(self.kind().name), type(self.kind())), "the entry point is called as the kind is"

    def test_settings_make_the_round(self) -> None:
        for given, settings in self._examples():
            assert msgspec.convert(msgspec.to_builtins(settings), self.kind().Settings) == settings, given

    def test_its_exits_are_few_plain_and_always_the_same(self) -> None:
        for given, settings in self._examples():
            exits = list(self.kind().exits(settings))
            assert exits == list(self.kind().exits(settings))
            assert len(exits) == len(set(exits)), f"two exits of one name: {given}"
            assert all(exit and len(exit) <= 60 for exit in exits)

    def test_good_settings_are_not_refused(self) -> None:
        for given, settings in self._examples():
            plan = self._plan(given)
            found = list(self.kind().check(settings, "steps[0].settings", Town(plan.definition)))
            assert [one for one in found if one.level == "error"] == [], given
            assert all(one.place.startswith("steps[0].settings") for one in found), "a finding names its place"

    def test_wrong_settings_are_found(self) -> None:
        for given, code in self.wrong:
            settings = msgspec.convert(given, self.kind().Settings)
            town = Town(Definition(start="it", steps=[self._step(given)]), missing=("nowhere", -1))
            found = [one.code for one in self.kind().check(settings, "steps[0].settings", town)]
            assert code in found, f"{given}: {found}"

    # What it does

    @pytest.mark.parametrize("cause", list(Cause), ids=lambda one: one.name)
    @pytest.mark.asyncio
    async def test_it_decides_of_everybody_by_its_own_exits(self, cause: Cause) -> None:
        for given, settings in self._examples():
            plan = self._plan(given)
            _, people, lines = await self._run(plan, 7, cause)
            exits = {"next", *self.kind().exits(settings)}
            for line in lines:
                if line.how == "went":
                    assert line.did in exits, f"{line.did} is no exit of {given}"
                assert msgspec.json.encode(_facts(line)), "facts are plain values"
                for name, value in line.facts.items():
                    if isinstance(value, list | np.ndarray):
                        assert len(value) == len(line.places), f"{name}: a value for each of those"
            if not self.kind().rests(settings):
                assert not (people.step == 0).any(), f"it says that nobody rests: {given}"

    @pytest.mark.asyncio
    async def test_a_set_goes_as_each_of_them_alone(self) -> None:
        if self.crowd:
            pytest.skip("people's ways depend on each other")
        for given, _ in self._examples():
            plan = self._plan(given)
            _, together, _ = await self._run(plan, 9, Cause.CAME)
            for place in range(9):
                _, alone, _ = await self._run(plan, 1, Cause.CAME, first=place + 1)
                assert _state(alone, 0) == _state(together, place), f"{given}: person {place + 1}"

    @pytest.mark.asyncio
    async def test_the_same_again_is_the_same(self) -> None:
        for given, _ in self._examples():
            plan = self._plan(given)
            (one, first, _), (two, second, _) = [await self._run(plan, 5, Cause.CAME) for _ in range(2)]
            assert [_state(first, n) for n in range(5)] == [_state(second, n) for n in range(5)], given
            assert one.done == two.done

    @pytest.mark.asyncio
    async def test_nothing_is_asked_of_the_world_person_by_person(self) -> None:
        for given, _ in self._examples():
            plan = self._plan(given)
            few, _, _ = await self._run(plan, 5, Cause.CAME)
            many, _, _ = await self._run(plan, 60, Cause.CAME)
            ways = len(self.kind().exits(plan.steps[0].settings))
            assert many.calls <= few.calls + ways, f"{given}: {few.calls} → {many.calls}"

    @pytest.mark.asyncio
    async def test_it_keeps_nothing_of_people(self) -> None:
        for given, _ in self._examples():
            plan = self._plan(given)
            before = dict(vars(plan.steps[0].kind))
            await self._run(plan, 5, Cause.CAME)
            assert vars(plan.steps[0].kind) == before, "one object serves all journeys of a process"

    @pytest.mark.asyncio
    async def test_who_rests_is_woken_and_goes_on(self) -> None:
        """Nobody rests until an instant that is over, nobody rests for ever at a step that hears nothing, and who wakes again and
        again goes on."""
        for given, settings in self._examples():
            plan, stage = self._plan(given), self.stage()
            people = self._people(plan, 6, Cause.CAME)
            for _ in range(MOST_WAKINGS):
                await self._pass(plan, people, stage)
                resting = np.flatnonzero(people.step == 0)
                if not len(resting):
                    break
                assert (people.wake[resting] > people.at[resting]).all(), f"{given}: it rests until an instant that is over"
                if (people.wake[resting] == NEVER).all():
                    assert self.kind().hears(settings), f"{given}: nothing will ever move them"
                    break
                people.at = np.where(people.step == 0, np.where(people.wake == NEVER, people.at, people.wake), people.at)
                people.cause[:] = Cause.WOKEN
            else:
                raise AssertionError(f"{given}: still resting after {MOST_WAKINGS} wakings")

    @pytest.mark.asyncio
    async def test_what_it_listens_for_is_taken_and_nothing_else_is_needed(self) -> None:
        for _, settings in self._examples():
            for name in self.kind().hears(settings):
                assert name.strip() == name != "", "events are named"
            if self.kind().hears(settings):
                assert self.kind().rests(settings), "only who rests can listen"

    # How it is run

    def _examples(self) -> list[tuple[Mapping[str, Any], Any]]:
        given = self.settings()
        assert given, "give examples of settings"
        return [(one, msgspec.convert(one, self.kind().Settings, strict=False)) for one in given]

    def _step(self, given: Mapping[str, Any]) -> Step:
        settings = msgspec.convert(given, self.kind().Settings, strict=False)
        onward = {exit: f"end_{n}" for n, exit in enumerate(self.kind().exits(settings))}
        return Step(key="it", kind=self.kind().name, settings=dict(given), next=onward)

    def _plan(self, given: Mapping[str, Any]) -> Plan:
        step, kind = self._step(given), self.kind()
        ends = [Step(key=key, kind="end") for key in step.next.values()]
        said = Step(key="earlier", kind="message", settings={"content": {"subject": "s", "text": "t"}, "channel": "email"})
        definition = Definition(start="it", steps=[step, *ends, said])
        return Plan(1, 1, definition, lambda name: kind if name == kind.name else installed()(name))

    def _people(self, plan: Plan, count: int, cause: Cause, first: int = 1) -> People:
        ids = np.arange(first, first + count)
        at = NOW + ids * HOUR  # each has an instant of their own
        hears = list(self.kind().hears(plan.steps[0].settings))
        events = [
            Heard(name=name, kind="track", at=one, received=one, profile=who, properties=self.heard(name))
            for who, one in zip(ids.tolist(), at.tolist(), strict=True)
            for name in hears[:1]
        ]
        came, heard = cause == Cause.CAME, cause == Cause.HEARD and bool(events)
        return People(
            run=ids + 1000, profile=ids, step=np.zeros(count, dtype=np.int64), entered=at - HOUR,
            arrived=at.copy() if came else at - HOUR, at=at, wake=np.full(count, NEVER, dtype=np.int64) if came else at.copy(),
            turn=np.zeros(count, dtype=np.int64), cause=np.full(count, cause, dtype=np.int8),
            heard=np.arange(count) if heard else np.full(count, -1), moved=np.zeros(count, dtype=np.bool_),
            memory=[dict(self.memory) if self.memory else None for _ in ids], events=events, left=[None] * count,
        )  # fmt: skip

    async def _run(self, plan: Plan, count: int, cause: Cause, first: int = 1) -> tuple[Stage, People, list[Line]]:
        stage, people = self.stage(), self._people(plan, count, cause, first)
        return stage, people, await self._pass(plan, people, stage)

    async def _pass(self, plan: Plan, people: People, stage: Stage) -> list[Line]:
        """Everybody who is at the step passes it once."""
        places: Ints = np.flatnonzero(people.step == 0)
        here = Here(plan, 0, people, places, stage)
        await plan.steps[0].kind.run(plan.steps[0].settings, here)
        here.finish()
        return here.lines


def _state(people: People, place: int) -> tuple[Any, ...]:
    """Where somebody is by now."""
    step = int(people.step[place])
    return step, int(people.wake[place]) if step == 0 else None, people.left[place] if step == OUT else None, people.memory[place]


def _facts(line: Line) -> Any:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in line.facts.items()}
