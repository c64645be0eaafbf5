"""Few changes at a time are files of the mirror, too: what is kept in the catalogue goes by the schema, and under readers."""

from __future__ import annotations

import pytest
from tests.awareness.test_traits_mirror import change, mirrored, put

from antiphon.awareness.events.upkeep import flush_inlined
from antiphon.awareness.traits import mirror_profiles
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

pytestmark = pytest.mark.store


async def test_a_flush_between_new_traits_disturbs_no_reader(ctx: Context, lake: LakeClient) -> None:
    one, two = await put(ctx, [{"a": 1}, {"a": 2}])
    await mirror_profiles(ctx)
    for n in range(2):
        await change(ctx, one, {f"new{n}": n})
        await mirror_profiles(ctx)
    async with ctx.lake.transaction() as reading:
        assert await reading.run("select count(*) from lake.profile") == [(2,)]
        await flush_inlined(ctx)
        assert await reading.run("select count(*) from lake.profile") == [(2,)]
    await change(ctx, two, {"a": 5})
    await mirror_profiles(ctx)
    assert (await mirrored(ctx))[two] == {"a": 5.0}
