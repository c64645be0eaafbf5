"""What customers attach to their answers: bounded, named harmlessly, kept once, downloaded safely, forgotten with them."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from tests.execution.test_delivery_bounces import hand_in
from tests.execution.test_delivery_hearing import events, hearing, person, rows, sent

from antiphon.execution.channels.email import listen
from antiphon.execution.channels.email.digest import digest, digest_and_files
from antiphon.execution.channels.email.files import MOST_FILE, MOST_FILES, MOST_OCTETS, harmless
from antiphon.execution.delivery import ledger
from antiphon.execution.delivery.bounces import Postbox
from antiphon.execution.delivery.hearing import Hearing
from antiphon.foundation.context import Context

_ = hearing  # the fixture


def letter(*files: tuple[str, str, bytes], text: str = "See attached", number: str = "<1@x.example>", to: str = "shop@x.example") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "p1@example.com", to, "Re: order", number
    mail.set_content(text)
    for name, kind, octets in files:
        first, second = kind.split("/")
        mail.add_attachment(octets, maintype=first, subtype=second, filename=name)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_files_are_taken_out_of_a_mail() -> None:
    every = bytes(range(256)) * 40
    mail = letter(("счёт 1.pdf", "application/pdf", every), ("list.csv", "text/csv", b"a,b\r\n"), ("empty.bin", "application/x-y", b""))
    small, files = digest_and_files(mail)
    assert small == digest(mail) and len(small) < 3_000
    assert [(one.name, one.content_type, one.octets) for one in files] == [
        ("счёт 1.pdf", "application/pdf", every), ("list.csv", "text/csv", b"a,b\r\n"),
    ]  # fmt: skip
    assert digest_and_files(letter())[1] == ()


def test_so_many_and_so_large_at_most() -> None:
    many = digest_and_files(letter(*((f"{n}.bin", "image/png", b"x" * 100) for n in range(30))))[1]
    assert len(many) == MOST_FILES
    large = letter(("large.bin", "image/png", b"x" * (MOST_FILE + 1)), ("small.bin", "image/png", b"y"))
    assert [one.name for one in digest_and_files(large)[1]] == ["small.bin"], "one that is too large costs the others nothing"
    heavy = digest_and_files(letter(*((f"{n}.bin", "image/png", b"z" * 4_000_000) for n in range(5))))[1]
    assert 2 <= len(heavy) <= 3 and sum(len(one.octets) for one in heavy) <= MOST_OCTETS * 11 // 8


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\temp\\a.exe", "a.exe"), ("a\r\nSet-Cookie: b.txt", "a Set-Cookie_ b.txt"), ("", "attachment"),
        ("...", "attachment"), ('a"b<c>.txt', "a_b_c_.txt"), ("cod\u202efdp.exe", "cod_fdp.exe"), ("ж" * 300, "ж" * 120),
    ],
)  # fmt: skip
def test_names_are_harmless(name: str, kept: str) -> None:
    assert harmless(name) == kept


@pytest.mark.parametrize("head", [
    b"Content-Type: application/x; name*=bogus''%ff%fe\r\nContent-Transfer-Encoding: base64", b"Content-Type: application/\xff\xfe\r\n",
    b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: uuencode", b"Content-Disposition: attachment; filename==?x?q?=ff?=\r\nContent-Type: a/b",
])  # fmt: skip
def test_hostile_files_never_fail(head: bytes) -> None:
    mail = b'From: a@x.example\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + head + b"\r\n\r\n!!=\x00\xff\r\n--b--\r\n"
    _, files = digest_and_files(mail)
    assert len(files) <= 1 and all("\n" not in one.name for one in files)


@pytest.fixture
async def postbox(ctx: Context, hearing: Hearing) -> AsyncIterator[int]:
    box = Postbox(ctx)
    ctx.put(Postbox, box)
    server = await listen(box, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.store
async def test_an_answers_files_are_kept_once_exported_and_erased(ctx: Context, hearing: Hearing, postbox: int) -> None:
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    mail = letter(("a.png", "image/png", b"\x89PNG"), ("b.html", "text/html", b"<script>alert(1)</script>"), to=path)
    for _ in range(2):
        await asyncio.to_thread(hand_in, postbox, path, mail, smtplib.LMTP)
    kept = await rows(ctx, "select id, profile_id, name, content_type, size, octets from reply_file order by id")
    assert [(one["profile_id"], one["name"], one["content_type"], one["size"]) for one in kept] == [
        (who, "a.png", "image/png", 4), (who, "b.html", "text/html", 25),
    ]  # fmt: skip
    (told,) = [one for one in await events(ctx) if one["event"] == "Email Replied"]
    assert told["properties"]["attachments"][0] == {"id": kept[0]["id"], "name": "a.png", "content_type": "image/png", "size": 4}
    async with ctx.db.transaction() as conn:
        shown: Any = await ledger.export(ctx, conn, who)
        assert shown["attachments"][0]["base64"] == "iVBORw=="
        await ledger.erase(ctx, conn, who)
    assert await rows(ctx, "select * from reply_file") == []


@pytest.mark.store
async def test_a_strangers_files_are_not_kept(ctx: Context, hearing: Hearing, postbox: int) -> None:
    mail = letter(("a.png", "image/png", b"\x89PNG")).replace(b"p1@example.com", b"nobody@elsewhere.example")
    await asyncio.to_thread(hand_in, postbox, "abuse@shop.example", mail)
    await ctx.get(Postbox).receive("abuse@shop.example", mail, files=digest_and_files(mail)[1])
    assert await rows(ctx, "select * from reply_file") == []


@pytest.mark.store
async def test_a_download_is_a_file_and_never_a_page(ctx: Context, client: httpx.AsyncClient) -> None:
    async with ctx.db.transaction() as conn:
        for name, kind in (("счёт.pdf", "application/pdf"), ("page.html", "text/html")):
            await conn.execute(
                "insert into reply_file (profile_id, channel, name, content_type, size, octets, at) values (1, 'email', %s, %s, 3, %s, now())",
                (name, kind, b"abc"),
            )
    answer = await client.get("/v1/replies/files/1")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"abc", "application/pdf")
    assert answer.headers["content-disposition"] == "attachment; filename=\"____.pdf\"; filename*=UTF-8''%D1%81%D1%87%D1%91%D1%82.pdf"
    page = await client.get("/v1/replies/files/2")
    assert page.headers["content-type"] == "application/octet-stream" and page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert (await client.get("/v1/replies/files/3")).json()["code"] == "reply-file-unknown"
