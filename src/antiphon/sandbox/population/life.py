"""The customers' life: they read their mail and do what their tastes say, and go on topping up."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from antiphon.foundation.telemetry import get_logger
from antiphon.sandbox.email import Received, read_received
from antiphon.sandbox.population.letter import Letter, read_letter
from antiphon.sandbox.population.model import HISTORY, Customer, Deed, customer, daily_deeds, history, plan_change
from antiphon.sandbox.population.names import PLANS
from antiphon.sandbox.population.reach import Reach, ServerSilent, complain, identify, moments_ago, track
from antiphon.sandbox.population.tastes import Reaction, reactions

log = get_logger(__name__)
_NUMBER = re.compile(r"^c(\d{7})@")
_AT_ONCE = 16  # customers acting at the same moment
_UNREAD = 5000  # mails taken out of the mailbox and not yet answered, at most
_ARRIVING = 500  # customers whose calls are sent together


@dataclass(frozen=True, kw_only=True)
class World:
    """What the population is given: its seed and size, where its mail arrives, and how fast its time runs."""

    seed: int
    customers: int
    base: str
    mail: Path
    folder: Path
    bounce_host: str
    bounce_port: int
    lmtp: bool = False
    patience: float = 1.0
    """Stretches the time customers take; 0 makes them answer at once."""
    deeds_per_second: float = 2.0


class Progress(msgspec.Struct, frozen=True):
    """How far the mail was read (a position in the log) and acted on, and how many everyday deeds were done."""

    position: int = 0
    mails: int = 0
    deeds: int = 0


def read_progress(folder: Path) -> Progress:
    """What the population wrote last; a new one has done nothing."""
    try:
        return msgspec.json.decode((folder / "people.json").read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError):
        return Progress()


async def arrive(world: World, reach: Reach, first: int = 1) -> None:
    """Bring the customers with their ninety days of history; doing it again adds nothing."""
    for start in range(first, world.customers + 1, _ARRIVING):
        calls = []
        for number in range(start, min(start + _ARRIVING, world.customers + 1)):
            who = customer(world.seed, number)
            calls.append(identify(who, f"{world.seed}"))
            for turn, deed in enumerate(moments_ago(history(world.seed, who), HISTORY)):
                calls.append(track(who, deed, f"{world.seed}:{number}:{turn}"))
        await reach.tell(calls)


class Life:
    """Follows the mail log; each mail's reactions are done in their order and time, many customers at once."""

    def __init__(self, world: World, reach: Reach) -> None:
        self._world = world
        self._reach = reach
        self._began = read_progress(world.folder)
        self._read = self._done = self._began.position
        self._mails = self._began.mails
        self._deeds = self._began.deeds
        self._open: list[int] = []  # positions of mails with reactions still to come
        self._closed: set[int] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_mail())
            if self._world.deeds_per_second > 0:
                group.create_task(self._live())
            group.create_task(self._note())

    async def _follow_mail(self) -> None:
        while True:
            fresh = await asyncio.to_thread(
                lambda: list(itertools.islice(read_received(self._world.mail, self._read), 500))
            )
            for position, mail, content in fresh:
                self._read = position
                self._mails += 1
                heapq.heappush(self._open, position)
                task = asyncio.create_task(self._receive(position, mail, content))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await asyncio.sleep(0 if fresh else 0.1)
            if len(self._running) > _UNREAD:
                await asyncio.wait(set(self._running), return_when=asyncio.FIRST_COMPLETED)

    async def _receive(self, position: int, mail: Received, content: bytes) -> None:
        try:
            number = _NUMBER.match(mail.recipients[0])
            if mail.fault != "bounce" and number:
                await self._react(customer(self._world.seed, int(number[1])), mail, content)
        except ServerSilent as silent:
            log.warning("a customer gave up", error=str(silent))
        except Exception:
            log.exception("a customer failed", mail=mail.n)
        finally:
            self._closed.add(position)
            while self._open and self._open[0] in self._closed:
                self._done = heapq.heappop(self._open)
                self._closed.discard(self._done)

    async def _react(self, who: Customer, mail: Received, content: bytes) -> None:
        letter = read_letter(content, self._world.base)
        passed = 0.0
        for reaction in reactions(self._world.seed, who, letter.subject, self._world.patience):
            await asyncio.sleep(reaction.after - passed)
            passed = reaction.after
            async with self._slots:
                await self._do(who, reaction, letter, mail, content)

    async def _do(self, who: Customer, reaction: Reaction, letter: Letter, mail: Received, content: bytes) -> None:
        match reaction.kind:
            case "open":
                for image in letter.images:
                    await self._reach.fetch(image)
            case "click":
                if letter.links:
                    await self._reach.fetch(letter.links[int(reaction.pick * len(letter.links))])
            case "buy":
                await self._reach.tell([track(who, deed, f"{mail.n}:{letter.message_id}:{index}") for index, deed in
                                        enumerate(_purchase(who, reaction.pick))])  # fmt: skip
            case "unsubscribe":
                if letter.one_click:
                    await self._reach.leave_by_one_click(letter.one_click)
            case "unsubscribe_page":
                if letter.unsubscribe_page:
                    await self._reach.leave_by_page(letter.unsubscribe_page)
            case "complain":
                world = self._world
                await asyncio.to_thread(complain, world.bounce_host, world.bounce_port, mail, content, lmtp=world.lmtp)

    async def _live(self) -> None:
        """Everyday deeds at a steady pace."""
        for who, deed in daily_deeds(self._world.seed, self._world.customers, self._deeds):
            await asyncio.sleep(1 / self._world.deeds_per_second)
            try:
                await self._reach.tell([track(who, deed, f"{self._world.seed}:life:{self._deeds}")])
            except ServerSilent:
                continue
            self._deeds += 1

    async def _note(self) -> None:
        while True:
            temporary = self._world.folder / "people.new"
            mails = self._mails - len(self._open)
            temporary.write_bytes(msgspec.json.encode(Progress(self._done, mails, self._deeds)))
            temporary.replace(self._world.folder / "people.json")
            await asyncio.sleep(0.25)


def _purchase(who: Customer, pick: float) -> list[Deed]:
    larger = [plan for plan in PLANS if plan.gigabytes > who.plan.gigabytes]
    if larger and pick < 0.4:
        return [Deed(name="Plan Changed", ago=timedelta(), properties=plan_change(who.plan, larger[0]))]
    amount = (10, 15, 20)[int(pick * 3)]
    return [Deed(name="Top Up", ago=timedelta(), properties={"amount": amount, "currency": "EUR", "channel": "mail"})]
