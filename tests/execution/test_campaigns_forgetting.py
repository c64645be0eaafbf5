"""What a triggered campaign has answered by its key is known again for a while, and then no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.execution import test_campaigns_triggered as triggered_ones
from tests.execution.cast import Parrot
from tests.execution.test_campaigns_triggered import happen, said, settle_down, triggered

from antiphon.execution.campaigns.forgetting import FORGETTING
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store
parrot = triggered_ones.parrot


async def test_a_key_is_known_for_as_long_as_the_setting_says(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await triggered(ctx, Trigger(event="Order", again="key", key=["order_id"]))

    async def order(number: int) -> int:
        """Somebody's order happens; how many answers there are by now."""
        before = len(await said(ctx))
        await happen(ctx, (1, "Order", {"order_id": number}))
        await settle_down(ctx)
        await run_until_idle(ctx, [FORGETTING])
        return len(await said(ctx)) - before

    assert [await order(1), await order(1)] == [1, 0]
    clock.advance(timedelta(days=ctx.settings.answered_days - 1))
    assert [await order(1), await order(2)] == [0, 1]
    clock.advance(timedelta(days=2))
    await run_until_idle(ctx, [FORGETTING])
    assert [await order(2), await order(1)] == [0, 1]
