"""A disk that is really full, the database's and the lake's: a small file system of memory, filled to its last octet. What was
accepted is there when there is room again, nobody is written to twice, and nobody has to do anything but make room.

It takes the right to mount: where there is none, the tests are skipped and say so.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.awareness.test_events_lake import count, write
from tests.conftest import START, NoLake, make_context
from tests.execution.cast import stage
from tests.execution.test_delivery_disaster import PEOPLE, counted, hand_in, once_in, try_to_speak

from antiphon.awareness.events.lake import event_relation, move_events
from antiphon.execution.delivery import voice
from antiphon.execution.delivery.sender import SPEAKING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake import LakeClient, start_lake
from antiphon.foundation.postgres import Database, PostgresError, migrate

pytestmark = pytest.mark.store


class Disk:
    """A small file system, and what fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Not an octet is left."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue
        assert shutil.disk_usage(self.folder).free == 0

    def make_room(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o755)
    asked = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=0755", "antiphon-test", str(folder)]
    mounted = subprocess.run(asked, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here, so that none can be filled: " + mounted.stderr.decode().strip())
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("disk", [220], indirect=True)
async def test_the_databases_disk_is_full_while_it_is_sent(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "KEEP_TRYING", 2)
    settings = Settings(data_dir=str(tmp_path / "data"), secret="a secret of tests only, 32 bytes long")
    small = {"max_wal_size": "48MB", "min_wal_size": "32MB"}
    server = start_postgres(disk.folder / "pg", settings=small)
    try:
        await migrate(server.url)
        db = await Database.open(server.url, name="test", max_size=6)
        async with make_context(settings, db, NoLake(), VirtualClock(START)) as ctx, stage(ctx) as parrot:
            await hand_in(ctx)
            async with db.connection() as conn:  # the log has no prepared room left: what is written next needs the disk
                await conn.execute("select pg_switch_wal()")
            once_in(parrot, 4, disk.fill)
            tried = await try_to_speak(ctx, 3)
            disk.make_room()
            if tried == 0:
                pytest.skip("the database found room where there was none")
        await db.close()
        server.close()
        server = start_postgres(disk.folder / "pg", settings=small)
        db = await Database.open(server.url, name="test", max_size=6)
        async with make_context(settings, db, NoLake(), VirtualClock(START)) as ctx, stage(ctx) as again:
            assert sum((await counted(ctx)).values()) == PEOPLE, "what was accepted is there"
            await try_to_speak(ctx, 6)
            found = await counted(ctx)
        await db.close()
    finally:
        server.close()
    heard = parrot.heard + again.heard
    assert sum(found.values()) == PEOPLE == found["sent"] + found.get("unknown", 0)
    assert found.get("unknown", 0) <= 2 * SPEAKING and max(Counter(heard).values()) == 1 and len(heard) >= found["sent"]


@pytest.mark.parametrize("disk", [24], indirect=True)
async def test_the_lakes_disk_is_full_while_events_are_moved(disk: Disk, ctx: Context, tmp_path: Path) -> None:
    now = ctx.clock.now()
    process = start_lake(ctx.db.url, disk.folder / "lake", socket=tmp_path / "s")
    ctx.lake = LakeClient(tmp_path / "s")
    try:
        await write(ctx.db, 0, 1, 5_000, now)
        assert await move_events(ctx) == 5_000
        await write(ctx.db, 0, 5_001, 25_000, now)
        disk.fill()
        for _ in range(3):
            with pytest.raises((AntiphonError, PostgresError)) as refused:
                await move_events(ctx)
            assert str(refused.value)
        assert await count(ctx) == (25_000, 25_000), "whoever asks meanwhile sees each event once"
        disk.make_room()
        assert await move_events(ctx) == 20_000 and await move_events(ctx) == 0
        assert await count(ctx) == (25_000, 25_000)
        ((cold,),) = await ctx.lake.run("select count(*) from lake.event")
        ((of_people,),) = await ctx.lake.run(f"select count(*) from {event_relation(['seq'], profiles=[7])}")
        assert (cold, of_people) == (25_000, 250)
    finally:
        process.close()
        await ctx.lake.close()
