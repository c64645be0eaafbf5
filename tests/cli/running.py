"""What a command left running, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

MARK = "ANTIPHON_CLI_TEST"  # in the environment of what is started: the data folder


def processes_of(data: Path) -> list[psutil.Process]:
    """Everything that a command on this data folder started, its database included."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get(MARK) == str(data) or Path(process.cwd()).is_relative_to(data)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(true: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)
