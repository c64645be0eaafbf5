"""Migrations: once, whole or not at all, unchanged; the phases before new code starts and after old code ended."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from antiphon.cli import serve
from antiphon.cli.installation import opened_database
from antiphon.cli.migrate import command
from antiphon.foundation.config import Settings
from antiphon.foundation.postgres import migrate
from antiphon.foundation.postgres.migrate import MigrationChanged, MigrationFailed, migration_files

pytestmark = pytest.mark.store
FILES = {
    "0001_first.pre.sql": "create table first (id int, old int); insert into first values (1, 1);",
    "0001_first.post.sql": "alter table first drop column old;",
    "0002_second.pre.sql": "alter table first add column new int;",
}


@pytest.fixture
def empty(postgres_url: str) -> Iterator[str]:
    """The address of a database with nothing in it."""
    name = "antiphon_migrations_test"
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)')
        conn.execute(f'create database "{name}"')
        yield make_conninfo(postgres_url, dbname=name)
        conn.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "migrations"
    made.mkdir()
    for name, text in FILES.items():
        made.joinpath(name).write_text(text)
    monkeypatch.setattr(sys.modules[migration_files.__module__], "migrations_dir", lambda: made)
    return made


def rows(url: str, sql: str) -> list[Any]:
    with psycopg.connect(url) as conn:
        return conn.execute(sql).fetchall()


def columns(url: str) -> set[str]:
    return {name for (name,) in rows(url, "select column_name from information_schema.columns where table_name = 'first'")}


async def test_each_runs_once_in_the_order_of_numbers(empty: str, folder: Path) -> None:
    assert await migrate(empty) == ["0001_first.pre.sql", "0001_first.post.sql", "0002_second.pre.sql"]
    assert await migrate(empty) == []
    assert columns(empty) == {"id", "new"}
    kept = dict(rows(empty, "select name, sha256 from migration"))
    assert kept == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in migration_files(folder)}


async def test_an_edited_one_is_refused_before_anything_runs(empty: str, folder: Path) -> None:
    folder.joinpath("0002_second.pre.sql").rename(folder / "later")
    await migrate(empty)
    folder.joinpath("later").rename(folder / "0002_second.pre.sql")
    edited = folder / "0001_first.pre.sql"
    edited.write_text(edited.read_text() + "-- only a word more\n")
    folder.joinpath("0000_earlier.pre.sql").write_text("create table earlier ()")
    with pytest.raises(MigrationChanged, match="0001_first.pre.sql was changed after it ran"):
        await migrate(empty)
    assert columns(empty) == {"id"}
    assert rows(empty, "select to_regclass('earlier')") == [(None,)]


async def test_a_failing_one_leaves_nothing_of_itself_and_is_tried_again(empty: str, folder: Path) -> None:
    broken = folder / "0002_second.pre.sql"
    broken.write_text("alter table first add column new int; select 1 / (select count(*) from first where id = 7);")
    with pytest.raises(MigrationFailed, match="0002_second.pre.sql failed: division by zero"):
        await migrate(empty)
    assert columns(empty) == {"id"}
    assert [name for (name,) in rows(empty, "select name from migration order by 1")] == ["0001_first.post.sql", "0001_first.pre.sql"]
    broken.write_text(FILES[broken.name])
    assert await migrate(empty) == [broken.name]


async def test_it_does_not_wait_for_a_lock_for_ever(empty: str, folder: Path) -> None:
    await migrate(empty)
    folder.joinpath("0003_third.pre.sql").write_text("set local lock_timeout = '50ms'; alter table first add column third int")
    with psycopg.connect(empty) as reader:
        reader.execute("select * from first")
        with pytest.raises(MigrationFailed, match="0003_third.pre.sql failed: canceling statement due to lock timeout"):
            await migrate(empty)
    folder.joinpath("0003_third.pre.sql").write_text("do $$ begin assert current_setting('lock_timeout') = '10s'; end $$")
    assert await migrate(empty) == ["0003_third.pre.sql"]


def test_the_command_runs_one_phase(empty: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_DATABASE_URL", empty)
    said = CliRunner().invoke(command, ["--phase", "pre"], catch_exceptions=False)
    assert said.output.splitlines() == ["applied 0001_first.pre.sql", "applied 0002_second.pre.sql"]
    assert columns(empty) == {"id", "old", "new"}
    assert CliRunner().invoke(command, ["--phase", "pre"]).output == "nothing to do\n"
    assert CliRunner().invoke(command, ["--phase", "post"]).output == "applied 0001_first.post.sql\n"
    assert columns(empty) == {"id", "new"}


@pytest.mark.parametrize("ready", [True, False])
def test_serving_runs_what_is_before_at_its_start_and_what_is_after_once_it_is_ready(
    empty: str, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, ready: bool
) -> None:
    settings = msgspec.structs.replace(settings, database_url=empty)
    with opened_database(settings, "pre") as (url, _):
        assert columns(empty) == {"id", "old", "new"}
        monkeypatch.setattr(serve, "wait_ready", lambda *_: ready)
        serve._announce(settings, url, SimpleNamespace(stopping=False))  # type: ignore[arg-type]
        assert columns(empty) == ({"id", "new"} if ready else {"id", "old", "new"})
