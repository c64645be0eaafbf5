"""Who is killed in `kill`: two workers alone, or the whole of `antiphon serve`."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import psutil
from bench.send import free_port
from bench.voices import SECRET

from antiphon.foundation.embedded import running_url
from antiphon.foundation.embedded.parent import die_with_parent


class Killed(NamedTuple):
    """What was killed, and how many processes that send died or lost their database for good by it."""

    kind: str
    senders: int


class Cast(Protocol):
    """Processes that send, and how to kill one of them."""

    processes: int

    def start(self) -> None: ...
    def kill(self, chance: random.Random) -> Killed: ...
    def stop(self) -> None: ...
    def url(self) -> str | None: ...


class Workers:
    """Two processes that only send, on a database that stays."""

    processes = 2

    def __init__(self, url: str, folder: Path, lease: float = 2.0) -> None:
        self._url, self._folder, self._lease = url, folder, lease
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._running = [child for child in self._running if child.poll() is None]
        while len(self._running) < self.processes:
            self._running.append(self.one())

    def one(self, **env: str) -> subprocess.Popen[bytes]:
        """One process more, with this in its environment."""
        args = [sys.executable, "-m", "bench.voices", self._url, str(self._folder), str(self._lease)]
        return subprocess.Popen(args, preexec_fn=die_with_parent(), env=os.environ | env)

    def kill(self, chance: random.Random) -> Killed:
        victim = chance.choice(self._running)
        victim.kill()
        victim.wait()
        return Killed("worker", 1)

    def stop(self) -> None:
        for child in self._running:
            child.terminate()
        for child in self._running:
            child.wait(180)

    def url(self) -> str | None:
        return self._url


class Server:
    """The whole of `antiphon serve`, its database included."""

    processes = 2

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._running is not None and self._running.poll() is None:
            return
        settings = {
            "DATA_DIR": str(self._folder), "PORT": str(free_port()), "SECRET": SECRET, "WORKER_PROCESSES": str(self.processes),
            "PUBLIC_URL": "https://mail.example.com", "LOG_LEVEL": "error",
        }  # fmt: skip
        env = os.environ | {f"ANTIPHON_{name}": value for name, value in settings.items()}
        env.pop("ANTIPHON_DATABASE_URL", None)
        self._running = subprocess.Popen(
            [sys.executable, "-c", "from antiphon.cli import main; main(['serve'])"],
            env=env, preexec_fn=die_with_parent(), start_new_session=True,
        )  # fmt: skip

    def kill(self, chance: random.Random) -> Killed:
        """A random process: the supervisor with everything under it, one of its parts, its database, or one of that one's
        own processes (then the database restarts under everybody). What ended of itself by it is awaited."""
        assert self._running is not None
        server = psutil.Process(self._running.pid)
        parts = server.children(recursive=True)
        kinds: dict[str, list[psutil.Process]] = {"server": [server]}
        for part in parts:
            with suppress(psutil.Error):
                kinds.setdefault(_kind(part), []).append(part)
        kind = chance.choice(sorted(set(kinds) - {"other"}))
        victim = chance.choice(kinds[kind])
        if kind == "server":
            for part in [server, *parts]:
                _end(part)
        else:
            _end(victim)
        if kind == "server":
            self._running.wait(180)
        if kind in ("server", "database"):  # without its database the supervisor ends every part, and begins anew
            psutil.wait_procs(parts, 180)
        senders = {"server": self.processes, "database": self.processes, "backend": self.processes, "worker": 1}
        return Killed(kind, senders.get(kind, 0))

    def stop(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGTERM)
            self._running.wait(180)

    def url(self) -> str | None:
        return running_url(self._folder)


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    if process.name() == "postgres":
        parent = process.parent()
        return "backend" if parent is not None and parent.name() == "postgres" else "database"
    for kind in ("worker", "lake", "api"):
        if kind in line:
            return kind
    return "other"


def _end(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
