"""A real api process told to stop ends its open streams and exits at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from antiphon.foundation.access import store
from antiphon.foundation.access.model import hash_token
from antiphon.foundation.ids import random_token
from antiphon.foundation.postgres import Database


@pytest.fixture
async def cookie(db: Database) -> str:
    token = random_token(32)
    async with db.transaction() as conn:
        person = await store.add_person(conn, "owner@example.com", "Owner", "owner", None)
        await store.open_session(conn, hash_token(token), person, timedelta(days=1), "127.0.0.1", "test")
    return token


@asynccontextmanager
async def api(database_url: str, folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {
        **os.environ, "ANTIPHON_DATABASE_URL": database_url, "ANTIPHON_DATA_DIR": str(folder), "ANTIPHON_PORT": str(port),
        "ANTIPHON_LAKE_SOCKET": str(folder / "nowhere"), "ANTIPHON_ROOMS_OFF": "", "ANTIPHON_LOG_FORMAT": "json",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "antiphon", "api", env=env)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def wait_alive(http: httpx.AsyncClient) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            if (await http.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the api did not start")


async def test_open_streams_do_not_hold_up_the_end(
    database_url: str, cookie: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    async with (
        api(database_url, tmp_path, port) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", cookies={"antiphon_session": cookie}, trust_env=False) as http,
    ):
        await wait_alive(http)
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "not-ready")  # there is no lake here
        async with http.stream("GET", "/v1/live", timeout=180) as stream:
            assert stream.status_code == 200
            lines = stream.aiter_lines()
            seen = [await anext(lines) for _ in range(4)]
            assert "event: overview" in seen
            told = time.monotonic()
            process.send_signal(signal.SIGTERM)
            rest: list[Any] = [line async for line in lines]
            ended = time.monotonic() - told
        assert await asyncio.wait_for(process.wait(), 120) == 0
        # A stream that was waited for would take the twenty seconds that requests get.
        assert ended < 12, f"the stream ended after {ended:.1f} s ({len(rest)} lines more)"
        assert time.monotonic() - told < 18
