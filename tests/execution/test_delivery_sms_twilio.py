"""Twilio through the house: an account made over HTTP, a message to the gateway, and its signed news at the account's address."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from tests.execution import doors
from tests.execution.sms import message, until
from tests.execution.test_delivery_hearing import person, rows, sent

from antiphon.execution.channels.registry import Channels
from antiphon.execution.delivery.hearing import Hearing
from antiphon.foundation.context import Context
from antiphon.foundation.outbound import permitting
from antiphon.sandbox.sms.gateway import Gateway
from antiphon.sandbox.sms.log import SmsLog

rooms, ctx = doors.rooms, doors.ctx

pytestmark = pytest.mark.store
TOKEN = "the-auth-token"


class Near(Gateway):
    """A gateway whose callbacks reach the application without a network."""

    def __init__(self, log: SmsLog, stranger: httpx.AsyncClient, base: str) -> None:
        super().__init__(log, account_sid="AC1", auth_token=TOKEN)
        self.stranger, self.base = stranger, base
        self.answers: list[int] = []

    async def post(self, url: str, fields: dict[str, str], token: str = TOKEN) -> None:
        text = url + "".join(name + fields[name] for name in sorted(fields))
        signed = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
        headers = {"x-twilio-signature": signed, "content-type": "application/x-www-form-urlencoded"}
        answer = await self.stranger.post(url.removeprefix(self.base), content=urlencode(fields), headers=headers)
        self.answers.append(answer.status_code)
        assert answer.status_code != 200 or answer.text == ""  # a text would be sent to the customer


async def test_news_of_a_message_and_what_customers_write(
    ctx: Context, client: httpx.AsyncClient, stranger: httpx.AsyncClient, tmp_path: Path
) -> None:
    log = SmsLog(tmp_path)
    gateway = Near(log, stranger, ctx.settings.base_url)
    port = await gateway.start()
    settings = {"base_url": f"http://127.0.0.1:{port}", "account_sid": "AC1", "auth_token": TOKEN, "sender": "+15005550006"}
    made = await client.post("/v1/channels", json={"channel": "sms", "provider": "twilio", "name": "Twilio", "settings": settings})
    assert made.status_code == 201 and "auth_token" not in made.json()["settings"]
    url = f"{ctx.settings.base_url}/callbacks/{made.json()['id']}"
    gateway.inbound_url = url
    who = await person(ctx)
    delivery = await sent(ctx, who)
    channels = ctx.get(Channels)
    async with ctx.db.connection() as conn:
        account = await channels.account(conn, made.json()["id"])
        await conn.execute("insert into identity (kind, value, profile_id) values ('phone', '+79990000007', %s)", (who,))
        await conn.execute("insert into consent_state values (%s, 'sms', 'news', 'granted', '2026-01-01Z', 0)", (who,))
    said = message(7, "Hello")
    word = ctx.get(Hearing).tracker.hook(delivery, who)

    async def speaking(ids: object) -> None: ...

    with permitting(["127.0.0.0/8"]):
        wire = channels["twilio"].prepare(msgspec.structs.replace(said, delivery_id=delivery, token=word), account)
        (receipt,) = await channels["twilio"].send(account, [wire], speaking)
    assert receipt.outcome == "sent"
    await until(lambda: len(gateway.answers) == 2)
    (row,) = await rows(ctx, "select state, reason from delivery")
    assert (row["state"], row["reason"]) == ("delivered", "receipt") and gateway.answers == [200, 200]
    await gateway.say("+79990000007", "+15005550006", "Стоп")
    (heard,) = await rows(ctx, "select state from consent_state where channel = 'sms'")
    assert heard["state"] == "withdrawn" and gateway.answers[-1] == 200
    await gateway.post(url, {"MessageSid": "SM9", "Body": "x", "From": "+79990000007"}, token="guessed")
    assert gateway.answers[-1] == 403
    await gateway.close()
    log.close()
