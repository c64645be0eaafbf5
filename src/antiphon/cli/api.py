"""`antiphon api`: the processes that answer HTTP, started by `serve` or by hand on another machine."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any

import click

from antiphon.cli.installation import LAKE_SOCKET, PortTaken, check_port
from antiphon.foundation.config import load_settings
from antiphon.foundation.embedded.parent import follow_parent
from antiphon.foundation.errors import BadSettings
from antiphon.foundation.http.serving import serve
from antiphon.foundation.supervisor import HOPELESS
from antiphon.foundation.telemetry import configure_logs

_FINISH = 20  # seconds a process gets to finish the requests it accepted


@click.command("api")
def command() -> None:
    """Answer HTTP for the database ANTIPHON_DATABASE_URL until told to stop; accepted requests are finished."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    try:
        if not settings.database_url:
            raise BadSettings("the api needs ANTIPHON_DATABASE_URL; `antiphon serve` starts one with a database of its own")
        if not os.environ.get(LAKE_SOCKET):
            raise BadSettings(f"the api needs a lake process: {LAKE_SOCKET} names its socket (`antiphon serve` sets it)")
        check_port(settings.host, settings.port)
        from antiphon.app import rooms_of  # before the processes part: they then share what was loaded

        rooms_of(settings)
    except (BadSettings, PortTaken) as failed:
        click.echo(f"antiphon api: {failed}", err=True)
        sys.exit(HOPELESS)
    serve(application, host=settings.host, port=settings.port, processes=settings.api_processes, finish=_FINISH)


def application() -> Any:
    """The app of one api process, which must not outlive the process that made it."""
    follow_parent(signal.SIGKILL)
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    from antiphon.web.asgi import create_app

    app = create_app(settings, database_url=settings.database_url or "", lake_socket=os.environ[LAKE_SOCKET])
    gc.collect()
    gc.freeze()  # looking through all that was loaded takes longer than most requests may, and finds nothing
    return app
