"""The lake process and its client: results, limits, conflicts, and death of either end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from antiphon.foundation.lake import (
    LakeClient,
    LakeConflict,
    LakeQueryFailed,
    LakeTimeout,
    LakeUnavailable,
    start_lake,
    transaction_variable,
)
from antiphon.foundation.lake.engine import extension_file


async def test_rows_keep_their_types(lake: LakeClient) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    values = {
        "a": None, "b": True, "c": 2**40, "d": 1.5, "e": "ü", "f": Decimal("12.30"), "g": date(2026, 1, 2), "h": at,
        "i": timedelta(hours=5), "j": UUID(int=7), "k": b"\x00\x01", "l": ["x", "y"], "m": at.replace(tzinfo=None),
    }  # fmt: skip
    (row,) = await lake.run("select " + ", ".join(f"${name}" for name in values), values)
    assert list(row) == list(values.values())
    assert await lake.run("select sum(range) * 1000000000000000000 from range(1000)") == [(499500 * 10**18,)]


async def test_ids_and_columns_travel_as_buffers(lake: LakeClient) -> None:
    found = await lake.ids("select range from range(300000)")
    assert found.dtype == np.uint32 and len(found) == 300_000
    columns = await lake.columns("select i, i / 2 as half, case when i > 0 then 't' || i end as word from range(3) r (i)")
    assert columns["i"].tolist() == [0, 1, 2] and columns["half"].tolist() == [0, 0.5, 1]
    assert columns["word"].tolist() == [None, "t1", "t2"]
    nulls = (await lake.columns("select nullif(i, 1) as n from range(3) r (i)"))["n"]
    assert nulls.tolist() == [0, None, 2]


async def test_a_statement_reads_tables_given_with_it(lake: LakeClient) -> None:
    given = {"people": {"id": np.arange(5, dtype=np.uint32)}}
    assert await lake.run("select sum(id) from people where id > $least", {"least": 2}, tables=given) == [(7,)]
    with pytest.raises(LakeQueryFailed):
        await lake.run("select * from people")


async def test_too_long_is_stopped_and_the_connection_goes_on(lake: LakeClient) -> None:
    begun = time.monotonic()
    with pytest.raises(LakeTimeout, match=r"0\.2 seconds"):
        await lake.run("select count(*) from range(1000000) a, range(1000000) b", timeout=0.2)
    assert time.monotonic() - begun < 60
    assert await lake.run("select 1") == [(1,)]


async def test_a_cancelled_question_stops_in_the_lake(lake: LakeClient) -> None:
    task = asyncio.create_task(lake.run("create table lake.never as select a.range from range(100000) a, range(100000) b"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.3)
    with pytest.raises(LakeQueryFailed):
        await lake.run("from lake.never")


async def test_refusals_are_ours_and_change_nothing(lake: LakeClient) -> None:
    for wrong in ("select nope", "selec", "insert into pg.profile values (1)"):
        with pytest.raises(LakeQueryFailed):
            await lake.run(wrong)
    with pytest.raises(LakeQueryFailed):
        await lake.script(["create table lake.half (n integer)", "insert into lake.half values ('no number')"])
    with pytest.raises(LakeQueryFailed):
        await lake.run("from lake.half")


async def test_scripts_in_conflict_are_tried_again(lake: LakeClient) -> None:
    await lake.script(["create table lake.counter (n integer)", "insert into lake.counter values (0)"])
    await asyncio.gather(*(lake.script(["update lake.counter set n = n + 1"], attempts=12) for _ in range(4)))
    assert await lake.run("select n from lake.counter") == [(4,)]


async def test_a_transaction_sees_one_state_and_conflicts(lake: LakeClient) -> None:
    await lake.script(["create table lake.counter (n integer)", "insert into lake.counter values (0)"])
    with pytest.raises(LakeConflict):
        async with lake.transaction() as one:
            assert await one.run("select n from lake.counter") == [(0,)]
            await lake.script(["update lake.counter set n = 5"])
            assert await one.run("select n from lake.counter") == [(0,)]
            await one.run("update lake.counter set n = 6")
    assert await lake.run("select n from lake.counter") == [(5,)]
    with pytest.raises(ZeroDivisionError):
        async with lake.transaction() as one:
            await one.run("update lake.counter set n = 7")
            raise ZeroDivisionError
    assert await lake.run("select n from lake.counter") == [(5,)]


async def test_variables_are_read_in_the_same_transaction(lake: LakeClient) -> None:
    written = transaction_variable("lake_test_words", "select 'select ' || 40 || ' + 2'")
    assert await lake.run(f"select * from postgres_query('pg', {written})") == [(42,)]
    with pytest.raises(ValueError, match="twice"):
        transaction_variable("lake_test_words", "select 1")
    with pytest.raises(LakeQueryFailed):
        await lake.run("select getvariable('nobody_defined_this')")


async def test_a_new_process_is_found_again(database_url: str, tmp_path: Path) -> None:
    socket = tmp_path / "s"
    process = await asyncio.to_thread(start_lake, database_url, tmp_path, socket=socket)
    client = LakeClient(socket)
    assert await client.ready()
    os.kill(process.child.pid, signal.SIGKILL)
    process.child.wait()
    assert not await client.ready()
    with pytest.raises(LakeUnavailable):
        await client.run("select 1")
    process = await asyncio.to_thread(start_lake, database_url, tmp_path, socket=socket)
    assert await client.run("select count(*) from lake.event") == [(0,)]
    await client.close()
    await asyncio.to_thread(process.close)


async def test_starting_says_why_it_cannot(tmp_path: Path) -> None:
    with pytest.raises(LakeUnavailable, match="did not start"):
        await asyncio.to_thread(start_lake, "host=/nowhere dbname=none", tmp_path)


async def test_it_ends_with_its_parent(database_url: str, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from antiphon.foundation.lake import start_lake\n"
        "p = start_lake(sys.argv[1], Path(sys.argv[2]), socket=Path(sys.argv[2]) / 's')\n"
        "print(p.child.pid, flush=True); time.sleep(60)"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, database_url, str(tmp_path), stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    for _ in range(600):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            break
        await asyncio.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("the lake outlived its parent")
    assert not (tmp_path / "s").exists()


async def test_nothing_is_downloaded_and_home_stays_untouched(lake: LakeClient, tmp_path: Path) -> None:
    settings = dict(
        await lake.run(
            "select name, value from duckdb_settings() where name in ('extension_directory', 'autoinstall_known_extensions', "
            "'autoload_known_extensions', 'memory_limit', 'threads', 'TimeZone', 'home_directory')"
        )
    )
    assert settings["autoinstall_known_extensions"] == settings["autoload_known_extensions"] == "false"
    assert settings["extension_directory"].startswith(str(tmp_path)) and settings["home_directory"].startswith(str(tmp_path))
    assert settings["threads"] == "2" and settings["TimeZone"] == "UTC" and settings["memory_limit"] == "953.6 MiB"
    assert extension_file("ducklake").is_file()
    with pytest.raises(LakeUnavailable, match="not installed"):
        extension_file("nonesuch")
