"""`python -m antiphon.sandbox.email --folder DIR [--port N] [--rates JSON] [--bounce-to HOST:PORT]`"""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from datetime import timedelta
from pathlib import Path

import click
import msgspec
import uvloop

from antiphon.foundation.supervisor import HOPELESS
from antiphon.foundation.telemetry import configure_logs
from antiphon.sandbox.email.bounces import Bouncer
from antiphon.sandbox.email.faults import Rates
from antiphon.sandbox.email.log import MailLog
from antiphon.sandbox.email.server import Mailboxes, start_mail_server


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the log and the messages are kept.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, help="Port to listen on; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True)
@click.option("--rates", default="{}", help='Shares of addresses in trouble, as JSON: {"bounce": 0.02}.')
@click.option("--bounce-to", default="", help="HOST:PORT of the server that takes bounces; without it none are sent.")
@click.option("--lmtp", is_flag=True, help="That server speaks LMTP.")
@click.option("--bounce-after", default=0.0, help="Seconds until a bounce is sent back.")
def main(
    folder: Path, host: str, port: int, seed: int, rates: str, bounce_to: str, lmtp: bool, bounce_after: float
) -> None:
    """A real SMTP server for trials: accepts mail for anybody, with troubles at chosen rates."""
    configure_logs("warning")
    try:
        chosen = msgspec.json.decode(rates, type=Rates)
    except msgspec.MsgspecError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--rates") from wrong
    bouncer = None
    if bounce_to:
        name, _, number = bounce_to.rpartition(":")
        bouncer = Bouncer(folder, name, int(number), lmtp=lmtp, delay=timedelta(seconds=bounce_after))
    try:
        uvloop.run(_serve(folder, host, port, seed, chosen, bouncer))
    except OSError as failed:
        why = "is already in use" if failed.errno == errno.EADDRINUSE else f"cannot be used: {failed.strerror}"
        click.echo(f"antiphon sandbox: mail port {port} {why}.", err=True)
        sys.exit(HOPELESS)


async def _serve(folder: Path, host: str, port: int, seed: int, rates: Rates, bouncer: Bouncer | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log = MailLog(folder)
    server, got = await start_mail_server(Mailboxes(log, seed, rates), host, port)
    click.echo(str(got))
    bouncing = asyncio.create_task(bouncer.run()) if bouncer else None
    await stop.wait()
    server.close()
    if bouncing:
        bouncing.cancel()
    await asyncio.sleep(0.1)
    log.close()


if __name__ == "__main__":
    main()
