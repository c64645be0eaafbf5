"""What `serve` and `demo` share: the database, the lake and the processes of one installation on this machine."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from antiphon.foundation.config import Settings
from antiphon.foundation.embedded import running_url, start_postgres
from antiphon.foundation.embedded.errors import from_os_error
from antiphon.foundation.errors import AntiphonError, Conflict
from antiphon.foundation.lake import object_storage, start_lake
from antiphon.foundation.postgres import Phase, migrate
from antiphon.foundation.supervisor import Part, command

LAKE_SOCKET = "ANTIPHON_LAKE_SOCKET"
"""Environment variable that tells api and worker processes where the lake process listens."""


class PortTaken(Conflict):
    """Port {port} on {host} is already in use: stop what uses it, or set {setting} to another."""


class AddressNotOurs(AntiphonError):
    """Antiphon cannot listen on {host}:{port}: {why}."""


def check_ports(settings: Settings) -> None:
    """Raises PortTaken or AddressNotOurs in time, before anything is started.

    Processes of one installation share the port of bounces, and the kernel would let another installation of the same
    account share it, too, without a word.
    """
    check_port(settings.host, settings.port)
    if settings.bounce_port:
        check_port(settings.bounce_host, settings.bounce_port, "ANTIPHON_BOUNCE_PORT")


def check_port(host: str, port: int, setting: str = "ANTIPHON_PORT") -> None:
    """Raises PortTaken or AddressNotOurs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as failed:
            if failed.errno == errno.EADDRINUSE:
                raise PortTaken(host=host, port=port, setting=setting) from failed
            raise AddressNotOurs(host=host, port=port, why=failed.strerror or str(failed)) from failed


@contextmanager
def opened_database(settings: Settings, phase: Phase | None = None) -> Iterator[tuple[str, Callable[[], bool]]]:
    """The address of a migrated database: the operator's own, or an embedded one that ends with this context.

    `phase` leaves the migrations of the other one to the caller.
    """
    if settings.database_url:
        asyncio.run(migrate(settings.database_url, phase=phase))
        yield settings.database_url, lambda: True
        return
    with start_postgres(settings.data_path) as server:
        asyncio.run(migrate(server.url, phase=phase))
        yield server.url, lambda: server.returncode is None


@contextmanager
def reached_database(settings: Settings) -> Iterator[str]:
    """The same for a command that may run beside a running installation: its server is used then."""
    found = settings.database_url or running_url(settings.data_path)
    if found:
        yield found
        return
    with opened_database(settings) as (database_url, _):
        yield database_url


@contextmanager
def private_folder() -> Iterator[Path]:
    """A short folder for sockets that only we may enter; those of processes that were killed are removed."""
    base = Path("/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir())
    for left in base.glob("antiphon-run-*-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)  # of another user's it can remove nothing
    made = Path(tempfile.mkdtemp(prefix=f"antiphon-run-{os.getpid()}-", dir=base))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def prepare_data_folder(settings: Settings) -> None:
    """Make the data folder and its key, and look at where the lake is. Raises DataFolderUnwritable, DiskFull or BadSettings."""
    object_storage(settings)
    try:
        settings.data_path.mkdir(parents=True, exist_ok=True)
        probe = settings.data_path / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as failed:
        raise from_os_error(failed, settings.data_path) from failed
    settings.secret_bytes()


def child_environment(settings: Settings, database_url: str, lake_socket: Path) -> dict[str, str]:
    """The settings as environment variables, so that every process of the installation has the very same."""
    env = dict(os.environ)
    for field in msgspec.structs.fields(Settings):
        value = getattr(settings, field.name)
        name = f"ANTIPHON_{field.name.upper()}"
        if isinstance(value, tuple):
            env[name] = ",".join(value)
        elif value is not None and (value != "" or name in env):
            env[name] = str(value)
    env["ANTIPHON_DATA_DIR"] = str(settings.data_path)
    env["ANTIPHON_DATABASE_URL"] = database_url
    env[LAKE_SOCKET] = str(lake_socket)
    env["PYTHONUNBUFFERED"] = "1"
    return env


def installation_parts(
    settings: Settings, database_url: str, lake_socket: Path, log: Path | None = None
) -> list[Part]:
    """The lake, the workers and the api as parts for a Supervisor; what they say is appended to `log` if given."""
    env = child_environment(settings, database_url, lake_socket)
    storage = object_storage(settings)
    python = [sys.executable, "-m", "antiphon"]

    def lake() -> subprocess.Popen[bytes]:
        return start_lake(
            database_url,
            settings.data_path,
            lake_path=settings.lake_path,
            socket=lake_socket,
            memory=settings.lake_memory,
            threads=settings.lake_threads,
            storage=storage,
            wait=False,
        ).child

    parts = [Part("lake", lake, grace=10, stage=1)]
    for number in range(settings.worker_processes):
        parts.append(Part(f"worker-{number + 1}", command([*python, "worker"], env, log), stage=2))
    parts.append(Part("api", command([*python, "api"], env, log), stage=2))
    return parts
