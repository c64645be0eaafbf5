"""`python -m antiphon.sandbox.mailapi sendgrid [--port N] [--callback URL] [--rates JSON]`"""

from __future__ import annotations

import asyncio
import signal
import sys

import click
import msgspec
import uvloop

from antiphon.foundation.supervisor import HOPELESS
from antiphon.foundation.telemetry import configure_logs
from antiphon.sandbox.mailapi import ApiRates, MailApi, MailgunApi, PostmarkApi, SendGridApi, SesApi

APIS: dict[str, type[MailApi]] = {"ses": SesApi, "sendgrid": SendGridApi, "mailgun": MailgunApi, "postmark": PostmarkApi}


@click.command()
@click.argument("api", type=click.Choice(sorted(APIS)))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, help="Port to listen on; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True)
@click.option("--rates", default="{}", help='Shares of addresses in trouble, as JSON: {"bounce": 0.02}.')
@click.option("--callback", default="", help="Address that news is posted to; without it none is.")
@click.option("--callback-delay", default=0.0, help="Seconds until it is.")
def main(api: str, host: str, port: int, seed: int, rates: str, callback: str, callback_delay: float) -> None:
    """A mail provider's HTTP API for trials: takes mail for anybody, with troubles at chosen rates."""
    configure_logs("warning")
    try:
        chosen = msgspec.json.decode(rates, type=ApiRates)
    except msgspec.MsgspecError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--rates") from wrong
    server = APIS[api](callback=callback, callback_delay=callback_delay, seed=seed, rates=chosen)
    try:
        uvloop.run(_serve(server, host, port))
    except OSError as failed:
        click.echo(f"antiphon sandbox: port {port} cannot be used: {failed.strerror}.", err=True)
        sys.exit(HOPELESS)


async def _serve(server: MailApi, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    click.echo(str(await server.start(host, port)))
    if isinstance(server, SendGridApi):
        click.echo(f"webhook_key {server.webhook_key}")
    await stop.wait()
    await server.close()


if __name__ == "__main__":
    main()
