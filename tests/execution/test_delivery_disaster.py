"""A disk that is full and a database that restarts in the middle of a sending: nobody lost, nobody doubled, few unknown."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from tests.conftest import START, NoLake, make_context
from tests.execution.cast import SEND, Parrot, add_account, add_people, stage, states

from antiphon.execution.delivery import Content, Intents, NewDispatch, open_dispatch, submit, voice
from antiphon.execution.delivery.sender import SPEAKING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database, PostgresError, migrate

pytestmark = pytest.mark.store

PEOPLE = 300
NEWS = NewDispatch(
    key="campaign:1:1", channel="parrot", message_class="marketing", topic="news", campaign_id=1, occurrence="1",
    content=Content(subject="Hello", text="Hello"),
)  # fmt: skip
DISK = """
create table disk (is_full boolean);
insert into disk values (false);
create function no_room() returns trigger language plpgsql as $$ begin
    if (select is_full from disk) then
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
    end if;
    return null;
end $$;
create trigger no_room after insert or update on delivery for each statement execute function no_room();
create trigger no_room after insert or update on delivery_queue for each statement execute function no_room();
"""


async def hand_in(ctx: Context) -> None:
    await add_account(ctx)
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, PEOPLE)
        await submit(ctx, conn, await open_dispatch(ctx, conn, NEWS), Intents(profile_ids=ids))


async def try_to_speak(ctx: Context, times: int) -> int:
    """How many of so many tries failed; a worker's loop goes on after each."""
    failed = 0
    for _ in range(times):
        try:
            await run_until_idle(ctx, [SEND])
        except (PostgresError, AntiphonError, BaseExceptionGroup):
            failed += 1
    return failed


def once_in(parrot: Parrot, batches: int, then: object) -> None:
    """Do something when so many batches have been heard and none of that one is recorded."""
    left = batches

    def strike() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            then()  # type: ignore[operator]

    parrot.after_mark = strike


async def counted(ctx: Context) -> dict[str, int]:
    async with ctx.db.connection() as conn:
        return await states(conn)


async def test_a_full_disk_stops_the_sending_and_doubles_nobody(
    ctx: Context, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "KEEP_TRYING", 2)

    def disk(is_full: bool) -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("update disk set is_full = %s", (is_full,))

    async with stage(ctx) as parrot:
        await hand_in(ctx)
        async with ctx.db.connection() as conn:
            await conn.execute(DISK)
        once_in(parrot, 4, lambda: disk(True))
        assert await try_to_speak(ctx, 4) == 4
        heard = len(parrot.heard)
        assert await try_to_speak(ctx, 2) == 2 and len(parrot.heard) == heard < PEOPLE
        disk(False)
        assert await try_to_speak(ctx, 1) == 0
        found = await counted(ctx)
    assert sum(found.values()) == PEOPLE == found["sent"] + found["unknown"]
    assert 0 < found["unknown"] <= SPEAKING
    assert max(Counter(parrot.heard).values()) == 1 and len(parrot.heard) >= found["sent"]


async def test_a_restart_of_the_database_doubles_nobody(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"), secret="a secret of tests only, 32 bytes long")
    with start_postgres(tmp_path / "pg") as server:
        await migrate(server.url)

        def crash() -> None:
            """Kill one of the server's processes: all connections break, and it recovers from its log."""
            with psycopg.connect(server.url, autocommit=True) as conn:
                found = conn.execute(
                    "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
                ).fetchone()
                assert found is not None
                os.kill(found[0], signal.SIGKILL)

        db = await Database.open(server.url, name="test", max_size=6)
        async with make_context(settings, db, NoLake(), VirtualClock(START)) as ctx, stage(ctx) as parrot:
            await hand_in(ctx)
            once_in(parrot, 4, crash)
            await try_to_speak(ctx, 6)
            found = await counted(ctx)
        await db.close()
    assert sum(found.values()) == PEOPLE == found["sent"] + found.get("unknown", 0)
    assert found.get("unknown", 0) <= SPEAKING
    assert max(Counter(parrot.heard).values()) == 1 and len(parrot.heard) >= found["sent"]
