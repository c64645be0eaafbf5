"""Addresses that are neither mail nor telephone numbers: a system's own ids, tokens of devices, whatever a package's channel has."""

from __future__ import annotations

import pytest
from tests.execution.cast import SEND, Parrot, add_account, stage

from antiphon.execution.delivery.model import Content, NewDispatch
from antiphon.execution.delivery.service import submit_one
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store


@pytest.mark.parametrize("address", ["C-7", "token " + "é" * 390])
async def test_any_identity_passes_the_gate_and_is_spoken_to(ctx: Context, address: str) -> None:
    hook = Parrot("hook", "user_id")
    async with stage(ctx, hook):
        account = await add_account(ctx, "hook")
        new = NewDispatch(
            key="say", channel="hook", message_class="transactional", content=Content(subject="", text="hello"), account_id=account
        )
        async with ctx.db.transaction() as conn:
            await conn.execute("insert into profile (id) values (7)")
            await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', %s, 7)", (address,))
            said = await submit_one(ctx, conn, new, profile_id=7, suffix="1", variables={})
        assert said.state == "queued", said
        await run_until_idle(ctx, [SEND])
    assert hook.heard == [address]
