"""`antiphon serve` as an operator meets it: it becomes ready, says what is wrong in one sentence, and leaves nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.cli.running import MARK, processes_of, wait_for


def environment(data: Path, port: int, **more: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
    return env | {"ANTIPHON_DATA_DIR": str(data), "ANTIPHON_PORT": str(port), MARK: str(data)} | more


def parts(server: subprocess.Popen[bytes]) -> dict[str, int]:
    """What the server runs now: the process id of each part by its name. One that is just beginning has none yet."""
    found = {}
    for process in psutil.Process(server.pid).children():
        with suppress(psutil.Error):  # it ended meanwhile
            line = process.cmdline()
            for name in ("antiphon.foundation.lake.process", "worker", "api"):
                if name in line and process.status() != psutil.STATUS_ZOMBIE:
                    found[name.split(".")[-2:][0]] = process.pid
    return found


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "the data"
    yield folder
    for process in processes_of(folder):
        process.kill()


def serve(data: Path, port: int, **more: str) -> subprocess.Popen[bytes]:
    log = data.with_suffix(".log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "antiphon", "serve"], env=environment(data, port, **more), stdout=log, stderr=log
    )


def refusal(data: Path, port: int, **more: str) -> str:
    """What `serve` says when it does not start: one sentence, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "antiphon", "serve"], env=environment(data, port, **more), capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_serves_and_comes_back_after_a_kill_and_ends_cleanly(data: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        server = serve(data, port)
        wait_for(lambda: answers(port), 180)
        wait_for(lambda: "In a second terminal: antiphon owner" in data.with_suffix(".log").read_text(), 180)
        assert len(processes_of(data)) >= 5
        server.send_signal(signum)
        server.wait(180)
        wait_for(lambda: not processes_of(data), 180)
        assert server.returncode == (-signum if signum == signal.SIGKILL else 0)


def test_a_killed_part_comes_back(data: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    server = serve(data, port)
    wait_for(lambda: answers(port), 180)
    wait_for(lambda: parts(server).keys() == {"worker", "lake", "api"}, 180)
    before = parts(server)
    killed = [before["worker"], before["lake"]]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: (now := parts(server)).keys() == before.keys() and not set(killed) & set(now.values()), 180)
    wait_for(lambda: answers(port), 180)
    server.terminate()
    assert server.wait(180) == 0
    wait_for(lambda: not processes_of(data), 180)


def test_a_killed_database_comes_back_with_everything(data: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    server = serve(data, port)
    wait_for(lambda: answers(port), 180)
    postmaster = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    wait_for(lambda: not answers(port), 180)
    wait_for(lambda: answers(port), 180)
    server.terminate()
    assert server.wait(180) == 0
    wait_for(lambda: not processes_of(data), 180)


def test_a_taken_port_is_one_sentence(data: Path, free_port: Callable[[], int]) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert f"Port {taken} on 127.0.0.1 is already in use" in refusal(data, taken)
        assert "set ANTIPHON_BOUNCE_PORT to another" in refusal(data, free_port(), ANTIPHON_BOUNCE_PORT=str(taken))
    assert not (data / "postgres").exists()


def test_an_unusable_folder_is_one_sentence(data: Path, free_port: Callable[[], int]) -> None:
    data.write_text("a file")
    assert "cannot be written to" in refusal(data, free_port())


def test_a_wrong_setting_is_one_sentence(data: Path, free_port: Callable[[], int]) -> None:
    assert "setting worker_processes" in refusal(data, free_port(), ANTIPHON_WORKER_PROCESSES="many")


def test_an_unreachable_database_is_one_sentence(data: Path, free_port: Callable[[], int]) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    assert "antiphon:" in refusal(data, free_port(), ANTIPHON_DATABASE_URL=url)
