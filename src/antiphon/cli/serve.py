"""`antiphon serve`: everything an installation needs, on this machine, until told to stop."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

import click
import msgspec

from antiphon.cli.installation import (
    check_ports,
    installation_parts,
    opened_database,
    prepare_data_folder,
    private_folder,
)
from antiphon.cli.readiness import wait_ready
from antiphon.foundation.access import has_people
from antiphon.foundation.config import Settings, load_settings
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Database, PostgresError, migrate
from antiphon.foundation.supervisor import FoundationLost, Supervisor
from antiphon.foundation.telemetry import configure_logs, get_logger

log = get_logger(__name__)
_RESTARTS = 5  # of the embedded database, before we give up
_WITHIN = 600.0  # seconds


@click.command("serve")
@click.option("--api", "api_processes", type=click.IntRange(1, 256), help="Processes that answer HTTP.")
@click.option("--workers", "worker_processes", type=click.IntRange(1, 256), help="Processes that do background work.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
def command(api_processes: int | None, worker_processes: int | None, port: int | None) -> None:
    """Run Antiphon: database (unless ANTIPHON_DATABASE_URL is set), lake, workers and api. Ctrl-C stops it in order."""
    settings = load_settings()
    changed = {"api_processes": api_processes, "worker_processes": worker_processes, "port": port}
    settings = msgspec.structs.replace(settings, **{name: value for name, value in changed.items() if value is not None})
    configure_logs(settings.log_level, settings.log_format)
    serve(settings)


def serve(settings: Settings) -> None:
    """Serve until a signal; start again from the database up when that one dies by itself."""
    check_ports(settings)
    prepare_data_folder(settings)
    lost: list[float] = []
    while True:
        try:
            _serve_once(settings)
            return
        except FoundationLost:
            now = time.monotonic()
            lost = [at for at in lost if now - at < _WITHIN] + [now]
            if len(lost) > _RESTARTS:
                raise
            log.error("the embedded database ended by itself; starting again", times=len(lost))
            time.sleep(1)


def _serve_once(settings: Settings) -> None:
    with opened_database(settings, "pre") as (database_url, alive), private_folder() as folder:
        supervisor = Supervisor(installation_parts(settings, database_url, folder / "lake"), alive)
        threading.Thread(target=_announce, args=(settings, database_url, supervisor), daemon=True).start()
        supervisor.run()


def _announce(settings: Settings, database_url: str, supervisor: Supervisor) -> None:
    """Say when it is ready; what only the code before this one needed may then go."""
    if not wait_ready(settings, lambda: supervisor.stopping):
        return
    click.echo(f"Antiphon is ready at {settings.base_url}", err=True)
    try:
        asyncio.run(migrate(database_url, phase="post"))
    except AntiphonError as failed:  # nothing that runs needs it; the next start, or `antiphon migrate`, tries again
        log.error("migrations after the start did not run", error=str(failed))
    with suppress(AntiphonError, PostgresError):  # a hint only
        if asyncio.run(_nobody_yet(database_url)):
            click.echo('Nobody can sign in yet. In a second terminal: antiphon owner you@example.com --name "You"', err=True)


async def _nobody_yet(database_url: str) -> bool:
    db = await Database.open(database_url, name="serve", max_size=1)
    try:
        async with db.connection() as conn:
            return not await has_people(conn)
    finally:
        await db.close()
