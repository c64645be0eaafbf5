"""Fixtures: one real PostgreSQL for the session, a migrated template database cloned for each test, the real lake.

With ANTIPHON_DATABASE_URL set the same tests run against that server (its user must be able to create databases).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import make_conninfo

from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.postgres import Database, migrate
from antiphon.foundation.process import node_name

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)
_composed: dict[bool, Any] = {}

# How long an example takes depends on what else the machine does: no verdict. A CI run judges a change, by the same examples
# each time; every other run hunts with new ones.
settings.register_profile(
    "antiphon", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="ANTIPHON_CI_MARK" in os.environ
)
settings.load_profile("antiphon")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a failed test printed is told from its end: a record of many failures stays readable."""
    report = yield
    report.sections = [(title, text[-4000:]) for title, text in report.sections]
    return report


def data_file(name: str) -> Path:
    """A file of the real data for tests; the test is skipped, aloud, where it is absent."""
    folder = Path(os.environ.get("ANTIPHON_TEST_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"real data {name} is absent: set ANTIPHON_TEST_DATA to its folder")
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The server under test: ANTIPHON_DATABASE_URL, or an embedded one of this session's own."""
    external = os.environ.get("ANTIPHON_DATABASE_URL")
    if external:
        yield external
        return
    with tempfile.TemporaryDirectory(prefix="antiphon-test-") as folder:
        # Nothing here survives the session, so nothing waits for the disk. What must survive a crash is tried on servers
        # of those tests' own, with the settings of every day.
        with start_postgres(Path(folder), settings={"fsync": "off", "full_page_writes": "off"}) as server:
            yield server.url


def _admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement)


class Leftovers:
    """Databases of tests that have ended. Each drop asks for a checkpoint, so they go together."""

    MOST = 30

    def __init__(self, url: str) -> None:
        self._url = url
        self._names: list[str] = []

    def add(self, name: str) -> None:
        self._names.append(name)
        if len(self._names) >= self.MOST:
            self.drop()

    def drop(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as conn:
            for name in self._names:
                conn.execute(f'drop database "{name}" with (force)')
        self._names.clear()


@pytest.fixture(scope="session")
def leftovers(postgres_url: str) -> Iterator[Leftovers]:
    kept = Leftovers(postgres_url)
    yield kept
    kept.drop()


@pytest.fixture(scope="session")
def template(postgres_url: str) -> Iterator[str]:
    """A migrated database that each test clones."""
    name = f"antiphon_template_{os.getpid()}"
    _admin(postgres_url, f'create database "{name}"')
    asyncio.run(migrate(make_conninfo(postgres_url, dbname=name)))
    yield name
    _admin(postgres_url, f'drop database "{name}" with (force)')


@pytest.fixture
def database_url(postgres_url: str, template: str, leftovers: Leftovers) -> Iterator[str]:
    """The address of a fresh database with the schema in it."""
    name = f"antiphon_test_{os.getpid()}_{next(_numbers)}"
    _admin(postgres_url, f'create database "{name}" template "{template}" strategy wal_log')
    yield make_conninfo(postgres_url, dbname=name)
    leftovers.add(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, name="test", max_size=6)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def registers() -> Iterator[None]:
    """Who listens, which jobs and kinds there are, whom this process may call: what a test changes of it ends with the test."""
    from antiphon.awareness.profiles.kinds import KINDS
    from antiphon.foundation import faults, jobs, notices, outbound, personal

    held: tuple[dict[Any, Any], ...] = (
        notices.LISTENERS._by_topic, notices.LISTENERS._by_name, personal.PERSONAL._rooms, jobs.KINDS, faults._armed,
    )  # fmt: skip
    before = [{key: list(value) if isinstance(value, list) else value for key, value in one.items()} for one in held]
    kinds, policy, environment = dict(vars(KINDS)), outbound._policy, dict(os.environ)
    yield
    for one, was in zip(held, before, strict=True):
        one.clear()
        one.update(was)
    vars(KINDS).update(kinds)
    outbound._policy = policy
    for name in os.environ.keys() - environment.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"})


@pytest.fixture(autouse=True)
def salts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who falls into which arm, layer or holdout is drawn by salts: in tests the same each time, so chance has no say."""
    from antiphon.decisioning.experiments import holdouts, layers, service

    numbers = itertools.count(1)
    for module in (holdouts, layers, service):
        monkeypatch.setattr(module, "random_token", lambda size: f"salt {next(numbers)}")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"), secret="a secret of tests only, 32 bytes long", port=0)


class NoLake:
    """Stands where no test asked for the lake: using it is the test's mistake."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this test needs the `lake` fixture")

    async def close(self) -> None: ...


@pytest.fixture
async def lake(database_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    """The real lake process on this test's database, its data in a folder of the test's own."""
    from antiphon.foundation.lake import LakeClient, start_lake

    process = await asyncio.to_thread(start_lake, database_url, tmp_path / "data")
    client = LakeClient(process.socket)
    yield client
    await client.close()
    await asyncio.to_thread(process.close)


@asynccontextmanager
async def make_context(settings: Settings, db: Database, lake: Any, clock: VirtualClock, kind: str = "worker") -> AsyncIterator[Context]:
    """A context with no rooms' resources: tests `put` what they need, or open a room's resource."""
    yield Context(
        settings=settings, db=db, lake=lake, clock=clock, secret=settings.secret_bytes(), node=node_name(kind), kind=kind
    )


@pytest.fixture
def lake_if_wanted(request: pytest.FixtureRequest) -> Any:
    """The fixture `lake` when the test, or a fixture of it, asks for it; found here because no loop runs yet."""
    return request.getfixturevalue("lake") if "lake" in request.fixturenames else NoLake()


@pytest.fixture
async def ctx(settings: Settings, db: Database, lake_if_wanted: Any, clock: VirtualClock) -> AsyncIterator[Context]:
    """A worker's context. It has the real lake when the test also asks for the fixture `lake`."""
    async with make_context(settings, db, lake_if_wanted, clock) as context:
        yield context


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A loopback port that nobody uses now."""
    import socket

    def find() -> int:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return int(s.getsockname()[1])

    return find


@pytest.fixture
def rooms() -> Any:
    """The rooms switched on in `app`; None for all. A test module may override it."""
    return None


@pytest.fixture
async def app(request: pytest.FixtureRequest, settings: Settings, database_url: str, clock: VirtualClock, rooms: Any) -> AsyncIterator[Any]:
    """The whole HTTP application, started, on this test's database; with the lake when the test asks for `lake`."""
    from antiphon.web.asgi import create_app

    socket = request.getfixturevalue("lake")._socket if "lake" in request.fixturenames else "/nonexistent/lake"
    # The house with all its rooms is composed once for the session: its seven hundred routes take longer than most tests.
    whole = rooms is None and not settings.rooms_off
    shell = create_app(
        settings, database_url=database_url, lake_socket=str(socket), clock=clock, rooms=rooms, composed=_composed.get(whole)
    )
    if whole:
        _composed[whole] = shell.app
    started, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:  # set-up and tear-down of a fixture are different tasks; a lifespan wants one
        async with shell.app.lifespan():
            started.set()
            await stop.wait()

    running = asyncio.create_task(run())
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not started.is_set():
        waiting.cancel()
        await running
    yield shell
    stop.set()
    await running


@pytest.fixture
async def stranger(app: Any) -> AsyncIterator[Any]:
    """An HTTP client that is not signed in, and looks like somebody's browser."""
    import httpx

    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver", headers=agent) as http:
        yield http


@pytest.fixture
async def as_role(app: Any) -> AsyncIterator[Callable[[str], Any]]:
    """`await as_role("analyst")`: an HTTP client signed in as a new person of that role, with its CSRF header."""
    from contextlib import AsyncExitStack
    from datetime import timedelta

    import httpx

    from antiphon.foundation.access import store
    from antiphon.foundation.access.model import hash_token
    from antiphon.foundation.access.signin import csrf_token
    from antiphon.foundation.ids import random_token

    ctx = app.app.state.ctx
    async with AsyncExitStack() as stack:

        async def sign_in(role: str) -> httpx.AsyncClient:
            token = random_token(32)
            async with ctx.db.transaction() as conn:
                person = await store.add_person(conn, f"{role}-{next(_numbers)}@example.com", role.title(), role, None)
                await store.open_session(conn, hash_token(token), person, timedelta(days=1), "127.0.0.1", "test")
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://testserver",
                cookies={"antiphon_session": token},
                headers={"x-csrf-token": csrf_token(ctx, hash_token(token))},
            )
            return await stack.enter_async_context(http)

        yield sign_in


@pytest.fixture
async def client(as_role: Callable[[str], Any]) -> Any:
    """An HTTP client signed in as an owner."""
    return await as_role("owner")
