"""A mail server that hangs, closes in mid-DATA or keeps silent: everybody ends in one state, nobody hears twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from tests.execution.cast import SEND, add_account, add_people, add_published, stage
from tests.execution.test_campaigns_service import RUN, draft, reported, segment_of, state_of, told

from antiphon.execution.campaigns import service
from antiphon.execution.delivery.accounts import Accounts
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.sandbox.email import MailLog, Rates, fault_of, read_received
from antiphon.sandbox.email.server import Mailboxes, start_mail_server

pytestmark = pytest.mark.store
PEOPLE = 40
RATES = Rates(hang=0.2, close=0.25, silent=0.15)


async def test_everybody_ends_in_one_state_and_nobody_hears_twice(
    ctx: Context, clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Accounts, "usable", lambda *_: True)  # the account is tried again at once
    log = MailLog(tmp_path / "mail")
    server, port = await start_mail_server(Mailboxes(log, 5, RATES, hang_seconds=2.0))
    faults = Counter(fault_of(5, RATES, f"p{n}@example.com") for n in range(1, PEOPLE + 1))
    assert min(faults[name] for name in ("hang", "close", "silent", None)) >= 3
    async with stage(ctx):
        account = await add_account(
            ctx, "email", host="127.0.0.1", port=port, security="none", from_email="a@example.com", connections=8,
            timeout=5.0, data_timeout=0.4,
        )  # fmt: skip
        async with ctx.db.transaction() as conn:
            people = await add_people(conn, PEOPLE, channel="email")
        version = await add_published(ctx, channel="email")
        campaign = await draft(ctx, await segment_of(ctx, "all", people), channel="email", account_id=account, version=version)
        await told(ctx, service.start, campaign)
        for _ in range(15):  # what was put off waits longer each time; in business time that is soon
            await run_until_idle(ctx, [RUN, SEND])
            if await state_of(ctx, campaign) == "finished":
                break
            clock.advance(timedelta(hours=3))
        assert await state_of(ctx, campaign) == "finished"
        found = await reported(ctx, campaign)
        async with ctx.db.connection() as conn:
            states = dict(await (await conn.execute("select address, state from delivery")).fetchall())
            (left,) = await (await conn.execute("select count(*) from delivery_queue")).fetchone() or (None,)
    server.close()
    log.close()
    received = Counter(entry.recipients[0] for _, entry, _ in read_received(tmp_path / "mail"))
    assert len(states) == PEOPLE and left == 0
    assert set(received.values()) == {1}
    assert found.sent + found.unknown + found.failed == PEOPLE == found.audience
    assert found.sent <= len(received) <= found.sent + found.unknown
    assert {address for address, state in states.items() if state == "sent"} <= set(received)
    for address, state in states.items():
        expected = {"hang": {"unknown"}, "silent": {"unknown"}, "close": {"unknown", "failed", "expired"}, None: {"sent"}}
        assert state in expected[fault_of(5, RATES, address)], (address, state)
