"""`antiphon demo`: Antiphon on simulated customers and a local mail server, live or to its end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from antiphon.cli.demo_show import Show
from antiphon.cli.installation import (
    check_port,
    installation_parts,
    opened_database,
    prepare_data_folder,
    private_folder,
)
from antiphon.cli.owner import make_owner
from antiphon.cli.readiness import local_address, wait_ready
from antiphon.foundation.config import Settings, load_settings
from antiphon.foundation.context import move_clock
from antiphon.foundation.embedded.parent import follow_parent
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.process import open_context
from antiphon.foundation.supervisor import Part, Supervisor, command as program
from antiphon.foundation.telemetry import configure_logs
from antiphon.sandbox.demo import Notes
from antiphon.sandbox.demo.director import Director, Stage
from antiphon.sandbox.email import Rates

RATES = Rates(bounce=0.02, refuse=0.008, greylist=0.02, delay=0.005)
_LIVE_HOURS = 1 / 30  # live, a message that did not bounce within two minutes counts as delivered


@click.command("demo")
@click.option("--customers", type=click.IntRange(10, 5_000_000), default=20_000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**62), default=1, show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the console; 8710 unless set.")
@click.option("--fresh", is_flag=True, help="Forget the data of earlier runs and start over.")
@click.option("--headless", is_flag=True, help="Run one campaign to its end without a browser, then stop.")
@click.option("--json", "as_json", is_flag=True, help="Print a headless run's result as one JSON object, the last line.")
def command(customers: int, seed: int, port: int | None, fresh: bool, headless: bool, as_json: bool) -> None:
    """Try Antiphon on simulated customers: a telecom operator with top-ups and data plans, and a local mail server.

    Without --headless it runs until Ctrl-C and goes on with the same data the next time. The data is in demo-data, or in
    ANTIPHON_DATA_DIR; a headless run without that uses a folder of its own and removes it.
    """
    if "MAKELEVEL" in os.environ:
        follow_parent(signal.SIGTERM)  # make may be killed without a word
    configure_logs("warning")
    with ExitStack() as stack:
        settings = load_settings()
        named = bool(os.environ.get("ANTIPHON_DATA_DIR")) or settings.data_dir != Settings().data_dir
        folder = settings.data_path if named else Path("demo-data").absolute()
        if headless and not named:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-demo-")))
        chosen = port or (free_port() if headless else settings.port)
        settings = msgspec.structs.replace(
            settings, data_dir=str(folder), port=chosen, bounce_port=free_port(), log_format="json", sandbox=True,
            delivered_after_hours=settings.delivered_after_hours if headless else _LIVE_HOURS,
        )  # fmt: skip
        if not settings.public_url:
            settings = msgspec.structs.replace(settings, public_url=local_address(settings))
        check_port(settings.host, settings.port)
        if fresh:
            start_over(folder)
        prepare_data_folder(settings)
        notes = Notes.read(folder) or Notes(seed=seed, customers=customers)
        notes.write(folder)
        Demo(settings, notes, headless, Show(headless, as_json)).run()


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_over(folder: Path) -> None:
    """Remove what earlier demos left; a folder that is not a demo's is left alone."""
    if (folder / "demo.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        raise NotADemo(folder=folder)


def innermost(failed: BaseException) -> BaseException:
    """The first failure inside groups of them: that one has a sentence to say."""
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed


class NotADemo(AntiphonError):
    """The folder {folder} holds something other than a demo; --fresh does not remove it."""


class Demo:
    """The processes of a demo, and the director who plays the marketer beside them."""

    def __init__(self, settings: Settings, notes: Notes, headless: bool, show: Show) -> None:
        self._settings = settings
        self._notes = notes
        self._headless = headless
        self._show = show
        self._failed: BaseException | None = None

    def run(self) -> None:
        """Until Ctrl-C, or headless until the job is done. Raises what made it fail."""
        settings, folder = self._settings, self._settings.data_path
        with self._show.step("Starting the database"), ExitStack() as early:
            database_url, alive = early.enter_context(opened_database(settings))
            asyncio.run(make_owner(settings, database_url, self._notes.email, self._notes.password, "Demo owner"))
            stack = early.pop_all()
        with stack:
            sockets = stack.enter_context(private_folder())
            log = folder / "demo.log"
            parts = [*installation_parts(settings, database_url, sockets / "lake", log)]
            mail_port = free_port()
            parts.append(self._mail_server(mail_port, log))
            supervisor = Supervisor(parts, alive)
            stage = Stage(
                base=settings.base_url, mail=folder / "mail", people=folder / "people", mail_port=mail_port,
                bounce_port=settings.bounce_port, hours=settings.delivered_after_hours, headless=self._headless,
            )  # fmt: skip
            director = threading.Thread(
                target=self._direct, args=(supervisor, stage, database_url, log), name="director", daemon=True
            )
            director.start()
            supervisor.run()
            director.join(5)
        if self._failed is not None:
            raise self._failed

    def _direct(self, supervisor: Supervisor, stage: Stage, database_url: str, log: Path) -> None:
        try:
            with self._show.step("Starting Antiphon"):
                wait_ready(self._settings, lambda: supervisor.stopping)
            if not supervisor.stopping:
                asyncio.run(self._play(supervisor, stage, database_url, log))
        except BaseException as failed:
            if not supervisor.stopping:
                self._failed = innermost(failed)
        finally:
            supervisor.stop()

    async def _play(self, supervisor: Supervisor, stage: Stage, database_url: str, log: Path) -> None:
        async def advance(by: timedelta) -> None:
            async with open_context(self._settings, "cli", (), database_url=database_url, lake_socket="", pool=1) as ctx:
                await move_clock(ctx, by)
            await asyncio.sleep(1.2)  # every process has seen it then

        def people(write_key: str) -> None:
            supervisor.add(self._population(stage, write_key, log))

        director = Director(stage, self._notes, self._settings.data_path, self._show, advance, people)
        playing = asyncio.create_task(director.play())
        while not playing.done():
            if supervisor.stopping:
                playing.cancel()
            await asyncio.wait({playing}, timeout=0.2)
        try:
            await playing
        except asyncio.CancelledError:
            pass

    def _mail_server(self, port: int, log: Path) -> Part:
        args = [
            sys.executable, "-m", "antiphon.sandbox.email", "--folder", str(self._settings.data_path / "mail"),
            "--port", str(port), "--seed", str(self._notes.seed), "--rates", msgspec.json.encode(RATES).decode(),
            "--bounce-to", f"{self._settings.bounce_host}:{self._settings.bounce_port}",
            "--bounce-after", "0" if self._headless else "3",
        ]  # fmt: skip
        return Part("mail-server", program(args, os.environ, log), grace=5, stage=1)

    def _population(self, stage: Stage, write_key: str, log: Path) -> Part:
        args = [
            sys.executable, "-m", "antiphon.sandbox.population", "--base", stage.base, "--mail", str(stage.mail),
            "--folder", str(stage.people), "--customers", str(self._notes.customers), "--seed", str(self._notes.seed),
            "--patience", "0" if self._headless else "5", "--deeds-per-second", "0" if self._headless else "4",
            "--bounce-to", f"{self._settings.bounce_host}:{self._settings.bounce_port}",
        ]  # fmt: skip
        return Part("population", program(args, os.environ | {"ANTIPHON_WRITE_KEY": write_key}, log), grace=3, stage=3)
