"""The demo as a new user meets it: a headless run reconciles; a live one continues, and ends without leaving anything."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.running import MARK, processes_of, wait_for


def environment(data: Path) -> dict[str, str]:
    dropped = ("ANTIPHON_", "MAKE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return env | {"ANTIPHON_DATA_DIR": str(data), MARK: str(data)}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "demo data"
    yield folder
    for process in processes_of(folder):
        process.kill()


def headless(data: Path, *more: str, customers: int = 150) -> dict[str, object]:
    args = ["demo", "--headless", "--customers", str(customers), "--seed", "4", "--json", *more]
    done = subprocess.run(
        [sys.executable, "-m", "antiphon", *args],
        env=environment(data), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_headless_run_reconciles_and_repeats(data: Path) -> None:
    first = headless(data / "one")
    suppressed = sum(first["suppressed"].values())  # type: ignore[attr-defined]
    assert first["audience"] == first["sent"] + suppressed + first["failed"] + first["unknown"]  # type: ignore[operator]
    assert first["delivered"] + first["bounced"] == first["sent"]  # type: ignore[operator]
    assert first["sent"] <= first["sink_received"] <= first["sent"] + first["unknown"]  # type: ignore[operator]
    assert min(first[name] for name in ("sent", "opened", "clicked")) > 0  # type: ignore[type-var]
    log = (data / "one" / "mail" / "received.jsonl").read_bytes()
    assert log.count(b"\n") == first["sink_received"]
    again = headless(data / "two")
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert processes_of(data) == []


def live(data: Path, port: int) -> subprocess.Popen[bytes]:
    out = data.with_suffix(".out").open("ab")
    args = [sys.executable, "-m", "antiphon", "demo", "--customers", "40", "--port", str(port)]
    return subprocess.Popen(args, env=environment(data), stdout=out, stderr=out)


def shown(data: Path) -> str:
    return data.with_suffix(".out").read_text() if data.with_suffix(".out").exists() else ""


def test_a_live_demo_continues_and_leaves_nothing(data: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    demo = live(data, port)
    wait_for(lambda: "Finding those" in shown(data), 240)
    notes = json.loads((data / "demo.json").read_text())
    assert f"http://127.0.0.1:{port}" in shown(data) and notes["password"] in shown(data)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    wait_for(lambda: not processes_of(data), 240)
    for signum in (signal.SIGKILL, signal.SIGTERM):
        data.with_suffix(".out").unlink()
        demo = live(data, port)
        wait_for(lambda: notes["password"] in shown(data), 240)
        assert "customers arrive" not in shown(data)
        demo.send_signal(signum)
        demo.wait(60)
        wait_for(lambda: not processes_of(data), 240)
        assert demo.returncode == (-signum if signum == signal.SIGKILL else 0)


def test_fresh_removes_a_demo_and_nothing_else(data: Path, free_port: Callable[[], int]) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("years of work")
    args = [sys.executable, "-m", "antiphon", "demo", "--fresh", "--port", str(free_port())]
    done = subprocess.run(args, env=environment(data), capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 1 and "something other than a demo" in done.stderr and "Traceback" not in done.stderr
    assert (data / "thesis.txt").exists()


def test_fresh_starts_over(data: Path) -> None:
    """The second run has other customers than the first, and nothing of the first is in its figures or its mail."""
    first = headless(data, customers=60)
    secret, notes = (data / "secret.key").read_bytes(), json.loads((data / "demo.json").read_text())
    (data / "left.txt").write_text("of the first run")
    second = headless(data, "--fresh", customers=40)
    assert first["customers"] == 60 and second["customers"] == 40
    log = (data / "mail" / "received.jsonl").read_bytes()
    assert log.count(b"\n") == second["sink_received"]
    assert not (data / "left.txt").exists()
    assert (data / "secret.key").read_bytes() != secret
    assert json.loads((data / "demo.json").read_text())["password"] != notes["password"]


def test_a_taken_port_is_one_sentence_and_removes_nothing(data: Path) -> None:
    data.mkdir()
    (data / "demo.json").write_text("{}")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        args = [sys.executable, "-m", "antiphon", "demo", "--fresh", "--port", str(taken)]
        done = subprocess.run(args, env=environment(data), capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert f"Port {taken} on 127.0.0.1 is already in use" in done.stderr
    assert (data / "demo.json").exists() and processes_of(data) == []
