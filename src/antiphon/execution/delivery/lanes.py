"""Room on the way out: each account has a lane of its own, so that one that hangs holds up nobody else's messages.

All lanes of a process together never have more than `SPEAKING` rows between the mark and the record: the most one crash can
leave unknown. A lane alone takes nearly all of that; several share it; what a hanging lane holds is lost to it until its
other side's time is up, and the others then share half of what is left, so that there is always some for the next.

Each batch is marked and recorded by a statement each, which cost as much for twenty rows as for ten. So a lane whose other
side answers at once says all it may in one batch, writing the next meanwhile; a slower one overlaps two halves.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from antiphon.execution.channels import Account, Wire
from antiphon.execution.delivery.country import domain_of
from antiphon.execution.delivery.model import Dispatch
from antiphon.execution.delivery.store import Claimed, Record

SPEAKING = 50  # rows of a process that may be on the way at once
BATCH = 22  # rows spoken together by an account that takes its time: two of its batches overlap
ALONE = 2 * BATCH  # rows of one account when no other has anything to say
AHEAD = 2 * ALONE  # rows looked at again together
FAR = 6 * ALONE  # the same for an account that answers at once: they are said well within a second
FEW = 4  # rows any account may have on the way, however many share
BRISK = 0.2  # seconds that the other side of an account that answers at once has with a batch
SLOW = 3.0  # seconds after which what is on the way hangs


@dataclass
class Batch:
    """Rows of one dispatch through one account that were looked at again: those to be said, with the wires of those that are
    written, what became of the others, and which go back unsaid."""

    dispatch: Dispatch
    account: Account
    rows: Sequence[Claimed]
    wires: dict[int, Wire] = field(default_factory=dict)
    ended: Sequence[Record] = ()
    returned: Sequence[Claimed] = ()
    most: int = ALONE
    looked_at: float = 0.0
    took: float | None = None  # seconds the other side had with it, when it was said

    @property
    def size(self) -> int:
        """How many rows are in hand with it."""
        return len(self.rows) + len(self.ended) + len(self.returned)

    @property
    def every(self) -> list[Claimed]:
        """All rows in hand with it."""
        return [*self.rows, *(record.row for record in self.ended), *self.returned]

    def part(self, count: int) -> tuple[Batch, Batch | None]:
        """The first rows, with what is no longer to be said, and the rest if there is any."""
        if count >= len(self.rows):
            return self, None
        first = replace(self, rows=self.rows[:count])
        return first, replace(self, rows=self.rows[count:], ended=(), returned=())


Look = Callable[[Dispatch, Account, Sequence[Claimed]], Awaitable[Batch]]
Write = Callable[[Batch, int], Awaitable[Batch]]
Speak = Callable[[Batch], Coroutine[Any, Any, None]]


@dataclass
class Lane:
    """One account's way out."""

    waiting: deque[tuple[Dispatch, Account, list[Claimed]]] = field(default_factory=deque)
    ready: Batch | None = None
    runner: asyncio.Task[None] | None = None
    air: dict[asyncio.Task[None], tuple[int, float]] = field(default_factory=dict)
    wants: bool = False
    brisk: bool = False  # its other side answered the last batch at once
    counts: bool = False  # rows to each domain are counted: its terms limit them

    @property
    def rows(self) -> int:
        """Rows that have not set out."""
        return sum(len(rows) for _, _, rows in self.waiting) + (self.ready.size if self.ready else 0)

    @property
    def flying(self) -> int:
        """Rows on the way."""
        return sum(count for count, _ in self.air.values())


class Lanes:
    """All lanes of a process during one tick."""

    def __init__(
        self, look: Look, write: Write, speak: Speak, *, usable: Callable[[int], bool], counts: Callable[[int], bool]
    ) -> None:
        self._look = look
        self._write = write
        self._speak = speak
        self._usable = usable
        self._counts = counts
        self._lanes: dict[int, Lane] = {}
        self._changed = asyncio.Event()
        self._domains: Counter[tuple[int, str]] = Counter()
        self.came_back: Counter[int] = Counter()
        """Rows that were on the way and came back, by account."""
        self.failure: BaseException | None = None

    def put(self, account: Account, dispatch: Dispatch, rows: list[Claimed]) -> None:
        """More to say through an account."""
        lane = self._lanes.get(account.id)
        if lane is None:
            lane = self._lanes[account.id] = Lane(counts=self._counts(account.id))
        urgent = dispatch.rules.priority
        place = next((n for n, (other, _, _) in enumerate(lane.waiting) if other.rules.priority > urgent), len(lane.waiting))
        lane.waiting.insert(place, (dispatch, account, rows))
        if lane.counts:
            self._domains.update((account.id, domain_of(row.address)) for row in rows)
        if lane.runner is None or lane.runner.done():
            lane.runner = asyncio.create_task(self._run(account.id, lane))
            lane.runner.add_done_callback(self._ran)

    def rows(self, account_id: int) -> int:
        """Rows of an account that have not set out."""
        lane = self._lanes.get(account_id)
        return lane.rows if lane else 0

    def in_hand(self, account_id: int) -> int:
        """Rows of an account in hand."""
        lane = self._lanes.get(account_id)
        return lane.rows + lane.flying if lane else 0

    def to_domain(self, account_id: int, domain: str) -> int:
        """Rows in hand of an account to a domain."""
        return self._domains[account_id, domain]

    @property
    def busy(self) -> bool:
        """Whether anything is in hand."""
        return any(lane.air or lane.rows or (lane.runner and not lane.runner.done()) for lane in self._lanes.values())

    @property
    def hungry(self) -> bool:
        """Whether some lane will soon have nothing to say."""
        return not self._lanes or any(lane.rows < (FAR if lane.brisk else BATCH) for lane in self._lanes.values())

    def hangs(self, account_id: int) -> bool:
        """Whether what an account has on the way hangs."""
        lane, now = self._lanes.get(account_id), asyncio.get_running_loop().time()
        return lane is not None and any(now - since > SLOW for _, since in lane.air.values())

    @property
    def hanging(self) -> bool:
        """Whether any account hangs."""
        return any(self.hangs(account_id) for account_id in self._lanes)

    async def progress(self, timeout: float) -> None:
        """Wait until something set out or came back, but not for long."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            pass

    def stuck(self, account_id: int) -> bool:
        """Whether an account hangs, or was found to be of no use."""
        return self.hangs(account_id) or not self._usable(account_id)

    async def take_back(self, *, stuck_only: bool) -> list[Claimed]:
        """Rows that have not set out, to go back to the queue."""
        found: list[Claimed] = []
        for account_id, lane in self._lanes.items():
            if stuck_only and not (lane.rows and self.stuck(account_id)):
                continue
            if lane.runner is not None and not lane.runner.done():
                lane.runner.cancel()
                await asyncio.wait([lane.runner])
            rows = [row for _, _, rows in lane.waiting for row in rows] + (lane.ready.every if lane.ready else [])
            lane.waiting.clear()
            lane.ready = None
            if lane.counts:
                self._domains.subtract((account_id, domain_of(row.address)) for row in rows)
            found += rows
        return found

    async def land(self) -> None:
        """Let everything on the way come back; what has not set out stays behind. Raises what failed."""
        await self.take_back(stuck_only=False)
        flying = [task for lane in self._lanes.values() for task in lane.air]
        if flying:
            await asyncio.wait(flying)
        if self.failure is not None:
            raise self.failure

    async def _run(self, account_id: int, lane: Lane) -> None:
        """Look at some rows again, write batch after batch of them, and let each set out as soon as there is room."""
        while not self._failed() and self._usable(account_id) and (lane.ready is not None or lane.waiting):
            if lane.ready is None:
                group = lane.waiting[0]
                dispatch, account, rows = group
                some = rows[: FAR if lane.brisk else AHEAD]
                lane.ready = await self._look(dispatch, account, some)
                del rows[: len(some)]
                if not rows:
                    lane.waiting.remove(group)  # a more urgent one may stand before it by now
            lane.ready = await self._write(lane.ready, lane.ready.most)
            count = await self._room(account_id, lane, min(lane.ready.most, len(lane.ready.rows)))
            if self._failed() or not self._usable(account_id):
                return
            batch, lane.ready = lane.ready.part(count)
            task = asyncio.create_task(self._speak(batch))
            lane.air[task] = (len(batch.rows), asyncio.get_running_loop().time())
            task.add_done_callback(partial(self._back, account_id, lane, batch))
            self._changed.set()

    def _failed(self) -> bool:
        return self.failure is not None

    async def _room(self, account_id: int, lane: Lane, wanted: int) -> int:
        """Wait until it is worth setting out: with half of what the lane may have on the way, so that two batches overlap
        and neither breaks into crumbs; with all of it where the other side answers at once."""
        lane.wants = True
        try:
            while True:
                most, left = self._most(account_id), SPEAKING - sum(one.flying for one in self._lanes.values())
                free = min(left, most - lane.flying)
                handful = min(wanted, most if lane.brisk else max(1, most // 2))
                if free >= (1 if self.hanging else handful):
                    return min(free, handful)
                await self._moved(lane)
        finally:
            lane.wants = False

    async def _moved(self, lane: Lane) -> None:
        """Until something came back, or what is on the way may be found hanging."""
        flying = [task for other in self._lanes.values() for task in other.air]
        await asyncio.wait(flying, timeout=SLOW / 2, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)  # its callback has run then

    def _most(self, account_id: int) -> int:
        """How many rows of an account may be on the way now."""
        if self.hanging:
            held = sum(lane.flying for one, lane in self._lanes.items() if self.hangs(one))
            return max(1, (SPEAKING - held) // 2)
        active = sum(1 for one, lane in self._lanes.items() if lane.air or lane.wants or one == account_id)
        return ALONE if active <= 1 else max(FEW, SPEAKING // active)

    def _back(self, account_id: int, lane: Lane, batch: Batch, task: asyncio.Task[None]) -> None:
        del lane.air[task]
        if batch.took is not None:
            lane.brisk = batch.took < BRISK
        self.came_back[account_id] += len(batch.rows)
        if lane.counts:
            self._domains.subtract((account_id, domain_of(row.address)) for row in batch.every)
        self._ran(task)

    def _ran(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None and self.failure is None:
            self.failure = failure
        self._changed.set()

