"""People and machines: the stated rules, what counts, and what happens when a judgement changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.execution.cast import stage
from tests.execution.test_delivery_hearing import events, heard, person, rows, sent

from antiphon.execution.delivery import machines, reclassifying
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.machines import Look, at_once, judge
from antiphon.execution.delivery.waiting import FORGETTING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
async def hearing(ctx: Context) -> AsyncIterator[Hearing]:
    async with stage(ctx):
        ear = Hearing(ctx)
        ctx.put(Hearing, ear)
        yield ear
        await ear.close()


@pytest.mark.parametrize(
    ("kind", "agent", "more", "rule"),
    [
        ("opened", FIREFOX, {}, "person"),
        ("clicked", FIREFOX, {}, "person"),
        ("opened", None, {}, "person"),  # a provider that does not say
        ("opened", "", {}, "no_agent"),
        ("clicked", FIREFOX, {"method": "HEAD"}, "head"),
        ("clicked", FIREFOX, {"prefetch": True}, "prefetch"),
        ("opened", "Mozilla/5.0", {}, "apple_mail_privacy"),
        ("clicked", "Mozilla/5.0", {}, "person"),
        ("opened", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", {}, "google_image_proxy"),
        ("opened", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0", {}, "google_prefetch"),
        ("opened", "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", {}, "mail_image_proxy"),
        ("clicked", "Barracuda Sentinel (EE)", {}, "security_scanner"),
        ("clicked", "Mozilla/5.0 (compatible; Proofpoint URL Defense)", {}, "security_scanner"),
        ("clicked", "Googlebot/2.1 (+http://www.google.com/bot.html)", {}, "crawler"),
        ("clicked", "python-requests/2.32", {}, "crawler"),
        ("clicked", FIREFOX, {"network": "198.51.100.0/24"}, "scanner_network"),
        ("clicked", FIREFOX, {"network": "203.0.113.0/24"}, "person"),
    ],
)  # fmt: skip
def test_each_rule_decides_what_it_says(kind: Any, agent: str | None, more: dict[str, Any], rule: str) -> None:
    assert judge(Look(kind=kind, agent=agent, **more), ("198.51.100.0/25", "2001:db8::/32", "nonsense")) == rule


def test_every_rule_is_told() -> None:
    assert len(machines.BY_NAME) == len(machines.RULES) and all(rule.title and rule.says.endswith(".") for rule in machines.RULES)


def clicks(*seconds_and_links: tuple[float, str]) -> list[tuple[datetime, str, bytes | None]]:
    return [(NOW + timedelta(seconds=s), link, b"v") for s, link in seconds_and_links]


def test_every_link_at_once() -> None:
    assert at_once(clicks((5, "a"), (6, "b"), (7, "c")), NOW, 9) == {0, 1, 2}
    assert at_once(clicks((5, "a"), (6, "b"), (20, "c")), NOW, 9) == frozenset()
    assert at_once(clicks((5, "a"), (6, "b")), NOW, 2) == {0, 1}  # all there are
    assert at_once(clicks((5, "a"), (6, "a"), (7, "a")), NOW, 9) == frozenset()
    assert at_once(clicks((1000, "a"), (1001, "b"), (1002, "c")), NOW, 9) == frozenset()  # long after sending
    assert at_once(clicks((5, "a"), (6, "b"), (7, "c")), None, 9) == frozenset()
    two = [(at, link, b"w" if n else by) for n, (at, link, by) in enumerate(clicks((5, "a"), (6, "b"), (7, "c")))]
    assert at_once(two, NOW, 9) == frozenset()  # two visitors


@pytest.mark.parametrize(("ip", "kept"), [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("x", ""), (None, "")])
def test_addresses_are_kept_shortened(ip: str | None, kept: str) -> None:
    assert machines.shortened(ip) == kept


@pytest.mark.store
async def test_only_people_count_and_everything_is_kept(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    for agent in ("Mozilla/5.0", "curl/8.5", FIREFOX, ""):
        await hearing.hear(heard(ctx, "opened", delivery, who, agent=agent, ip="203.0.113.77"))
    (row,) = await rows(ctx, "select opens, opened_at from delivery")
    assert row == {"opens": 1, "opened_at": ctx.clock.now()} and len(await events(ctx)) == 1
    kept = await rows(ctx, "select class, rule, network, length(visitor) as visitor, agent from engagement order by id")
    assert [one["rule"] for one in kept] == ["apple_mail_privacy", "crawler", "person", "no_agent"]
    assert {one["network"] for one in kept} == {"203.0.113.0/24"} and {one["visitor"] for one in kept} == {8}


@pytest.mark.store
async def test_a_scanner_is_found_out_at_its_third_link(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    for number in range(4):
        ctx.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
        await hearing.hear(heard(ctx, "clicked", delivery, who, link_id=number + 1, url=f"https://a.example/{number}", agent=FIREFOX))
    assert {row["rule"] for row in await rows(ctx, "select rule from engagement")} == {"every_link"}
    (row,) = await rows(ctx, "select clicks, clicked_at from delivery")
    assert row == {"clicks": 0, "clicked_at": None}
    told = [(e["event"], e["properties"]["link_id"], e["properties"].get("retracts")) for e in await events(ctx)]
    assert told == [
        ("Email Link Clicked", 1, None), ("Email Link Clicked", 2, None),
        ("Email Link Click Retracted", 1, f"delivery:{delivery}:clicked:1"),
        ("Email Link Click Retracted", 2, f"delivery:{delivery}:clicked:2"),
    ]  # fmt: skip


@pytest.mark.store
async def test_by_hand_and_back(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    first = ctx.clock.now()
    await hearing.hear(heard(ctx, "opened", delivery, who, agent=FIREFOX))
    ctx.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    await hearing.hear(heard(ctx, "opened", delivery, who, agent=FIREFOX))
    ids = [row["id"] for row in await rows(ctx, "select id from engagement order by id")]

    async def ledger() -> tuple[Any, ...]:
        (row,) = await rows(ctx, "select opens, opened_at from delivery")
        return row["opens"], row["opened_at"]

    assert await ledger() == (2, first)
    after = await reclassifying.judge_by_hand(ctx, SYSTEM, ids[0], "machine")
    assert (after.class_, after.rule, after.by_hand) == ("machine", "by_hand", True)
    assert await ledger() == (1, first + timedelta(hours=1))
    told = await events(ctx)  # the first of people is another now
    assert [e["event"] for e in told] == ["Email Opened", "Email Open Retracted", "Email Opened"]
    assert told[-1]["timestamp"].startswith("2026-06-01T13:00")
    await reclassifying.judge_by_hand(ctx, SYSTEM, ids[1], "machine")
    assert await ledger() == (0, None)
    assert [e["event"] for e in await events(ctx)][3:] == ["Email Open Retracted"]
    renamed = await rows(ctx, "select name, becomes, message_ids from event_correction order by id")
    assert {(one["name"], one["becomes"]) for one in renamed} == {("Email Opened", "Email Opened By Machine")}
    assert renamed[-1]["message_ids"] == [f"delivery:{delivery}:opened", f"delivery:{delivery}:opened:1"]
    await reclassifying.judge_by_hand(ctx, SYSTEM, ids[0], "person")
    assert await ledger() == (1, first)
    told = await events(ctx)
    assert [e["event"] for e in told][4:] == ["Email Opened"]
    assert len({e["messageId"] for e in told}) == 5 and told[-1]["timestamp"].startswith("2026-06-01T12:00")
    assert [row["action"] for row in await rows(ctx, "select action from audit")] == ["delivery.judge"] * 3


@pytest.mark.store
async def test_all_since_a_day_by_new_rules(ctx: Context, hearing: Hearing, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await person(ctx, first) for first in range(1, 6)]
    deliveries = [await sent(ctx, who) for who in people]
    for who, delivery in zip(people, deliveries, strict=True):
        agent = "Prying/1.0" if who % 2 else FIREFOX
        await hearing.hear(heard(ctx, "opened", delivery, who, agent=agent))
        await hearing.hear(heard(ctx, "clicked", delivery, who, agent=agent, link_id=1, url="https://a.example"))
    kept = (await rows(ctx, "select id from engagement order by id"))[0]["id"]
    await reclassifying.judge_by_hand(ctx, SYSTEM, kept, "person")
    judged = machines.judge
    monkeypatch.setattr(
        machines, "judge", lambda look, networks=(): "security_scanner" if look.agent == "Prying/1.0" else judged(look, networks)
    )
    monkeypatch.setattr(machines, "VERSION", 2)
    job_id = await reclassifying.reclassify(ctx, SYSTEM, ctx.clock.now() - timedelta(days=1))

    class Job:
        id = job_id
        args = {"since": (ctx.clock.now() - timedelta(days=1)).isoformat()}
        cancelled = False

        async def progress(self, *_: Any) -> None: ...

    done = await reclassifying.run_reclassify(ctx, Job())  # type: ignore[arg-type]
    assert done == {"deliveries": 5, "changed": 5, "version": 2}  # three of six were judged by hand or are people's
    counted = {row["profile_id"]: (row["opens"], row["clicks"]) for row in await rows(ctx, "select profile_id, opens, clicks from delivery")}
    assert counted == {people[0]: (1, 0), people[1]: (1, 1), people[2]: (0, 0), people[3]: (1, 1), people[4]: (0, 0)}
    names = [e["event"] for e in await events(ctx)]
    assert names.count("Email Open Retracted") == 2 and names.count("Email Link Click Retracted") == 3
    again = await reclassifying.run_reclassify(ctx, Job())  # type: ignore[arg-type]
    assert again["changed"] == 0
    async with ctx.db.connection() as conn:
        listed = await reclassifying.list_rules(ctx, conn)
        assert {rule.name: rule.opens for rule in listed.rules if rule.opens} == {"security_scanner": 2, "person": 2, "by_hand": 1}
        found = await reclassifying.find(
            conn, delivery_id=None, profile_ids=[people[2]], campaign_id=9, of="machine", rule=None, before=None, limit=10
        )
    assert [(one.kind, one.rule) for one in found] == [("clicked", "security_scanner"), ("opened", "security_scanner")]


@pytest.mark.store
async def test_single_opens_are_forgotten_in_time_and_stay_counted(ctx: Context, hearing: Hearing, clock: VirtualClock) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    await hearing.hear(heard(ctx, "opened", delivery, who, agent=FIREFOX))
    clock.advance(timedelta(days=ctx.settings.engagement_days - 1))
    await hearing.hear(heard(ctx, "opened", delivery, who, agent=FIREFOX))
    await run_until_idle(ctx, [FORGETTING])
    assert len(await rows(ctx, "select id from engagement")) == 2
    clock.advance(timedelta(days=2))
    await run_until_idle(ctx, [FORGETTING])
    (left,) = await rows(ctx, "select at from engagement")
    assert left["at"] == clock.now() - timedelta(days=2)
    assert await rows(ctx, "select opens from delivery") == [{"opens": 2}]
