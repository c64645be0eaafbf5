"""The console in a real browser, on a real server with a mail server beside it, both started once.

Playwright keeps a loop of its own in the main thread once it has begun, so these tests run after all others.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from tests.browser.stage import PEOPLE, Console, Stage, set_stage, wait_for

ROOT = Path(__file__).parents[2]
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
EMAIL, PASSWORD = "owner@example.com", "correct horse battery"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last, and marked."""
    here = Path(__file__).parent
    ours = [item for item in items if here in Path(item.path).parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
    items[:] = [item for item in items if item not in set(ours)] + ours


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium; without one these tests are skipped, aloud."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed: the browser tests cannot run")
    if not (ROOT / "console" / "dist" / "index.html").exists() or not AXE.exists():
        pytest.skip("the console is not built: `make console` builds it")
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, Any]:
    return {"executable_path": chromium, "args": ["--no-sandbox", "--disable-dev-shm-usage"], "headless": True}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "color_scheme": "light", "reduced_motion": "reduce"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A real SMTP server that takes everything: its port, and the log of what it received."""
    folder = tmp_path_factory.mktemp("mail")
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "antiphon.sandbox.email", "--folder", str(folder), "--port", str(port)], cwd=ROOT
    )
    yield port, folder / "received.jsonl"
    _stop(process)


@pytest.fixture(scope="session")
def stage(chromium: str, mail: tuple[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server with an owner, a sender, twelve customers and what they did."""
    folder = tmp_path_factory.mktemp("browser")
    port = _free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
    env |= {"ANTIPHON_DATA_DIR": str(folder / "data"), "ANTIPHON_PORT": str(port), "ANTIPHON_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "antiphon"]
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen([*command, "serve"], env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_ready(base, server, folder / "serve.log")
            owner = ["owner", EMAIL, "--name", "Ada Owner", "--password", PASSWORD]
            subprocess.run([*command, *owner], env=env, cwd=ROOT, check=True, capture_output=True, timeout=180)
            yield set_stage(base, EMAIL, PASSWORD, mail[0], mail[1], folder / "data")
        finally:
            _stop(server)


def _wait_ready(base: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            if httpx.get(f"{base}/readyz", timeout=30).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"the server did not become ready: {log.read_text()[-2000:]}")


@pytest.fixture
def console(stage: Stage, page: Any) -> Iterator[Console]:
    """The console, signed in as the owner. A script error on any page fails the test."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_default_timeout(90_000)
    expect.set_options(timeout=90_000)
    page.context.add_cookies(stage.cookies())
    yield Console(page, stage, AXE.read_text())
    assert faults == []


@pytest.fixture
def topped_up(stage: Stage) -> dict[str, Any]:
    """The computed segment of everybody who topped up, all twelve."""
    found = stage.call("GET", "/v1/segments?search=Topped up")["items"]
    if not found:
        found = [stage.call("POST", "/v1/segments", {"name": "Topped up", "tree": {"kind": "event", "name": "Top Up", "op": "did"}})]
    return dict(wait_for(lambda: (one := stage.call("GET", f"/v1/segments/{found[0]['id']}"))["size"] == PEOPLE and one))


@pytest.fixture
def door(stage: Stage, page: Any) -> Console:
    """The console before sign-in."""
    page.set_default_timeout(90_000)
    return Console(page, stage, AXE.read_text())
