"""`python -m antiphon.sandbox.population`: the customers live until told to stop. ANTIPHON_WRITE_KEY is their key."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click
import uvloop

from antiphon.foundation.telemetry import configure_logs
from antiphon.sandbox.population.life import Life, World
from antiphon.sandbox.population.reach import Reach


@click.command()
@click.option("--base", required=True, help="Address of Antiphon.")
@click.option("--mail", type=click.Path(path_type=Path), required=True, help="Folder of the sandbox's mail server.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where their progress is kept.")
@click.option("--customers", default=20_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--patience", default=1.0, show_default=True, help="Stretches the time they take to answer.")
@click.option("--deeds-per-second", default=2.0, show_default=True)
@click.option("--bounce-to", required=True, help="HOST:PORT that takes abuse reports.")
@click.option("--lmtp", is_flag=True, help="That server speaks LMTP.")
def main(
    base: str, mail: Path, folder: Path, customers: int, seed: int, patience: float, deeds_per_second: float, bounce_to: str,
    lmtp: bool,
) -> None:  # fmt: skip
    """Simulated customers who read their mail and go on with their lives."""
    configure_logs("warning")
    host, _, port = bounce_to.rpartition(":")
    folder.mkdir(parents=True, exist_ok=True)
    world = World(
        seed=seed, customers=customers, base=base.rstrip("/"), mail=mail, folder=folder, bounce_host=host,
        bounce_port=int(port), lmtp=lmtp, patience=patience, deeds_per_second=deeds_per_second,
    )  # fmt: skip
    uvloop.run(_live(world, os.environ["ANTIPHON_WRITE_KEY"]))


async def _live(world: World, write_key: str) -> None:
    async with Reach(world.base, write_key) as reach:
        living = asyncio.create_task(Life(world, reach).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, living.cancel)
        try:
            await living
        except asyncio.CancelledError:
            pass


if __name__ == "__main__":
    main()
