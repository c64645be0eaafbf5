"""`python -m antiphon.sandbox.sms {smsc,gateway} --folder DIR [--port N] [--rates JSON]`"""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from antiphon.foundation.supervisor import HOPELESS
from antiphon.foundation.telemetry import configure_logs
from antiphon.sandbox.sms.faults import Rates
from antiphon.sandbox.sms.gateway import Gateway
from antiphon.sandbox.sms.log import SmsLog
from antiphon.sandbox.sms.smsc import Habits, Smsc


def _decode(name: str, text: str, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as wrong:
        raise click.BadParameter(str(wrong), param_hint=name) from wrong


@click.command()
@click.argument("kind", type=click.Choice(["smsc", "gateway"]))
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the log is kept.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, help="Port to listen on; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True)
@click.option("--rates", default="{}", help='Shares of numbers in trouble, and of those who answer: {"stop": 0.02}.')
@click.option("--habits", default="{}", help='How the SMSC does things, as JSON: {"receipts": "both", "per_second": 100}.')
@click.option("--account-sid", default="AC00000000000000000000000000000001", show_default=True, help="The gateway's account.")
@click.option("--auth-token", default="sandbox", show_default=True, help="The gateway's secret.")
@click.option("--inbound-url", default="", help="Where the gateway tells what customers write.")
def main(
    kind: str, folder: Path, host: str, port: int, seed: int, rates: str, habits: str, account_sid: str, auth_token: str,
    inbound_url: str,
) -> None:  # fmt: skip
    """An SMSC or an HTTP gateway for trials: takes messages for any number, with troubles at chosen rates."""
    configure_logs("warning")
    shares = _decode("--rates", rates, Rates)
    manners = _decode("--habits", habits, Habits)
    log = SmsLog(folder)
    server: Smsc | Gateway

    async def serve() -> None:
        nonlocal server
        if kind == "smsc":
            server = Smsc(log, seed, shares, manners)
        else:
            server = Gateway(log, seed, shares, account_sid=account_sid, auth_token=auth_token, inbound_url=inbound_url)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        click.echo(str(await server.start(host, port)))
        await stop.wait()
        await server.close()

    try:
        uvloop.run(serve())
    except OSError as failed:
        why = "is already in use" if failed.errno == errno.EADDRINUSE else f"cannot be used: {failed.strerror}"
        click.echo(f"antiphon sandbox: SMS port {port} {why}.", err=True)
        sys.exit(HOPELESS)
    finally:
        log.close()


if __name__ == "__main__":
    main()
