"""Campaigns that try several arms: shared out for good, a part first, the winner for the rest, and everybody told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tests.execution.cast import SEND, Parrot, add_account, add_people, stage
from tests.execution.test_campaigns_service import RUN, draft, reported, segment_of, state_of, told
from tests.execution.test_campaigns_triggered import happen, settle_down, triggered

from antiphon.decisioning.experiments import Arm, ConversionMetric, Counted, Design, Moments, make_results
from antiphon.decisioning.experiments.statistics import compare, tuned_for
from antiphon.execution.campaigns import choosing, loops, service, store, trying
from antiphon.execution.campaigns.arms import (
    ArmChoice,
    ArmChosen,
    ArmsInvalid,
    ArmUnknown,
    ArmWinner,
    CampaignArm,
    check_shape,
    share_out,
    tried_first,
)
from antiphon.execution.campaigns.estimating import full_estimate
from antiphon.execution.campaigns.goals import Goal
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.model import Campaign, CampaignStateConflict, Fallback
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.execution.content import Source
from antiphon.execution.content.service import add_template, publish_template
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.recurrence import Recurrence

pytestmark = pytest.mark.store

CHOOSE = next(loop for loop in LOOPS if loop.name == choosing.LOOP)
A, B = CampaignArm(key="a"), CampaignArm(key="b", weight=3, subject="Hey {{ first_name }}")
SECRET = b"s" * 32
AT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx, Parrot("macaw")) as parrot:
        await add_account(ctx)
        yield parrot


async def template(ctx: Context, name: str, subject: str, channel: str = "parrot") -> int:
    row = await add_template(
        ctx, SYSTEM, channel=channel, name=name, source=Source(format="html", subject=subject, body="<p>Dear {{ first_name }}</p>")
    )
    return (await publish_template(ctx, SYSTEM, row.template_id)).template_id


async def rows(ctx: Context, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute(sql, params)).fetchall()  # type: ignore[arg-type]


async def arms_of(ctx: Context) -> dict[int, tuple[str, bool]]:
    """Each person's arm, and whether they were told by it after it was chosen."""
    found = await rows(ctx, "select profile_id, arm, chosen from delivery join campaign_arm using (dispatch_id) where delivery.hop = 0")
    assert len({person for person, _, _ in found}) == len(found), "nobody has two"
    return {person: (arm, chosen) for person, arm, chosen in found}


async def find(ctx: Context, campaign: Campaign) -> Campaign:
    async with ctx.db.connection() as conn:
        return await service.find(conn, campaign.id)


async def measured(ctx: Context, campaign: Campaign) -> choosing.ArmsReport:
    async with ctx.db.connection() as conn:
        return await choosing.read_arms(ctx, conn, await service.find(conn, campaign.id))


async def adopt(ctx: Context, campaign: Campaign, arm: str) -> Campaign:
    async with ctx.db.transaction() as conn:
        return await service.adopt(ctx, conn, SYSTEM, campaign.id, arm)


async def react(ctx: Context, clock: VirtualClock, people: list[int], column: str = "clicked_at") -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute(
            f"update delivery set {column} = coalesce({column}, %s) where profile_id = any(%s) and sent_at is not null",  # type: ignore[arg-type]
            (clock.now(), people),
        )


@settings(max_examples=50, deadline=None)
@given(
    weights=st.lists(st.floats(0.5, 9), min_size=2, max_size=5), campaign=st.integers(1, 10**9),
    cut=st.integers(1, 499), percent=st.floats(5, 95),
)  # fmt: skip
def test_people_are_shared_out_alike_alone_and_together(weights: list[float], campaign: int, cut: int, percent: float) -> None:
    arms = [CampaignArm(key=f"a{n}", weight=weight) for n, weight in enumerate(weights)]
    people = list(range(1, 501))
    whole = share_out(SECRET, campaign, arms, None, people)
    apart = np.concatenate([share_out(SECRET, campaign, arms, None, some) for some in (people[:cut], people[cut:])])
    assert (whole == apart).all()
    assert [share_out(SECRET, campaign, arms, None, [one])[0] for one in people[::97]] == whole[::97].tolist()
    for n, weight in enumerate(weights):
        part = weight / sum(weights)
        assert abs((whole == n).mean() - part) < 6 * (part * (1 - part) / 500) ** 0.5
    winner = ArmWinner(arm="a1", at=AT, by=None, why="leading")
    assert (share_out(SECRET, campaign, arms, winner, people) == 1).all()
    first = tried_first(SECRET, campaign, ArmChoice(percent=percent), people)
    again = np.concatenate([tried_first(SECRET, campaign, ArmChoice(percent=percent), some) for some in (people[:cut], people[cut:])])
    assert (first == again).all() and abs(first.mean() - percent / 100) < 0.15
    assert tried_first(SECRET, campaign, None, people).all()


@pytest.mark.parametrize(
    ("arms", "choice", "more", "field"),
    [
        ([A], None, {}, "arms"), ([A, A], None, {}, "arms[1].key"),
        ([A, CampaignArm(key="b", weight=100_000)], None, {}, "arms"),
        ([], ArmChoice(), {}, "arm_choice"), ([A, B], ArmChoice(percent=20), {"kind": "recurring"}, "arm_choice.percent"),
        ([A, B], ArmChoice(percent=20), {"local": True}, "arm_choice.percent"),
        ([A, B], ArmChoice(metric="opened"), {"opens": False}, "arm_choice.metric"),
        ([A, B], ArmChoice(metric="clicked"), {"clicks": False}, "arm_choice.metric"),
        ([A, B], ArmChoice(metric="converted"), {}, "arm_choice.metric"),
        ([CampaignArm(key=f"a{n}") for n in range(6)], None, {}, "arms"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_names_its_field(arms: list[CampaignArm], choice: ArmChoice | None, more: Any, field: str) -> None:
    with pytest.raises(ArmsInvalid) as failed:
        check_shape(arms, choice, **({"kind": "one_off", "local": False, "opens": True, "clicks": True, "goal": False} | more))
    assert failed.value.field == field


async def test_each_arm_says_its_own_and_everybody_is_told_once(ctx: Context, parrot: Parrot) -> None:
    """By template, subject and channel; the holdout and the excluded are in no arm's figures."""
    await add_account(ctx, "macaw")
    async with ctx.db.transaction() as conn:
        await add_people(conn, 120)
        await add_people(conn, 60, first=1_001, channel="macaw", consent=None)
        await conn.execute(
            "insert into consent_state (profile_id, channel, topic, state, at, consent_id) "
            "select id, 'macaw', 'news', 'granted', '2026-01-01Z', 0 from profile"
        )
    segment = await segment_of(ctx, "all", list(range(1, 121)))
    out = await segment_of(ctx, "out", [1, 2, 3])
    other, elsewhere = await template(ctx, "Other", "Other"), await template(ctx, "Far", "Far", "macaw")
    arms = [
        A, CampaignArm(key="b", subject="Hey {{ first_name }}"), CampaignArm(key="c", template_id=other),
        CampaignArm(key="d", template_id=elsewhere, channel="macaw"),
    ]  # fmt: skip
    campaign = await draft(ctx, segment, excluded_segment_ids=[out], holdout_percent=20, arms=arms)
    asked = await full_estimate(ctx, campaign.id)
    assert asked.audience == 120 and sum(one.people for one in asked.arms) == 120 and asked.first is None
    assert sum(one.reached for one in asked.arms) == asked.reached == 117 - asked.held_out
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    await run_until_idle(ctx, [RUN])
    assert await state_of(ctx, campaign) == "finished"
    found = await reported(ctx, campaign)
    assert (found.audience, found.sent) == (120, asked.reached)
    told_by = await arms_of(ctx)
    assert Counter(arm for arm, _ in told_by.values()) == {one.arm: one.people for one in asked.arms}
    said = await rows(
        ctx,
        "select a.arm, d.channel, v.subject, count(*) from delivery d join campaign_arm a using (dispatch_id) "
        "join template_version v on v.id = d.template_version_id where d.sent_at is not null group by 1, 2, 3 order by 1",
    )
    assert [row[:3] for row in said] == [
        ("a", "parrot", "Hi {{ first_name }}"), ("b", "parrot", "Hey {{ first_name }}"), ("c", "parrot", "Other"), ("d", "macaw", "Far"),
    ]  # fmt: skip
    assert [row[3] for row in said] == [one.reached for one in asked.arms]
    report = await measured(ctx, campaign)
    assert [one.arm for one in report.arms] == ["a", "b", "c", "d"]
    assert sum(one.messages for one in report.arms) == 120 and sum(one.sent for one in report.arms) == found.sent
    assert report.results.people == 117 - asked.held_out, "who was excluded or held out counts in no arm"
    expected = share_out(ctx.secret, campaign.id, arms, None, list(range(1, 121))).tolist()
    assert [arms[n].key for n in expected] == [told_by[person][0] for person in range(1, 121)]
    listed = await rows(ctx, "select count(*) from template_version where state = 'variant'")
    assert listed == [(1,)]


async def test_a_part_is_tried_and_the_rule_chooses_for_the_rest(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 200)
    choice = ArmChoice(percent=40, metric="clicked", after_seconds=3600, by="rule", minimum=10)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 201))), arms=[A, B], arm_choice=choice)
    asked = await full_estimate(ctx, campaign.id)
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    first = await arms_of(ctx)
    assert 50 < len(first) == asked.first < 110 and len(parrot.heard) == len(first)
    assert await state_of(ctx, campaign) == "sending"
    assert (await measured(ctx, campaign)).rest == 200 - len(first)
    clock.advance(timedelta(minutes=20))
    of_a = [person for person, (arm, _) in first.items() if arm == "a"]
    of_b = [person for person, (arm, _) in first.items() if arm == "b"]
    await react(ctx, clock, of_a[: len(of_a) // 2])
    await react(ctx, clock, of_b[: len(of_b) // 5])
    await run_until_idle(ctx, [CHOOSE, RUN, SEND])
    assert (await find(ctx, campaign)).arm_winner is None, "their hour is not over"
    clock.advance(timedelta(minutes=41))
    await react(ctx, clock, of_b)  # too late to count
    await run_until_idle(ctx, [CHOOSE, RUN, SEND])
    await run_until_idle(ctx, [RUN])
    winner = (await find(ctx, campaign)).arm_winner
    assert winner is not None and (winner.arm, winner.by, winner.why) == ("a", None, "leading")
    assert await state_of(ctx, campaign) == "finished"
    everybody = await arms_of(ctx)
    assert len(everybody) == 200 and sorted(parrot.heard) == sorted(f"p{n}@example.com" for n in range(1, 201))
    assert {person: everybody[person] for person in first} == first
    assert {everybody[person] for person in everybody.keys() - first.keys()} == {("a", True)}
    report = await measured(ctx, campaign)
    assert report.results.people == len(first), "who was told after the choice is compared with nobody"
    (metric,) = [one for one in report.results.metrics if one.metric == "clicked"]
    assert [one.total for one in metric.arms] == [len(of_a) // 2, len(of_b) // 5 if len(of_b) else 0]
    assert (await reported(ctx, campaign)).sent == 200


@pytest.mark.parametrize(("otherwise", "arm", "why"), [("first", "a", "first"), ("leading", "b", "leading"), ("wait", None, None)])
async def test_when_the_rule_finds_nothing(
    ctx: Context, parrot: Parrot, clock: VirtualClock, otherwise: Any, arm: str | None, why: str | None
) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 60)
    choice = ArmChoice(percent=50, after_seconds=600, by="rule", minimum=10_000, otherwise=otherwise)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 61))), arms=[A, B], arm_choice=choice)
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    await react(ctx, clock, [person for person, (key, _) in (await arms_of(ctx)).items() if key == "b"])
    clock.advance(timedelta(minutes=11))
    await run_until_idle(ctx, [CHOOSE, RUN, SEND])
    winner = (await find(ctx, campaign)).arm_winner
    assert (winner and winner.arm, winner and winner.why) == (arm, why)
    if arm is None:
        clock.advance(timedelta(days=30))
        await run_until_idle(ctx, [CHOOSE, RUN, SEND])
        assert await state_of(ctx, campaign) == "sending" and len(parrot.heard) < 60
        chosen = await adopt(ctx, campaign, "b")
        assert chosen.arm_winner is not None and (chosen.arm_winner.by, chosen.arm_winner.why) == (SYSTEM.name, "person")
        with pytest.raises(ArmChosen):
            await adopt(ctx, campaign, "a")
        await run_until_idle(ctx, [RUN, SEND])
    await run_until_idle(ctx, [RUN])
    assert len(parrot.heard) == 60 and await state_of(ctx, campaign) == "finished"


def test_a_rule_that_wants_to_be_sure() -> None:
    def metric(*shares: float, people: int = 5_000) -> Any:
        arms = [Arm(key=f"a{n}") for n in range(len(shares))]
        design = Design(name="x", arms=arms, metrics=[ConversionMetric(name="clicked", event="clicked")])
        counted = {
            n: Counted(people=people, crossed=0, first=None, last=None, metrics=(Moments(people=people, mean=p, variance=p * (1 - p)),))
            for n, p in enumerate(shares)
        }
        return make_results(design, {None: counted}, now=AT, took_ms=0).metrics[0]

    sure = ArmChoice(by="rule", sure=True, minimum=100)
    keys = ["a0", "a1", "a2"]
    assert choosing.decide(sure, metric(0.10, 0.11), keys[:2], over=False) is None
    assert choosing.decide(sure, metric(0.10, 0.20), keys[:2], over=False) == ("a1", "better")
    assert choosing.decide(sure, metric(0.20, 0.10, 0.11), keys, over=False) == ("a0", "better")
    assert choosing.decide(sure, metric(0.10, 0.20, 0.25), keys, over=False) == ("a2", "better")
    assert choosing.decide(sure, metric(0.10, 0.20, people=50), keys[:2], over=False) is None
    plain = ArmChoice(by="rule", minimum=100)
    assert choosing.decide(plain, metric(0.10, 0.11), keys[:2], over=False) == ("a1", "leading")
    assert choosing.decide(plain, metric(0.11, 0.11), keys[:2], over=False) == ("a0", "leading")


async def test_a_pause_a_cancel_and_the_wrong_moment(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 80)
    segment = await segment_of(ctx, "all", list(range(1, 81)))
    choice = ArmChoice(percent=50)
    campaign = await draft(ctx, segment, arms=[A, B], arm_choice=choice)
    with pytest.raises(CampaignStateConflict):
        await adopt(ctx, campaign, "a")
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    said = len(parrot.heard)
    with pytest.raises(ArmUnknown):
        await adopt(ctx, campaign, "z")
    await told(ctx, service.pause, campaign)
    await adopt(ctx, campaign, "b")
    await run_until_idle(ctx, [RUN, SEND])
    assert len(parrot.heard) == said, "paused is paused"
    await told(ctx, service.resume, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    assert len(parrot.heard) == 80
    again = await draft(ctx, segment, name="Again", arms=[A, B], arm_choice=choice, version=await add_second(ctx))
    await told(ctx, service.start, again)
    await run_until_idle(ctx, [RUN, SEND])
    await told(ctx, service.cancel, again)
    await run_until_idle(ctx, [RUN, SEND])
    found = await reported(ctx, again)
    assert await state_of(ctx, again) == "cancelled" and found.undecided == 0 and found.sent + found.cancelled == 80


async def add_second(ctx: Context) -> int:
    row = await add_template(ctx, SYSTEM, channel="parrot", name="Second", source=Source(format="text", subject="S", body="x"))
    return (await publish_template(ctx, SYSTEM, row.template_id)).id


async def test_hops_and_later_occasions_keep_the_arm(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    """A hop that follows is of the arm; what was done by it is the arm's."""
    await add_account(ctx, "macaw")
    async with ctx.db.transaction() as conn:
        await add_people(conn, 40)
        await conn.execute(
            "insert into consent_state (profile_id, channel, topic, state, at, consent_id) "
            "select id, 'macaw', 'news', 'granted', '2026-01-01Z', 0 from profile"
        )
        await conn.execute("update consent_state set state = 'withdrawn' where channel = 'parrot' and profile_id <= 20")
    campaign = await draft(
        ctx, await segment_of(ctx, "all", list(range(1, 41))), arms=[A, B], hops=[Fallback(channel="macaw")],
    )  # fmt: skip
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    expected = share_out(ctx.secret, campaign.id, [A, B], None, list(range(1, 41))).tolist()
    found = await rows(
        ctx, "select d.profile_id, d.hop, a.arm, v.subject from delivery d join campaign_arm a using (dispatch_id) "
        "join template_version v on v.id = d.template_version_id where d.sent_at is not null order by 1",
    )  # fmt: skip
    assert [(person, hop) for person, hop, _, _ in found] == [(n, 1 if n <= 20 else 0) for n in range(1, 41)]
    assert [arm for _, _, arm, _ in found] == ["ab"[n] for n in expected]
    assert {subject for _, _, arm, subject in found if arm == "b"} == {"Hey {{ first_name }}"}
    clock.advance(timedelta(hours=1))
    await react(ctx, clock, list(range(1, 21)))
    clock.advance(timedelta(days=2))
    report = await measured(ctx, campaign)
    assert sum(one.clicked for one in report.arms) == 20 and sum(one.sent for one in report.arms) == 40


async def test_an_answer_keeps_its_arm_and_once_is_once(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 30)
        await conn.execute("insert into identity (kind, value, profile_id) select 'user_id', 'u' || id, id from profile")
    campaign = await triggered(ctx, Trigger(event="Asked", again="once"), arms=[A, B])
    await happen(ctx, *[(person, "Asked", {}) for person in range(1, 21)])
    await settle_down(ctx)
    first = await arms_of(ctx)
    assert len(first) == 20 and {arm for arm, _ in first.values()} == {"a", "b"}
    await adopt(ctx, campaign, "b")
    await happen(ctx, *[(person, "Asked", {}) for person in range(1, 31)])
    await settle_down(ctx)
    everybody = await arms_of(ctx)
    assert {person: everybody[person] for person in first} == first and len(everybody) == 30
    assert {everybody[person] for person in range(21, 31)} == {("b", True)}
    assert len(parrot.heard) == 30


async def test_each_time_of_a_recurring_one_by_the_same_arm_until_one_is_chosen(
    ctx: Context, parrot: Parrot, clock: VirtualClock
) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 30)
    begin = (clock.now() + timedelta(hours=1)).replace(tzinfo=None)
    rule = Recurrence(rule="FREQ=DAILY;COUNT=3", starts=begin)
    campaign = await draft(
        ctx, await segment_of(ctx, "all", list(range(1, 31))), kind="recurring", recurrence=rule, arms=[A, B]
    )
    await told(ctx, service.start, campaign)
    for _ in range(2):
        clock.advance(timedelta(days=1))
        await run_until_idle(ctx, [RUN, SEND])
    found = await rows(ctx, "select profile_id, array_agg(distinct arm) from delivery join campaign_arm using (dispatch_id) group by 1")
    assert len(found) == 30 and all(len(arms) == 1 for _, arms in found) and len(parrot.heard) == 60
    await adopt(ctx, campaign, "a")
    clock.advance(timedelta(days=1))
    await run_until_idle(ctx, [RUN, SEND])
    last = await rows(ctx, "select distinct arm, chosen from delivery join campaign_arm using (dispatch_id) "
                           "where planned_at > (select max(planned_at) - interval '1 hour' from delivery)")  # fmt: skip
    assert last == [("a", True)] and len(parrot.heard) == 90
    assert (await measured(ctx, campaign)).results.people == 30, "a person counts once, by their first message"


async def test_dying_between_parts_loses_and_doubles_nobody(
    ctx: Context, parrot: Parrot, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is every arm's or nobody's: its place moves in the transaction that hands it in."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 100)
    monkeypatch.setattr(loops, "CHUNK", 15)
    choice = ArmChoice(percent=50, after_seconds=600, by="rule", minimum=5)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 101))), arms=[A, B], arm_choice=choice)
    await told(ctx, service.start, campaign)
    advancing, falls = store.advance, iter([False, True, False, True, True] + [False] * 1000)

    async def dies(*args: Any, **named: Any) -> bool:
        if next(falls):
            raise RuntimeError("died")
        return await advancing(*args, **named)

    monkeypatch.setattr(store, "advance", dies)
    for _ in range(30):
        try:
            await run_until_idle(ctx, [RUN, SEND, CHOOSE], rounds=40)
        except RuntimeError:
            continue
        clock.advance(timedelta(minutes=11))
    assert await state_of(ctx, campaign) == "finished"
    assert sorted(parrot.heard) == sorted(f"p{n}@example.com" for n in range(1, 101))
    assert len(await arms_of(ctx)) == 100


async def test_without_arms_nothing_is_asked_of_them(ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the path of campaigns without arms")

    for name in ("open_arms", "dispatches_of", "spoken_by", "hand_in", "estimate", "not_told"):
        monkeypatch.setattr(trying, name, never)
    async with ctx.db.transaction() as conn:
        await add_people(conn, 10)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 11))), goal=Goal(event="Bought"))
    await full_estimate(ctx, campaign.id)
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND, CHOOSE])
    await run_until_idle(ctx, [RUN])
    assert await state_of(ctx, campaign) == "finished" and len(parrot.heard) == 10
    assert await rows(ctx, "select key from dispatch") == [(f"campaign:{campaign.id}:1",)]


async def test_figures_are_those_of_a_plain_reading(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    """Shares of those who had their time, with the experiments' own intervals."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 600)
    campaign = await draft(
        ctx, await segment_of(ctx, "all", list(range(1, 601))), arms=[A, B], arm_choice=ArmChoice(after_seconds=3600, metric="opened"),
        goal=Goal(event="Bought", value="total"),
    )  # fmt: skip
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    people = {key: [p for p, (arm, _) in (await arms_of(ctx)).items() if arm == key] for key in "ab"}
    clock.advance(timedelta(minutes=30))
    opened = people["a"][:40] + people["b"][:300]
    await react(ctx, clock, opened, "opened_at")
    early = await measured(ctx, campaign)
    assert early.results.metrics[0].arms[0].people == 0 and early.due_at is not None
    clock.advance(timedelta(hours=1))
    report = await measured(ctx, campaign)
    metric = report.results.metrics[0]
    assert metric.metric == "opened" and metric.role == "primary"
    n0, n1 = len(people["a"]), len(people["b"])
    assert [(one.people, one.total) for one in metric.arms] == [(n0, pytest.approx(40)), (n1, pytest.approx(300))]
    p0, p1 = 40 / n0, 300 / n1
    wanted = compare(
        Moments(people=n0, mean=p0, variance=p0 * (1 - p0) * n0 / (n0 - 1)),
        Moments(people=n1, mean=p1, variance=p1 * (1 - p1) * n1 / (n1 - 1)),
        alpha=0.05, rho2=tuned_for(300 * 2, 0.05), share=True,
    )  # fmt: skip
    (beside,) = metric.others
    assert wanted.sequential is not None
    assert (beside.low, beside.high) == pytest.approx((wanted.sequential.low, wanted.sequential.high))
    assert report.leading == "b" and beside.verdict == "better"
    assert [one.metric for one in report.results.metrics] == ["opened", "clicked", "replied", "unsubscribed", "converted", "value"]
