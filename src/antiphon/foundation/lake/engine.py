"""DuckDB with DuckLake: opened once a process, asked through one cursor a connection."""

from __future__ import annotations

import importlib.util
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import duckdb
import msgspec
import numpy as np

from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake.errors import (
    LakeConflict,
    LakeMigrationFailed,
    LakeQueryFailed,
    LakeTimeout,
    LakeUnavailable,
)
from antiphon.foundation.lake.protocol import IDS, Request, Statement, array, column, pack
from antiphon.foundation.lake.storage import ObjectStorage

CATALOGUE = "lake_catalogue"  # the schema in PostgreSQL that holds DuckLake's tables
_LOST = re.compile(
    r"connection to server|server closed|terminating connection|no connection to the server|could not connect|"
    r"the database system is|SSL connection has been closed|Connection refused|lost synchronization",
    re.IGNORECASE,
)
_CONFLICT = re.compile(r"conflict|could not serialize|deadlock detected|already exists|duplicate key|concurrently", re.IGNORECASE)


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the lake is and what it may use."""

    database_url: str
    data_path: str
    state_path: str  # scratch: spilled intermediate results, the (empty) extension folder
    memory: str = "1GB"
    threads: int = 2
    migrations: str = ""
    storage: ObjectStorage | None = None


def extension_file(name: str) -> Path:
    """The extension shipped in the wheel made for this very DuckDB. LakeUnavailable when there is none."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise LakeUnavailable(f"the package duckdb-extension-{name.replace('_', '-')} is not installed")
    path = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.is_file():
        raise LakeUnavailable(f"duckdb-extension-{name.replace('_', '-')} is not made for DuckDB {duckdb.__version__}")
    return path


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def open_engine(settings: EngineSettings) -> duckdb.DuckDBPyConnection:
    """The engine with the lake attached as `lake` and PostgreSQL, read-only, as `pg`; its migrations applied."""
    state = Path(settings.state_path)
    for folder in (state / "extensions", state / "spill"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if "://" not in settings.data_path:
        Path(settings.data_path).mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "extension_directory": str(state / "extensions"),
            "home_directory": str(state),
            "temp_directory": str(state / "spill"),
            "memory_limit": settings.memory,
            "threads": str(settings.threads),
            "preserve_insertion_order": "false",
        },
    )
    names = ["postgres_scanner", "ducklake"] + (["httpfs"] if "://" in settings.data_path else [])
    for name in names:
        engine.execute(f"load {quoted(str(extension_file(name)))}")
    engine.execute("set global TimeZone = 'UTC'")
    engine.execute("set global pg_pool_max_connections = 32")
    if settings.storage is not None:
        _give_key(engine, settings.storage)
    _patiently(lambda: _attach(engine, settings))
    _patiently(lambda: migrate_lake(engine, Path(settings.migrations)) if settings.migrations else None)
    return engine


def _give_key(engine: duckdb.DuckDBPyConnection, storage: ObjectStorage) -> None:
    """Let the engine reach the storage. The key stays in its memory, and out of every message."""
    options = {
        "key_id": storage.key_id, "secret": storage.secret, "region": storage.region, "url_style": storage.url_style,
    } | ({"endpoint": storage.endpoint} if storage.endpoint else {})  # fmt: skip
    given = ", ".join(f"{name} {quoted(value)}" for name, value in options.items())
    try:
        engine.execute(f"create secret lake_storage (type s3, {given}, use_ssl {str(storage.secure).lower()})")
    except duckdb.Error:
        raise LakeUnavailable("the engine does not take the settings of the lake's S3 storage") from None


def _attach(engine: duckdb.DuckDBPyConnection, settings: EngineSettings) -> None:
    for name in ("lake", "pg"):
        engine.execute(f"detach database if exists {name}")
    path = settings.data_path.rstrip("/") + "/"
    engine.execute(
        f"attach {quoted('ducklake:postgres:' + settings.database_url)} as lake "
        f"(data_path {quoted(path)}, override_data_path true, metadata_schema {quoted(CATALOGUE)})"
    )
    engine.execute(f"attach {quoted(settings.database_url)} as pg (type postgres, read_only)")


def _patiently(work: Callable[[], object]) -> None:
    """Two processes may be first at once: whoever loses tries again and finds the other's work done."""
    for attempt in range(8):
        try:
            work()
            return
        except (duckdb.Error, LakeMigrationFailed) as failed:
            if attempt == 7 or not _CONFLICT.search(str(failed)):
                raise
            time.sleep(0.1 * 1.7**attempt)


def migrate_lake(engine: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Apply `NNNN_name.sql` files that have not run yet, each in one lake transaction. Returns the names applied."""
    cursor = engine.cursor()
    cursor.execute("create table if not exists lake.migration (name varchar)")
    applied: list[str] = []
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        with transaction(cursor):
            if cursor.execute("select 1 from lake.migration where name = ?", [path.name]).fetchone():
                continue
            try:
                cursor.execute(path.read_text())
                cursor.execute("insert into lake.migration values (?)", [path.name])
            except duckdb.Error as failed:
                raise LakeMigrationFailed(name=path.name, why=str(failed)) from failed
            applied.append(path.name)
    cursor.close()
    return applied


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One transaction on a cursor: committed at the end, rolled back on an error."""
    cursor.execute("begin")
    try:
        yield
        cursor.execute("commit")
    except BaseException:
        roll_back(cursor)
        raise


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End whatever transaction the cursor is in. A failed commit has ended it already."""
    try:
        cursor.execute("rollback")
    except duckdb.Error:
        pass


def answer(cursor: duckdb.DuckDBPyConnection, request: Request) -> list[Any]:
    """The results of a request's statements, run in the transaction the cursor is in."""
    for name, columns in request.tables.items():
        cursor.register(name, {key: array(value) for key, value in columns.items()})
    try:
        for name, sql in request.variables:
            cursor.execute(f"set variable {name} = ({sql})")
        return [_result(cursor, statement) for statement in request.statements]
    finally:
        for name in request.tables:
            cursor.unregister(name)


def _result(cursor: duckdb.DuckDBPyConnection, statement: Statement) -> Any:
    match statement.shape:
        case "none":
            cursor.execute(statement.sql, statement.params or None)
            return None
        case "rows":
            return [[pack(value) for value in row] for row in cursor.execute(statement.sql, statement.params or None).fetchall()]
        case "ids":
            first = next(iter(_columns(cursor, statement).values()))
            return {IDS: column(np.asarray(first).astype(np.uint32, copy=False))}
        case "columns":
            return {name: column(values) for name, values in _columns(cursor, statement).items()}


def _columns(cursor: duckdb.DuckDBPyConnection, statement: Statement) -> dict[str, Any]:
    """A result of any size. TRICKY: `sql` works it out whole on all threads; `execute` hands it out bit by bit, on one."""
    found = cast("duckdb.DuckDBPyRelation | None", cursor.sql(statement.sql, params=statement.params or None))
    return {} if found is None else found.fetchnumpy()  # None: the statement was not a question


def translated(failed: BaseException, timeout: float) -> AntiphonError:
    """DuckDB's failure as ours."""
    text = str(failed).strip()
    if isinstance(failed, AntiphonError):
        return failed
    if isinstance(failed, duckdb.InterruptException):
        return LakeTimeout(seconds=f"{timeout:g}")
    if isinstance(failed, duckdb.Error) and _LOST.search(text):
        return LakeUnavailable(text)
    if isinstance(failed, duckdb.Error) and _CONFLICT.search(text) and not isinstance(failed, duckdb.BinderException):
        return LakeConflict(text)
    return LakeQueryFailed(text or type(failed).__name__)
