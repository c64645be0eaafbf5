"""Terms of accounts: a warm-up's days as a table, paces, and that no more turns are taken than there are, by many at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from tests.execution.cast import add_account, stage

from antiphon.execution.delivery import pace
from antiphon.execution.delivery.terms import (
    DomainLimit,
    Limit,
    Terms,
    Warmup,
    account_limits,
    domain_limit,
    price_of,
)
from antiphon.foundation.context import Context

START = date(2026, 6, 1)


@pytest.mark.parametrize("day, most", [
    (date(2026, 5, 31), 0), (START, 200), (date(2026, 6, 2), 400), (date(2026, 6, 3), 800), (date(2026, 6, 4), 1600),
    (date(2026, 6, 5), None), (date(2027, 1, 1), None),
])  # fmt: skip
def test_a_warm_up_grows_day_by_day_and_ends(day: date, most: int | None) -> None:
    assert Warmup(start=START, first=200, growth=2.0, until=1600).most(day) == most


@given(
    st.integers(1, 5000), st.floats(1.01, 5, allow_nan=False), st.integers(1, 10_000_000), st.integers(0, 400)
)  # fmt: skip
def test_a_warm_up_never_shrinks_and_never_passes_its_end(first: int, growth: float, until: int, days: int) -> None:
    warmup = Warmup(start=START, first=first, growth=growth, until=until)
    today, tomorrow = warmup.most(START + timedelta(days=days)), warmup.most(START + timedelta(days=days + 1))
    assert today is None or today <= max(first, until) + 1
    assert tomorrow is None or (today is not None and tomorrow >= today)


def test_which_limits_hold() -> None:
    terms = Terms(
        per_second=20, per_day=1000, warmup=Warmup(start=START, first=96, growth=2, until=10_000),
        domains=[DomainLimit(domain="gmail.com", per_second=2), DomainLimit(domain="*", per_day=50),
                 DomainLimit(domain="web.de", concurrent=3)],
    )  # fmt: skip
    limits = account_limits(terms, datetime(2026, 6, 2, 12, tzinfo=UTC))
    assert limits == {
        "": Limit(gap=0.05, burst=20, per_day=1000), "warm-up": Limit(gap=86_400 / 192, burst=2, per_day=192),
    }  # fmt: skip
    assert domain_limit(terms, "gmail.com") == Limit(gap=0.5, burst=2)
    assert domain_limit(terms, "example.com") == Limit(per_day=50)
    assert domain_limit(terms, "web.de") is None  # it has a limit of its own, of another kind
    assert account_limits(Terms(), datetime.now(UTC)) == {}


def test_prices() -> None:
    terms = Terms(price_micros=100, prices={"DE": 70})
    assert [price_of(terms, 5, country) for country in ("DE", "FR", "")] == [70, 100, 100]
    assert [price_of(Terms(prices={"DE": 70}), 5, country) for country in ("DE", "FR")] == [70, 5]
    assert price_of(Terms(price_micros=0), 5, "FR") == 0


async def taken(ctx: Context, account: int, want: int, limit: Limit, now: datetime) -> int:
    async with ctx.db.transaction() as conn:
        return (await pace.take(conn, {(account, ""): (want, limit)}, now))[account, ""]


@pytest.mark.store
@pytest.mark.parametrize("limit, asks, expected", [
    # (seconds since the start, wanted) → granted
    (Limit(gap=0.1, burst=10), [(0, 100), (0, 1), (0.5, 100), (5, 100)], [10, 0, 5, 10]),
    (Limit(gap=0.5, burst=1), [(0, 5), (0.4, 5), (0.5, 5), (0.9, 5), (1.0, 5)], [1, 0, 1, 0, 1]),
    (Limit(per_day=7), [(0, 5), (60, 5), (3600, 5), (12 * 3600, 5)], [5, 2, 0, 5]),
    (Limit(gap=3600, burst=2, per_day=3), [(0, 9), (3600, 9), (7200, 9), (12 * 3600 + 1, 9)], [2, 1, 0, 2]),
    (Limit(per_day=0), [(0, 5), (86_400, 5)], [0, 0]),
])  # fmt: skip
async def test_turns_add_up_at_their_pace(
    ctx: Context, limit: Limit, asks: list[tuple[float, int]], expected: list[int]
) -> None:
    async with stage(ctx):
        account = await add_account(ctx)
        noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
        assert [await taken(ctx, account, want, limit, noon + timedelta(seconds=after)) for after, want in asks] == expected


@pytest.mark.store
async def test_turns_given_back_can_be_taken_again(ctx: Context) -> None:
    async with stage(ctx):
        account = await add_account(ctx)
        now, limit = ctx.clock.now(), Limit(gap=1.0, burst=10, per_day=100)
        async with ctx.db.transaction() as conn:
            granted = await pace.take(conn, {(account, ""): (10, limit)}, now)
            await pace.give_back(conn, {(account, ""): (granted[account, ""] - 3, limit)})
        assert await taken(ctx, account, 10, limit, now) == 7


@pytest.mark.store
async def test_many_at_once_never_take_more_than_there_are(ctx: Context) -> None:
    async with stage(ctx):
        accounts = [await add_account(ctx), await add_account(ctx, "email", host="x", from_email="a@example.com")]
        limit = Limit(gap=60.0, burst=40, per_day=55)

        async def one(number: int) -> int:
            now = ctx.clock.now() + timedelta(minutes=number % 3)
            wanted = {(account, scope): (1 + number % 5, limit) for account in accounts for scope in ("", "@x.com")}
            async with ctx.db.transaction() as conn:
                granted = await pace.take(conn, wanted, now)
            return granted[accounts[0], ""]

        assert sum(await asyncio.gather(*(one(n) for n in range(60)))) in range(40, 43)
