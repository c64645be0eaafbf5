"""SIGTERM in the middle of the work: a request under way is answered, and whatever was answered is there afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.cli.running import processes_of, wait_for
from tests.cli.test_serve_lifecycle import answers, serve

from antiphon.foundation.access import SYSTEM, issue_key
from antiphon.foundation.embedded import running_url, start_postgres
from antiphon.foundation.postgres import Database

SENDERS = 4
BATCH = 20


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "the data"
    yield folder
    for process in processes_of(folder):
        process.kill()


async def make_key(url: str) -> str:
    db = await Database.open(url, name="test")
    async with db.transaction() as conn:
        await conn.execute("insert into source (id, name) values (7, 'Shop')")
        token = (await issue_key(conn, SYSTEM, name="Shop", kind="write", source_id=7)).token
    await db.close()
    return token


def batch(sender: int, number: int) -> tuple[list[str], bytes]:
    ids = [f"s{sender}-n{number}-{n}" for n in range(BATCH)]
    calls = [{"type": "track", "userId": f"u{sender}", "event": "Ping", "messageId": one} for one in ids]
    return ids, json.dumps({"batch": calls}).encode()


def half_sent(port: int, key: str, body: bytes) -> socket.socket:
    """A connection on which a batch has arrived by half."""
    basic = base64.b64encode(f"{key}:".encode()).decode()
    head = (
        f"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    sock = socket.create_connection(("127.0.0.1", port), timeout=180)
    sock.sendall(head.encode() + body[: len(body) // 2])
    return sock


def kept(data: Path) -> Counter[str]:
    """The ids of everything in the journal, after all has ended."""
    with start_postgres(data) as server, psycopg.connect(server.url) as conn:
        rows = conn.execute("select convert_from(payload, 'UTF8') from journal").fetchall()
    found: Counter[str] = Counter()
    for (text,) in rows:
        call = json.loads(text)
        found.update(one["messageId"] for one in call.get("batch", [call]))
    return found


def test_what_is_under_way_is_answered_and_what_was_answered_is_kept(data: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    server = serve(data, port, ANTIPHON_API_PROCESSES="2")
    wait_for(lambda: answers(port), 180)
    url = running_url(data)
    assert url is not None
    key = asyncio.run(make_key(url))
    accepted: list[str] = []
    errors: list[int] = []
    going = threading.Event()

    def send(sender: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=(key, ""), timeout=180) as http:
            for number in range(100_000):
                ids, body = batch(sender, number)
                try:
                    answer = http.post("/v1/batch", content=body, headers={"content-type": "application/json"})
                except httpx.TransportError:  # nobody listens any more: what was in it may or may not be there
                    return
                if answer.status_code == 200:
                    accepted.extend(ids)
                    going.set()
                elif answer.status_code != 503:
                    errors.append(answer.status_code)

    senders = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    assert going.wait(180)
    under_way_ids, body = batch(99, 0)
    under_way = half_sent(port, key, body)
    time.sleep(1.0)

    server.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    under_way.sendall(body[len(body) // 2 :])
    answered = under_way.recv(4096)
    under_way.close()
    assert answered.startswith(b"HTTP/1.1 200"), answered
    for sender in senders:
        sender.join(180)
    assert server.wait(180) == 0
    wait_for(lambda: not processes_of(data), 180)

    assert errors == []
    assert len(accepted) >= BATCH * SENDERS
    found = kept(data)
    assert set(accepted) | set(under_way_ids) <= set(found)
    assert set(found.values()) == {1}
