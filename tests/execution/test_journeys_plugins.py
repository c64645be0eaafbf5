"""A package of somebody else's brings a kind of step: installed by its entry point, tried by the suite, and run live."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest
from tests.execution.journeys_cast import step
from tests.execution.journeys_stage import Scene, scene

from antiphon.execution.journeys.contract import StepKind
from antiphon.execution.journeys.kinds import registry
from antiphon.execution.journeys.suite import Stage, StepContract
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context

DICE = '''
    """Dice: a step that throws one for everybody, remembers what it showed, and sends the lucky another way."""

    from typing import Annotated, ClassVar

    import numpy as np
    from msgspec import Meta

    from antiphon.execution.journeys.kinds import Plain, Settings


    class Dice(Plain):
        """A die is thrown: who throws at least so much is lucky."""

        name: ClassVar[str] = "antiphon_dice"
        group: ClassVar[str] = "branch"

        class Settings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
            """``at_least``: what is luck."""

            at_least: Annotated[int, Meta(ge=1, le=6)] = 6

        def exits(self, settings):
            return ("lucky", "unlucky")

        async def run(self, settings, here):
            thrown = (here.world.fractions(f"dice/{here.step.key}", here.profile) * 6).astype(np.int64) + 1
            for place, number in enumerate(thrown.tolist()):
                here.remember(place, thrown=number)
            lucky = thrown >= settings.at_least
            await here.world.set_traits(here, np.flatnonzero(lucky), {"lucky": [True] * int(lucky.sum())})
            here.go("lucky", where=lucky, thrown=thrown[lucky])
            here.go("unlucky", where=~lucky, thrown=thrown[~lucky])
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as pip would leave it: a module, and its distribution's entry points."""
    (tmp_path / "antiphon_dice.py").write_text(dedent(DICE))
    info = tmp_path / "antiphon_dice-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: antiphon-dice\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[antiphon.steps]\nantiphon_dice = antiphon_dice:Dice\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()
    sys.modules.pop("antiphon_dice", None)


@pytest.mark.usefixtures("package")
class TestDice(StepContract):
    wrong = ()

    def kind(self) -> StepKind:
        return registry.installed()("antiphon_dice")

    def settings(self) -> Sequence[Mapping[str, Any]]:
        return [{}, {"at_least": 3}]


@pytest.fixture
async def on(package: None, ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


async def test_it_runs_in_a_live_journey(on: Scene) -> None:
    plan = await on.journey(step("throw", "antiphon_dice", {"lucky": "rest", "unlucky": "no"}, at_least=4), step("rest", "wait", seconds=60),
                            step("no", "end", reason="unlucky"))  # fmt: skip
    await on.enter(plan, 1, 2, 3, 4, 5, 6)
    rows = await on.rows("select profile_id, memory from journey_run order by 1")
    lucky = {row["profile_id"]: row["memory"]["thrown"] for row in rows}
    assert set(lucky.values()) <= {4, 5, 6}
    assert set(lucky) | set(await on.over()) == {1, 2, 3, 4, 5, 6}
    assert {person for person, value in (await on.trait("lucky")).items() if value} == set(lucky)
    assert (await on.told(min(lucky)))[0]["w"] == {"thrown": lucky[min(lucky)]}


async def test_a_journey_of_a_package_that_is_gone_waits_for_it(on: Scene) -> None:
    plan = await on.journey(step("rest", "wait", {"next": "throw"}, seconds=60), step("throw", "antiphon_dice"))
    await on.enter(plan, 1)
    from antiphon.execution.journeys.running import Plans

    on.ctx.put(Plans, _without(Plans(), "antiphon_dice"))
    await on.go(minutes=2)
    assert await on.where() == {1: 0}
    assert await on.rows("select state, held_reason from journey") == [{"state": "paused", "held_reason": "step-kind-unknown"}]
    on.ctx.put(Plans, Plans())
    await on.do("update journey set state = 'live', held_reason = null")  # it is installed again, and somebody resumes it
    await on.go()
    assert await on.over() == {1: "finished"}


def _without(plans: Any, name: str) -> Any:
    """The plans of a process in which a package is not installed."""
    plans.kind_of = registry.Kinds({kind.name: kind for kind in registry.installed() if kind.name != name})
    return plans


class _Bad(StepContract):
    """The suite tells of each promise a kind breaks."""

    registered = False

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def kind(self) -> StepKind:
        found: StepKind = self._kind
        return found

    def settings(self) -> Sequence[Mapping[str, Any]]:
        return [{}]

    def stage(self) -> Stage:
        return Stage()


def _broken(**members: Any) -> Any:
    from antiphon.execution.journeys.kinds import Plain, Settings

    base = {"name": "broken", "group": "flow", "__doc__": "Broken.", "Settings": Settings}
    return type("Broken", (Plain,), base | members)()


async def _one_by_one(self: Any, settings: Any, here: Any) -> None:
    for place in range(len(here)):
        await here.world.traits(here.profile[place : place + 1], here.at[place : place + 1], ["a"])
    here.go()


async def _rests_in_the_past(self: Any, settings: Any, here: Any) -> None:
    here.rest(here.at)


async def _keeps(self: Any, settings: Any, here: Any) -> None:
    self.kept = here.profile.tolist()
    here.go()


async def _nowhere(self: Any, settings: Any, here: Any) -> None:
    here.go("elsewhere")


async def _by_place(self: Any, settings: Any, here: Any) -> None:
    import numpy as np

    here.go("next", where=np.arange(len(here)) % 2 == 0)
    here.leave("odd")


@pytest.mark.parametrize(("run", "test", "says"), [
    (_one_by_one, "test_nothing_is_asked_of_the_world_person_by_person", "5"),
    (_rests_in_the_past, "test_who_rests_is_woken_and_goes_on", "rests until an instant that is over"),
    (_rests_in_the_past, "test_it_decides_of_everybody_by_its_own_exits", "nobody rests"),
    (_keeps, "test_it_keeps_nothing_of_people", "one object serves"),
    (_nowhere, "test_it_decides_of_everybody_by_its_own_exits", "is no exit"),
    (_by_place, "test_a_set_goes_as_each_of_them_alone", "person 2"),
])  # fmt: skip
async def test_the_suite_catches(run: Any, test: str, says: str) -> None:
    from antiphon.execution.journeys.contract import Cause

    asked = getattr(_Bad(_broken(run=run)), test)
    with pytest.raises(AssertionError, match=says):
        await (asked(Cause.CAME) if "decides" in test else asked())


def test_the_suite_wants_settings_that_refuse_what_is_misspelt() -> None:
    class Loose(msgspec.Struct, frozen=True):
        """Anything goes."""

    with pytest.raises(AssertionError, match="forbid unknown fields"):
        _Bad(_broken(Settings=Loose)).test_it_has_a_name_a_group_and_settings()
