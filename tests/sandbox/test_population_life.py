"""Customers acting on their mail, against a small real HTTP server and the sandbox's own mail server."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs

from antiphon.sandbox.email import MailLog, Rates, read_received
from antiphon.sandbox.email.server import Mailboxes, start_mail_server
from antiphon.sandbox.population.letter import read_letter
from antiphon.sandbox.population.life import Life, World, arrive, read_progress
from antiphon.sandbox.population.model import customer
from antiphon.sandbox.population.reach import Reach

PAGE = (
    b'<form method="post" action="/u/token?x=1&amp;y=2"><input type="hidden" name="all" value="yes">'
    b'<button name="go" value="1">Leave</button></form>'
)


class Site:
    """An HTTP server that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.busy = 0
        self.base = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line = (await reader.readline()).decode()
                if not line:
                    break
                method, path, _ = line.split(" ")
                headers = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if self.busy:
                    self.busy -= 1
                    writer.write(b"HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n")
                    continue
                self.asked.append((method, path, headers, body))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(PAGE), PAGE))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    def paths(self, method: str) -> list[str]:
        return [path for found, path, _, _ in self.asked if found == method]


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    made = Site()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()


def mail(base: str, to: str, subject: str = "Hello") -> bytes:
    return (
        f"From: shop@example.com\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{to}>\r\n"
        f"List-Unsubscribe: <mailto:x@example.com>, <{base}/u/token>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        "Content-Type: text/html; charset=utf-8\r\n\r\n"
        f'<p><a href="{base}/c/one">One</a> <a href="https://elsewhere.example/">Not ours</a>'
        f' <a href="{base}/u/token">Leave</a>'
        f'<img src="{base}/o/pixel.gif"><img src="https://elsewhere.example/x.png"></p>'
    ).encode()


def world(base: str, tmp_path: Path, **more: float) -> World:
    return World(
        seed=1, customers=60, base=base, mail=tmp_path / "mail", folder=tmp_path, bounce_host="127.0.0.1", bounce_port=9,
        patience=0, deeds_per_second=more.get("deeds", 0),
    )  # fmt: skip


def test_a_letter_as_customers_see_it() -> None:
    letter = read_letter(mail("http://here", "c0000001@post.example.net"), "http://here")
    assert letter.images == ["http://here/o/pixel.gif"]
    assert letter.links == ["http://here/c/one"]
    assert letter.one_click == letter.unsubscribe_page == "http://here/u/token"


async def test_customers_arrive_with_their_history(tmp_path: Path) -> None:
    async with site() as server, Reach(server.base, "key") as reach:
        server.busy = 2
        await arrive(world(server.base, tmp_path), reach)
    calls = [call for _, path, _, body in server.asked if path == "/v1/batch" for call in json.loads(body)["batch"]]
    assert [call["type"] for call in calls].count("identify") == 60
    assert len({call["messageId"] for call in calls}) == len(calls) > 200
    assert server.asked[0][2]["authorization"] == "Basic " + base64.b64encode(b"key:").decode()


async def test_they_open_click_buy_and_leave_only_at_our_addresses(tmp_path: Path) -> None:
    log = MailLog(tmp_path / "mail")
    async with site() as server, Reach(server.base, "key") as reach:
        for number in range(1, 201):
            to = customer(1, number).email
            await log.append("b+x@example.com", [to], mail(server.base, to), "bounce" if number == 200 else None)
        living = asyncio.create_task(Life(world(server.base, tmp_path), reach).run())
        async with asyncio.timeout(120):
            while read_progress(tmp_path).mails < 200:
                await asyncio.sleep(0.05)
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
    log.close()
    opened, clicked = server.paths("GET").count("/o/pixel.gif"), server.paths("GET").count("/c/one")
    assert 60 < opened < 140 and 10 < clicked < opened
    assert server.paths("POST").count("/v1/batch") > 0
    assert read_progress(tmp_path).position == (tmp_path / "mail" / "received.jsonl").stat().st_size


async def test_one_click_and_page(tmp_path: Path) -> None:
    async with site() as server, Reach(server.base, "key") as reach:
        await reach.leave_by_one_click(f"{server.base}/u/token")
        await reach.leave_by_page(f"{server.base}/u/token")
    assert server.asked[0][3] == b"List-Unsubscribe=One-Click"
    assert server.asked[1][0] == "GET"
    assert server.asked[2][1] == "/u/token?x=1&y=2"
    assert parse_qs(server.asked[2][3].decode()) == {"all": ["yes"], "go": ["1"]}


async def test_a_complaint_is_an_abuse_report_to_the_return_path(tmp_path: Path) -> None:
    from antiphon.sandbox.population.reach import complain

    away = MailLog(tmp_path / "away")
    entry = await away.append("b+token@bounces.example.com", ["c0000001@post.example.net"], mail("http://h", "c@x"), None)
    away.close()
    log = MailLog(tmp_path / "home")
    server, port = await start_mail_server(Mailboxes(log, 1, Rates()))
    await asyncio.to_thread(complain, "127.0.0.1", port, entry, mail("http://h", "c@x"), lmtp=False)
    server.close()
    log.close()
    [(_, report, content)] = read_received(tmp_path / "home")
    assert report.recipients == ["b+token@bounces.example.com"]
    assert b"Feedback-Type: abuse" in content and b"Original-Rcpt-To: <c0000001@post.example.net>" in content
