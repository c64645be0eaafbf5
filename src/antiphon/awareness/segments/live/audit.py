"""Now and then everything is worked out whole, to see that following came to the same. It must; where it does not, it is
told, and what was followed is made anew."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from prometheus_client import Gauge
from pyroaring import BitMap

from antiphon.awareness.events import being_corrected
from antiphon.awareness.segments.evaluate import Evaluation, evaluate, known
from antiphon.awareness.segments.live import reading
from antiphon.awareness.segments.live.state import Following, State
from antiphon.foundation.context import Context
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)
EVERY = 900.0
"""Seconds between two."""
_MOST_WAITING = 100_000
_drift = Gauge(
    "antiphon_segment_drift", "People about whom the last audit of live segments disagreed", registry=registry
)


class Drifted(Exception):
    """What was followed is not what is."""


@dataclass(eq=False)
class Audit:
    """One at a time, in the background. Whoever is touched while it runs is left out."""

    due: float = field(default_factory=lambda: time.monotonic() + EVERY)
    touched: BitMap = field(default_factory=BitMap)
    steps: int = 0
    followed: dict[int, Following] = field(default_factory=dict)
    running: asyncio.Task[Evaluation] | None = None

    def note(self, people: BitMap) -> None:
        """These were decided anew."""
        if self.running is not None:
            self.touched |= people

    async def step(self, ctx: Context, state: State) -> None:
        """Begin one when it is due; end it one step after its answer is there. Raises Drifted."""
        if self.running is None:
            if time.monotonic() >= self.due:
                self.touched, self.followed = BitMap(), dict(state.segments)
                self.running = asyncio.create_task(_whole(ctx, state))
            return
        if not self.running.done():
            return
        self.steps += 1
        if self.steps < 2:  # what the answer saw and we did not is followed by now
            return
        running, self.running, self.steps, self.due = self.running, None, 0, time.monotonic() + EVERY
        if (failed := running.exception()) is not None:
            log.warning("live segments were not audited", error=repr(failed))
            return
        found = running.result()
        async with ctx.db.connection() as conn:
            waiting = await reading.dirty(conn, _MOST_WAITING)
            correcting = BitMap(await being_corrected(conn, _MOST_WAITING))
        if max(len(waiting), len(correcting)) >= _MOST_WAITING:
            return
        aside = self.touched | waiting | correcting
        differing = {
            one: (people ^ self.followed[one].members) - aside
            for one, people in found.members.items()
            if state.segments.get(one) is self.followed[one]
        }
        total = sum(map(len, differing.values()))
        _drift.set(total)
        if total:
            worst = max(differing, key=lambda one: len(differing[one]))
            log.error("live segments have drifted", people=total, segment=worst, some=list(differing[worst][:5]))
            raise Drifted


async def _whole(ctx: Context, state: State) -> Evaluation:
    async with ctx.db.connection() as conn:
        about = await known(conn, ctx)
    trees = {one: tree for one in state.segments if (tree := about.segments.get(one)) is not None}
    return await evaluate(ctx, trees, ctx.clock.now(), about, timeout=600.0)
