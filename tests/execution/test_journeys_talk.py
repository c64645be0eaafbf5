"""A talk begun by SMS goes on by e-mail: a real SMSC and a real mail server on loopback, and every loop between them."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest
from tests.execution.cast import add_account, speak
from tests.execution.journeys_cast import step
from tests.execution.journeys_stage import Scene
from tests.execution.sms import until
from tests.execution.test_channels_email_smtp import Mailboxes, smtp_server
from tests.execution.test_delivery_sms import world

from antiphon.awareness.events.loops import LOOPS as EVENTS
from antiphon.execution.journeys import memory
from antiphon.execution.journeys.hearing import LOOP as HEARS
from antiphon.execution.journeys.ticking import LOOP as RUNS
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import LISTENERS, LOOPS as NOTICES

pytestmark = pytest.mark.store


async def test_a_talk_begun_by_sms_goes_on_by_e_mail(ctx: Context, clock: VirtualClock, tmp_path: Path) -> None:
    LISTENERS.register(memory.LISTENERS)
    mailboxes = Mailboxes()
    async with world(ctx, tmp_path) as w, smtp_server(mailboxes) as port:
        await add_account(ctx, "email", host="127.0.0.1", port=port, security="none", from_email="shop@shop.example")
        on = Scene(ctx, clock, None)  # type: ignore[arg-type]
        await on.do("select setval('profile_id_seq', 1000)")
        await on.do("insert into consent_state select profile_id, 'email', topic, state, at, 0 from consent_state where channel = 'sms'")
        plan = await on.journey(
            step("ask", "message", {"next": "answer"}, channel="sms", topic="news", content=text("New teas are in. Shall we write? YES or NO")),
            step("answer", "wait_answer", {"answered": "said", "timeout": "silent"}, step="ask", timeout_seconds=86_400),
            step("said", "dialogue", {"yes": "by", "no": "bye"}, channel="sms", words=["yes", "да", "好"]),
            step("by", "channel", {"email": "more", "sms": "bye", "none": "bye"}, channels=["email", "sms"], how="first", topic="news"),
            step("more", "message", {"next": "sold"}, channel="email", topic="news",
                 content=text("You wrote by {{ dialogue.last_heard.channel }}: {{ dialogue.last_heard.text }} Here are the teas.", "Teas")),
            step("sold", "end", reason="sold"), step("bye", "end", reason="bye"), step("silent", "end", reason="silent"),
        )  # fmt: skip
        await on.enter(plan, 1, 2, 3)
        await speak(ctx)
        assert [one.recipient for one in w.log] == ["79990000001", "79990000002", "79990000003"]
        on.clock.advance(timedelta(minutes=5))
        w.smsc.say("79990000001", "1234", "Yes, please!")
        w.smsc.say("79990000002", "1234", "no thanks")
        await until(lambda: w.smsc.waiting == 0)
        on.clock.advance(timedelta(minutes=1))
        await run_until_idle(ctx, [EVENTS[0], HEARS, RUNS, *NOTICES])
        assert await on.over() == {1: "sold", 2: "bye"}
        await speak(ctx)
        (envelope,) = mailboxes.received
        letter = message_from_bytes(envelope.content, policy=modern)
        body = letter.get_body(("plain",))
        assert (envelope.rcpt_tos, letter["subject"]) == (["p1@example.com"], "Teas")
        assert body is not None and "You wrote by sms: Yes, please! Here are the teas." in body.get_content()
        await on.go(days=1)
        assert (await on.over())[3] == "silent"
        told: list[Any] = await on.told(1)
        assert [(line["s"], line["d"]) for line in told] == [(0, "next"), (1, "rest"), (1, "answered"), (2, "yes"), (3, "email"), (4, "next"),
                                                           (5, "sold")]


def text(words: str, subject: str = "") -> dict[str, str]:
    return {"subject": subject, "text": words}
