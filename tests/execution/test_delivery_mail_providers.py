"""From a message at SES, SendGrid, Mailgun or Postmark to its news in the ledger, through the account's own callback address."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.execution import doors
from tests.execution.test_delivery_hearing import events, person, rows, sent

from antiphon.execution.channels import Channels, Message, Rendered
from antiphon.execution.delivery.doorway import Doorway
from antiphon.execution.delivery.hearing import Hearing
from antiphon.foundation.context import Context
from antiphon.foundation.outbound import permitting
from antiphon.sandbox.mailapi import MailApi, MailgunApi, PostmarkApi, SendGridApi, SesApi

rooms, ctx = doors.rooms, doors.ctx

pytestmark = pytest.mark.store
SENDER = {"from_email": "shop@shop.example"}


def settings_of(api: MailApi) -> tuple[str, dict[str, Any]]:
    """The provider of an emulator, and the settings of an account there."""
    match api:
        case SesApi():
            return "ses", {"access_key": "AKIASANDBOX", "secret_key": "sandbox-secret", "topic_arn": api.topic_arn}
        case SendGridApi():
            return "sendgrid", {"api_key": "SG.sandbox", "webhook_key": api.webhook_key}
        case MailgunApi():
            return "mailgun", {"sending_domain": "mg.shop.example", "api_key": "key-sandbox", "webhook_key": "sandbox-webhooks"}
        case _:
            return "postmark", {"server_token": "sandbox-server", "webhook_password": "sandbox-webhooks"}


@pytest.mark.parametrize("kind", [SesApi, SendGridApi, MailgunApi, PostmarkApi], ids=lambda kind: kind.__name__)
async def test_news_of_a_message_comes_back(
    ctx: Context, client: httpx.AsyncClient, stranger: httpx.AsyncClient, kind: type[MailApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = kind()
    await api.start()
    provider, settings = settings_of(api)
    if isinstance(api, SesApi):

        async def document(self: Doorway, url: str) -> bytes:
            assert url == api.certificate_url
            return api.certificate

        monkeypatch.setattr(Doorway, "document", document)
    try:
        with permitting(["127.0.0.1"]):
            body = {"channel": "email", "provider": provider, "name": "a", "settings": SENDER | settings | {"endpoint": api.url}}
            made = await client.post("/v1/channels", json=body)
            assert made.status_code == 201, made.text
            account_id = made.json()["id"]
            trial = (await client.post(f"/v1/channels/{account_id}/test")).json()
            assert trial["ok"], trial
            who = await person(ctx)
            delivery = await sent(ctx, who)
            async with ctx.db.connection() as conn:
                account = await ctx.get(Channels).account(conn, account_id)
            channel = ctx.get(Channels)[provider]
            message = Message(
                delivery_id=delivery, address=f"p{who}@example.com", content=Rendered("Hi", "<p>Hi</p>", "Hi"), date=ctx.clock.now(),
                token=ctx.get(Hearing).tracker.hook(delivery, who),
            )  # fmt: skip

            async def speaking(_: Any) -> None: ...

            (receipt,) = await channel.send(account, [channel.prepare(message, account)], speaking)
        assert receipt.outcome == "sent" and receipt.provider_id == api.taken[0].id
        for news in ("delivered", "complained"):
            headers, content = api.tell(news, api.taken[0])  # type: ignore[arg-type]
            for _ in range(2):  # told twice is told once
                answer = await stranger.post(f"/callbacks/{account_id}", content=content, headers=dict(headers))
                assert answer.status_code == 200, answer.text
        (row,) = await rows(ctx, "select state, delivered_at, complained_at from delivery")
        assert row["state"] == "delivered" and row["delivered_at"] is not None and row["complained_at"] is not None
        assert [e["event"] for e in await events(ctx)] == ["Email Delivered", "Email Marked As Spam"]
        assert [r["reason"] for r in await rows(ctx, "select reason from suppression")] == ["complaint"]
        keys = {MailgunApi: {"webhook_key": "another"}, PostmarkApi: {"webhook_password": "another"}}
        headers, content = kind(**keys.get(kind, {})).tell("bounced", api.taken[0])  # as a thief would sign it
        refused = await stranger.post(f"/callbacks/{account_id}", content=content, headers=dict(headers))
        assert refused.status_code == 403 and refused.json()["code"] == "callback-forged"
    finally:
        await api.close()
