"""The processes of one installation on one machine: started, restarted when they fail, and ended together.

Each part leads its own session, so that Ctrl-C reaches the supervisor alone, and is killed by the kernel should the
supervisor die without a word.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)

HOPELESS = os.EX_CONFIG
"""A part that exits with this has said why on standard error, and starting it again would not help."""

_LOOK = 0.1  # seconds between two looks at the parts
_HEALTHY = 60.0  # a part that ran this long starts from the shortest delay again
_LONGEST_DELAY = 30.0


class PartHopeless(AntiphonError):
    """The {name} process could not run; its own message is above."""


class FoundationLost(AntiphonError):
    """The embedded database ended by itself."""

    permanent = False


@dataclass(frozen=True)
class Part:
    """One process: how it is started (by the thread that supervises), and how many seconds it gets to finish its work.

    Parts of a higher `stage` are stopped before those of a lower one, on which they depend.
    """

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    grace: float = 30.0
    stage: int = 1


def command(args: Sequence[str], env: Mapping[str, str], log: Path | None = None) -> Callable[[], subprocess.Popen[bytes]]:
    """A start function for a program. What it says is appended to `log`, or shown where we speak ourselves."""

    def start() -> subprocess.Popen[bytes]:
        with ExitStack() as stack:
            out = stack.enter_context(log.open("ab")) if log else None
            return subprocess.Popen(
                list(args), env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                preexec_fn=die_with_parent(),
            )  # fmt: skip

    return start


class _Running:
    """A part and what became of it so far."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.again_at = 0.0

    def launch(self) -> None:
        self.process = self.part.start()
        self.started = time.monotonic()

    def look(self, now: float) -> None:
        """Start it again when it ended and its delay is over. Raises PartHopeless."""
        if self.process is None:
            if now >= self.again_at:
                self.launch()
            return
        code = self.process.poll()
        if code is None:
            return
        self.kill_group()
        self.process = None
        if code == HOPELESS:
            raise PartHopeless(name=self.part.name)
        self.failures = 0 if now - self.started > _HEALTHY else self.failures + 1
        delay = min(0.2 * 2**self.failures, _LONGEST_DELAY)
        self.again_at = now + delay
        log.warning("process ended, starting it again", process=self.part.name, code=code, delay=delay)

    def tell(self, signum: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signum)

    def kill_group(self) -> None:
        """End whatever the part started itself as well; it leads its process group."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None


class Supervisor:
    """Runs parts until told to stop by a signal, by `stop()`, or by `alive` (of what they stand on) turning false."""

    def __init__(self, parts: Sequence[Part], alive: Callable[[], bool] | None = None) -> None:
        self._parts = [_Running(part) for part in parts]
        self._alive = alive
        self._stop = False
        self._hurry = False
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Ask for the orderly end; `run` then returns. From any thread."""
        self._stop = True

    def add(self, part: Part) -> None:
        """One more part, started at the supervisor's next look. From any thread."""
        self._parts.append(_Running(part))

    @property
    def stopping(self) -> bool:
        return self._stop

    def run(self) -> None:
        """Start everything, look after it, and at the end stop it in order. Raises PartHopeless or FoundationLost."""
        with self._signals():
            try:
                for running in self._parts:
                    running.launch()
                while not self._stop:
                    if self._alive is not None and not self._alive():
                        raise FoundationLost
                    now = time.monotonic()
                    for running in list(self._parts):
                        running.look(now)
                    time.sleep(_LOOK)
            finally:
                self._stop = True
                self._end()
                self.stopped.set()

    def _end(self) -> None:
        for stage in sorted({running.part.stage for running in self._parts}, reverse=True):
            members = [running for running in self._parts if running.part.stage == stage]
            for running in members:
                running.tell(signal.SIGTERM)
            until = time.monotonic() + max(running.part.grace for running in members)
            while time.monotonic() < until and not self._hurry and not all(running.ended for running in members):
                time.sleep(0.02)
            for running in members:
                if not running.ended:
                    log.warning("process did not finish in time", process=running.part.name)
                running.kill_group()
                if running.process is not None:
                    running.process.wait()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP stop in order; a second SIGINT hurries. Only the main thread can ask for this."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(signum: int, _frame: object) -> None:
            if self._stop and signum == signal.SIGINT:
                self._hurry = True
            self._stop = True

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, asked) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
