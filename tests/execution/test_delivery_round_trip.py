"""One whole turn: a message goes out over real SMTP, and what its reader does with it comes back."""

from __future__ import annotations

import asyncio
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from importlib import import_module
from typing import Any, cast

import httpx
import pytest
from tests.execution.cast import add_account, add_people, add_published, speak, stage
from tests.execution.test_channels_email_bounces import dsn
from tests.execution.test_channels_email_smtp import Mailboxes, smtp_server
from tests.execution.test_delivery_bounces import hand_in
from tests.execution.test_delivery_hearing import rows

from antiphon.awareness.events.loops import intake
from antiphon.execution.channels.email import listen
from antiphon.execution.content import Source
from antiphon.execution.delivery import Intents, NewDispatch, open_dispatch, submit
from antiphon.execution.delivery.bounces import Postbox
from antiphon.execution.delivery.hearing import Hearing
from antiphon.foundation.context import Context
from antiphon.foundation.loops import Loop, run_until_idle

INTAKE = Loop("intake", intake, buckets=64)
pytestmark = pytest.mark.store
BODY = """<html><body><p>Dear {{ first_name }}</p><a href="https://shop.example/tea">Tea</a>
<a href="https://shop.example/for/{{ first_name }}">Yours</a> <a href="{{ unsubscribe_url }}">Leave</a></body></html>"""


@pytest.fixture
def rooms() -> Any:
    """Only what the public pages stand on."""
    names = (
        "foundation.access awareness.profiles awareness.consent awareness.events execution.channels execution.content "
        "execution.delivery web"
    )
    return [import_module(f"antiphon.{name}.room").ROOM for name in names.split()]


async def send_to(ctx: Context, people: list[int], port: int, *, track: bool) -> None:
    account = await add_account(ctx, "email", host="127.0.0.1", port=port, security="none", from_email="shop@shop.example")
    version = await add_published(ctx, Source(subject="Hi {{ first_name }}", body=BODY), channel="email")
    new = NewDispatch(
        key="round-trip",
        channel="email",
        message_class="marketing",
        topic="news",
        account_id=account,
        template_version_id=version,
        track_opens=track,
        track_clicks=track,
    )
    async with ctx.db.transaction() as conn:
        dispatch = await open_dispatch(ctx, conn, new)
        verdict = await submit(ctx, conn, dispatch, Intents(profile_ids=people))
    assert verdict.passed == len(people)
    await speak(ctx)


def letters(mailboxes: Mailboxes) -> dict[str, tuple[str, EmailMessage]]:
    """Envelope sender and mail of each recipient."""
    return {
        e.rcpt_tos[0]: (
            str(e.mail_from),
            cast(EmailMessage, message_from_bytes(cast(bytes, e.content), policy=modern)),
        )
        for e in mailboxes.received
    }


async def test_a_message_and_all_its_answers(ctx: Context, app: Any, stranger: httpx.AsyncClient) -> None:
    mailboxes = Mailboxes()
    async with stage(ctx), smtp_server(mailboxes) as port:
        async with ctx.db.transaction() as conn:
            people = await add_people(conn, 3, channel="email")
        await send_to(ctx, people, port, track=True)
        mails = letters(mailboxes)
        assert sorted(mails) == [f"p{n}@example.com" for n in people]
        _, mail = mails["p1@example.com"]
        html = str(cast(EmailMessage, mail.get_body(("html",))).get_content())
        text = str(cast(EmailMessage, mail.get_body(("plain",))).get_content())
        urls = [url.removeprefix(ctx.settings.base_url) for url in re.findall(r'(?:href|src)="([^"]+)"', html)]
        tea, yours, leave, picture = urls
        assert ctx.settings.base_url + tea in text and ctx.settings.base_url + leave in text
        assert (await stranger.get(picture)).status_code == 200
        assert (await stranger.get(tea)).headers["location"] == "https://shop.example/tea"
        assert (await stranger.get(yours)).headers["location"] == "https://shop.example/for/P1"
        one_click = str(mail["List-Unsubscribe"]).strip("<>").removeprefix(ctx.settings.base_url)
        assert (await stranger.post(one_click, data={"List-Unsubscribe": "One-Click"})).status_code == 200
        ctx.put(Hearing, hearing := Hearing(ctx))
        server = await listen(Postbox(ctx), "127.0.0.1", 0)
        path, _ = mails["p2@example.com"]
        await asyncio.to_thread(hand_in, server.sockets[0].getsockname()[1], path, dsn(to=path))
        server.close()
        await hearing.close()
        await run_until_idle(ctx, [INTAKE])
    history = await rows(ctx, "select profile_id, name from event order by profile_id, name")
    assert [tuple(row.values()) for row in history] == [
        (1, "Email Link Clicked"),
        (1, "Email Link Clicked"),
        (1, "Email Opened"),
        (1, "Unsubscribed"),
        (2, "Email Bounced"),
    ]
    assert await rows(ctx, "select * from reject") == []
    ledger = await rows(
        ctx,
        "select profile_id, state, opens, clicks, unsubscribed_at is not null as left, bounced_at is not null as back"
        " from delivery order by profile_id",
    )
    assert [tuple(row.values()) for row in ledger] == [
        (1, "sent", 1, 2, True, False),
        (2, "bounced", 0, 0, False, True),
        (3, "sent", 0, 0, False, False),
    ]
    assert await rows(ctx, "select address from suppression") == [{"address": "p2@example.com"}]
    assert await rows(ctx, "select profile_id from consent_state where state = 'withdrawn'") == [{"profile_id": 1}]


async def test_without_tracking_nothing_is_rewritten_but_the_way_out_stays(ctx: Context) -> None:
    mailboxes = Mailboxes()
    async with stage(ctx), smtp_server(mailboxes) as port:
        async with ctx.db.transaction() as conn:
            people = await add_people(conn, 1, channel="email")
        await send_to(ctx, people, port, track=False)
    _, mail = letters(mailboxes)["p1@example.com"]
    html = str(cast(EmailMessage, mail.get_body(("html",))).get_content())
    assert "<img" not in html and 'href="https://shop.example/tea"' in html and 'href="https://shop.example/for/P1"' in html
    assert "/u/" in html and str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
