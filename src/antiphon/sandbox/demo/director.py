"""The marketer of the demo: sets the stage once, then runs campaigns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from antiphon.sandbox.demo import opening, turn
from antiphon.sandbox.demo.api import Api
from antiphon.sandbox.demo.notes import Notes
from antiphon.sandbox.demo.tally import Tally
from antiphon.sandbox.email import count_received
from antiphon.sandbox.population.life import World, arrive
from antiphon.sandbox.population.reach import Reach

_BETWEEN = 600.0  # seconds between two campaigns of a live demo
_PATIENCE = 900.0  # seconds any one thing may take; more for more customers
_HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where everything is: Antiphon, the folders of mail server and population, their ports; and how delivered is meant."""

    base: str
    mail: Path
    people: Path
    mail_port: int
    bounce_port: int
    hours: float
    headless: bool


class Audience(Protocol):
    """Who watches: a terminal, or nobody."""

    def step(self, title: str) -> AbstractContextManager[Callable[[str], None]]: ...
    def open(self, base: str, email: str, password: str) -> None: ...
    def watch(self, report: dict[str, Any]) -> None: ...
    def result(self, tally: Tally) -> None: ...


class Director:
    """Plays the marketer by the public API; `people` starts the population once its write key is known."""

    def __init__(
        self, stage: Stage, notes: Notes, folder: Path, show: Audience, advance: turn.Advance, people: Callable[[str], None]
    ) -> None:
        self._stage = stage
        self._notes = notes
        self._folder = folder
        self._show = show
        self._advance = advance if stage.headless else None
        self._people = people

    async def play(self) -> None:
        """One campaign headless; live, one after another until cancelled."""
        began = time.monotonic()
        notes = self._notes
        async with Api(self._stage.base) as api:
            await api.sign_in(notes.email, notes.password)
            if not notes.write_key:
                notes.write_key = await opening.write_key(api)
                notes.write(self._folder)
            if not self._stage.headless:
                self._show.open(self._stage.base, notes.email, notes.password)
            account = await opening.sender(api, _HOST, self._stage.mail_port)
            if not notes.arrived:
                await self._arrive(api)
            self._people(notes.write_key)
            while True:
                await self._turn(api, account)
                if self._stage.headless:
                    await self._finish(api, began)
                    return
                notes.campaign, notes.turns = 0, notes.turns + 1
                notes.write(self._folder)
                await asyncio.sleep(_BETWEEN)

    async def _arrive(self, api: Api) -> None:
        notes, stage = self._notes, self._stage
        world = World(
            seed=notes.seed, customers=notes.customers, base=stage.base, mail=stage.mail, folder=stage.people,
            bounce_host=_HOST, bounce_port=stage.bounce_port,
        )  # fmt: skip
        with self._show.step(f"{notes.customers:,} customers arrive with ninety days of history"):
            async with Reach(stage.base, notes.write_key) as reach:
                await arrive(world, reach)
            await opening.intake_done(api)
        with self._show.step("Their consents are recorded") as say:
            say(f"{await opening.consents(api, notes):,} said yes to offers")
        notes.arrived = True
        notes.write(self._folder)

    async def _turn(self, api: Api, account: int) -> None:
        notes = self._notes
        if not notes.campaign:
            with self._show.step("Finding those who ran out of data") as say:
                segment = await opening.segment(api)
                say(f"{await opening.segment_size(api, segment):,} customers")
            notes.log_start = count_received(self._stage.mail)
            notes.campaign = await turn.start(api, notes, segment_id=segment, account_id=account)
            notes.write(self._folder)
        with self._show.step("Writing to them"):
            await turn.send_all(api, notes.campaign, self._show.watch, self._advance, _PATIENCE)
        with self._show.step("They open, click, buy, leave and complain"):
            await turn.answers_in(self._stage.mail, self._stage.people, _PATIENCE)

    async def _finish(self, api: Api, began: float) -> None:
        notes, stage = self._notes, self._stage
        assert self._advance is not None
        with self._show.step(f"{stage.hours:g} hours later"):
            await turn.settle(api, notes.campaign, self._advance, stage.hours, _PATIENCE)
        found = await turn.report(api, notes.campaign)
        tally = turn.tally(found, notes, stage.mail, stage.hours, time.monotonic() - began)
        notes.campaign, notes.turns = 0, notes.turns + 1
        notes.write(self._folder)
        self._show.result(tally)
        tally.check()
