"""Asking an installation whether it is ready."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable

from antiphon.foundation.config import Settings

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy


def local_address(settings: Settings) -> str:
    """Where this machine itself reaches the api, whatever address customers use."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"


def wait_ready(settings: Settings, given_up: Callable[[], bool], seconds: float = 120.0) -> bool:
    """True once /readyz says so; False when given up or after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not given_up():
        try:
            with _OPENER.open(f"{local_address(settings)}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return True
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.1)
    return False
