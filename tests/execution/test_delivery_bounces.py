"""Bounces by LMTP, by SMTP and out of an IMAP mailbox, each from a real client or server; accepted means noted."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.execution.cast import add_account
from tests.execution.test_channels_email_bounces import ARF, dsn
from tests.execution.test_delivery_hearing import events, hearing, person, rows, sent

from antiphon.execution.channels.email import listen
from antiphon.execution.delivery import bounces
from antiphon.execution.delivery.bounces import MAILBOX_LOOP, Postbox, open_postbox
from antiphon.execution.delivery.hearing import Hearing
from antiphon.foundation.context import Context
from antiphon.foundation.errors import BadSettings
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store
_ = hearing  # the fixture


@pytest.fixture
async def postbox(ctx: Context, hearing: Hearing) -> AsyncIterator[int]:
    """The port the postbox listens on."""
    box = Postbox(ctx)
    ctx.put(Postbox, box)
    server = await listen(box, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


def hand_in(port: int, to: str, mail: bytes, kind: type[smtplib.SMTP] = smtplib.SMTP) -> None:
    with kind("127.0.0.1", port) as client:
        client.sendmail("", [to], mail)


@pytest.mark.parametrize("kind", [smtplib.SMTP, smtplib.LMTP])
async def test_a_bounce_is_noted_before_it_is_accepted(
    ctx: Context, hearing: Hearing, postbox: int, kind: type[smtplib.SMTP]
) -> None:
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    await asyncio.to_thread(hand_in, postbox, path, dsn(to=path), kind)
    (row,) = await rows(ctx, "select state, detail from delivery")
    assert row["state"] == "bounced" and "550 5.1.1 user unknown" in row["detail"]
    assert await rows(ctx, "select address, reason from suppression") == [
        {"address": f"p{who}@example.com", "reason": "hard_bounce"}
    ]


async def test_a_full_mailbox_is_no_reason_never_to_write_again(ctx: Context, hearing: Hearing, postbox: int) -> None:
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    await asyncio.to_thread(hand_in, postbox, path, dsn(status="5.2.2", diagnostic="smtp; 552 full"))
    assert await rows(ctx, "select state from delivery") == [{"state": "bounced"}]
    assert await rows(ctx, "select * from suppression") == []


async def test_a_complaint_comes_to_a_mailbox_of_its_own(ctx: Context, hearing: Hearing, postbox: int) -> None:
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    mail = ARF.format(kind="abuse", path=path).encode()
    await asyncio.to_thread(hand_in, postbox, "abuse@shop.example", mail)
    assert await rows(ctx, "select reason from suppression") == [{"reason": "complaint"}]


@pytest.mark.parametrize("kind", [smtplib.SMTP, smtplib.LMTP])
async def test_mail_for_others_and_forged_paths_are_refused(
    ctx: Context, hearing: Hearing, postbox: int, kind: type[smtplib.SMTP]
) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    path = hearing.tracker.return_path(delivery, who, "shop.example")
    forged = f"b+{'a' if path[2] != 'a' else 'b'}{path[3:]}"
    for address in ("victim@elsewhere.example", "b+nonsense@shop.example", forged):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(hand_in, postbox, address, dsn(), kind)
    forged_inside = ARF.format(kind="abuse", path=forged).encode()
    for mail in (forged_inside, dsn(to=forged)):  # taken, and not believed
        await asyncio.to_thread(hand_in, postbox, "abuse@shop.example", mail, kind)
    assert await rows(ctx, "select state, complained_at from delivery") == [{"state": "sent", "complained_at": None}]
    assert await rows(ctx, "select * from suppression") == [] and await events(ctx) == []


async def test_what_cannot_be_stored_is_not_accepted(
    ctx: Context, hearing: Hearing, postbox: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    with monkeypatch.context() as patch:

        async def fail(_: object) -> bool:
            raise RuntimeError("the database is away")

        patch.setattr(hearing, "hear_all", fail)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await asyncio.to_thread(hand_in, postbox, path, dsn())
        assert refused.value.smtp_code == 451
    assert await rows(ctx, "select state from delivery") == [{"state": "sent"}]


async def test_what_is_larger_than_any_mail_is_refused(ctx: Context, hearing: Hearing, postbox: int) -> None:
    path = hearing.tracker.return_path(1, 1, "shop.example")
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        await asyncio.to_thread(hand_in, postbox, path, b"Subject: x\r\n\r\n" + (b"x" * 900 + b"\r\n") * 56_000)
    assert refused.value.smtp_code == 552


async def test_workers_of_one_machine_share_the_port_and_the_rest_take_over(
    ctx: Context, hearing: Hearing, free_port: Callable[[], int]
) -> None:
    import msgspec

    ctx.settings = msgspec.structs.replace(ctx.settings, bounce_port=free_port())
    people = [await person(ctx, n) for n in range(1, 13)]
    paths = [hearing.tracker.return_path(await sent(ctx, who), who, "shop.example") for who in people]
    async with open_postbox(ctx):
        async with open_postbox(ctx):
            for path in paths[:6]:
                await asyncio.to_thread(hand_in, ctx.settings.bounce_port, path, dsn(to=path))
        for path in paths[6:]:
            await asyncio.to_thread(hand_in, ctx.settings.bounce_port, path, dsn(to=path))
    assert {row["state"] for row in await rows(ctx, "select state from delivery")} == {"bounced"}
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(hand_in, ctx.settings.bounce_port, paths[0], dsn())


async def test_a_taken_port_is_one_clear_sentence(ctx: Context, hearing: Hearing) -> None:
    import msgspec

    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ctx.settings = msgspec.structs.replace(ctx.settings, bounce_port=port)
    with pytest.raises(BadSettings, match=f"cannot be received on 127.0.0.1:{port}"):
        async with open_postbox(ctx):
            pass
    server.close()


@pytest.fixture
async def imap(free_port: Callable[[], int], tmp_path: Path) -> AsyncIterator[int]:
    """A real IMAP server with an empty mailbox of demouser."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict", "--demo-data",  # noqa: E501
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    try:
        for _ in range(300):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield port
    finally:
        process.kill()
        await process.wait()


def mailbox(port: int) -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login("demouser", "demopass")
    client.select("INBOX")
    return client


async def test_bounces_are_read_out_of_a_mailbox_once(ctx: Context, hearing: Hearing, imap: int, monkeypatch: Any) -> None:
    ctx.put(Postbox, Postbox(ctx))
    people = [await person(ctx, n) for n in (1, 2, 3)]
    paths = [hearing.tracker.return_path(await sent(ctx, who), who, "shop.example") for who in people]

    def fill() -> None:
        client = mailbox(imap)
        client.store("1:*", "+FLAGS", "\\Seen")  # the server's own demonstration mails
        client.append("INBOX", "", "", dsn(to=paths[0]))  # type: ignore[arg-type]
        client.append("INBOX", "", "", b"Subject: Re: hello\r\n\r\nThank you!\r\n")  # type: ignore[arg-type]
        client.append("INBOX", "", "", b"Delivered-To: " + paths[1].encode() + b"\r\n" + dsn(to="mailer@shop.example"))  # type: ignore[arg-type]
        client.logout()

    await asyncio.to_thread(fill)
    await add_account(
        ctx, "email", host="127.0.0.1", from_email="shop@shop.example", imap_host="127.0.0.1", imap_port=imap,
        imap_security="none", imap_username="demouser",
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        from antiphon.execution.channels.registry import Channels

        seal = ctx.get(Channels).seal
        await conn.execute("update channel_account set sealed = %s", (seal.close({"imap_password": "demopass"}, "email"),))
    seen: list[bytes] = []
    receive = Postbox.receive

    async def note(self: Postbox, address: str | None, mail: bytes, account_id: int = 0, **more: Any) -> None:
        seen.append(mail)
        await receive(self, address, mail, account_id, **more)

    monkeypatch.setattr(bounces.Postbox, "receive", note)
    await run_until_idle(ctx, [MAILBOX_LOOP])
    states = [r["state"] for r in await rows(ctx, "select state from delivery order by id")]
    assert states == ["bounced", "bounced", "sent"]
    assert len(seen) == 3
    await run_until_idle(ctx, [MAILBOX_LOOP])
    assert len(seen) == 3

    def unread() -> list[bytes]:
        client = mailbox(imap)
        found = client.uid("SEARCH", "UNSEEN")[1]
        client.logout()
        return [uid for uid in found[0].split()] if found and found[0] else []

    assert await asyncio.to_thread(unread) == []


async def test_a_mailbox_that_cannot_be_read_does_not_stop_the_others(
    ctx: Context, hearing: Hearing, free_port: Callable[[], int]
) -> None:
    await add_account(
        ctx,
        "email",
        host="127.0.0.1",
        from_email="a@shop.example",
        imap_host="127.0.0.1",
        imap_port=free_port(),
        imap_security="none",
    )
    await run_until_idle(ctx, [MAILBOX_LOOP])


async def test_an_answer_is_the_customers_and_its_deliverys(ctx: Context, hearing: Hearing, postbox: int) -> None:
    """Out of a mail to the sender's address: quotes gone, the delivery known by what it answers, the customer's history told."""
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    await add_account(ctx, "email", host="127.0.0.1", from_email="shop@shop.example")
    mail = (
        f"From: Ann <p{who}@example.com>\r\nTo: shop@shop.example\r\nSubject: Re: News\r\nMessage-ID: <9@example.com>\r\n"
        f"In-Reply-To: <{path}>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "Да, хочу.\r\n\r\nпн, 1 июн. 2026 г. в 12:30, The Shop <shop@shop.example>:\r\n\r\n> Новости\r\n"
    ).encode()
    for _ in range(2):  # the same mail again is the same answer
        await asyncio.to_thread(hand_in, postbox, "shop@shop.example", mail)
    (row,) = await rows(ctx, "select replied_at, state from delivery")
    assert row["replied_at"] is not None
    told = [event for event in await events(ctx) if event["event"] == "Email Replied"]
    assert len(told) == 1 and told[0]["properties"]["text"] == "Да, хочу."


async def test_an_out_of_office_answer_is_none(ctx: Context, hearing: Hearing, postbox: int) -> None:
    who = await person(ctx)
    path = hearing.tracker.return_path(await sent(ctx, who), who, "shop.example")
    mail = f"From: Ann <p{who}@example.com>\r\nSubject: Automatic reply: News\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{path}>\r\n\r\nAway"
    await asyncio.to_thread(hand_in, postbox, path, mail.encode())
    assert (await rows(ctx, "select replied_at from delivery"))[0]["replied_at"] is None


async def test_mail_for_others_is_not_taken(ctx: Context, hearing: Hearing, postbox: int) -> None:
    await add_account(ctx, "email", host="127.0.0.1", from_email="shop@shop.example", reply_to="answers@shop.example")
    for stranger in ("shop@shop.example", "somebody@else.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(hand_in, postbox, stranger, b"From: a@x.example\r\n\r\nhi")
    await asyncio.to_thread(hand_in, postbox, "Answers@Shop.example", b"From: a@x.example\r\n\r\nhi")
