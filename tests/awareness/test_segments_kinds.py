"""What each kind of condition must satisfy, and what it means where that is not obvious."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from antiphon.awareness.segments.check import Checker, Happened, Person
from antiphon.awareness.segments.compile import plan
from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.limits import MAX_LEVELS, MAX_REACH
from antiphon.awareness.segments.model import Node, Surroundings, TraitColumn
from antiphon.awareness.segments.people import age_on, share_number
from antiphon.awareness.segments.rules import refuse_cycle, validate
from antiphon.awareness.segments.scans import Tables
from antiphon.awareness.segments.windows import Calendar, calendar_bounds
from antiphon.awareness.segments.zones import local_days

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRAITS = {
    "plan": TraitColumn("t_plan", "text"),
    "age": TraitColumn("t_age", "number"),
    "born": TraitColumn("t_born", "date"),
    "seen": TraitColumn("t_seen", "instant"),
    "tags": TraitColumn("t_tags", "text_list"),
    "timezone": TraitColumn("t_zone", "text"),
}
AROUND = Surroundings({"email": "email"}, frozenset({"news"}))
DAYS: dict[str, Any] = {"amount": 3, "unit": "days"}
AGE: dict[str, Any] = {"kind": "age", "trait": "born", "op": "ge", "value": 18}
NEAR: dict[str, Any] = {
    "kind": "near", "latitude": "age", "longitude": "age", "place": {"latitude": 1, "longitude": 2}, "metres": 5,
}  # fmt: skip
SHARE: dict[str, Any] = {"kind": "share", "salt": "a", "begin": 0, "end": 10}
BOUGHT: dict[str, Any] = {"kind": "event", "name": "Order Completed"}
TIME: dict[str, Any] = {"kind": "event_time", "name": "A", "which": "first", "window": {"kind": "last", **DAYS}}
STEPS: dict[str, Any] = {"kind": "sequence", "steps": [{"name": "A"}, {"name": "B"}]}
MAIL: dict[str, Any] = {"kind": "engagement", "channel": "email", "did": "opened"}
CONSENT: dict[str, Any] = {"kind": "consent", "channel": "email", "topic": "news"}


def tree(value: Any) -> Node:
    return msgspec.convert(value, Node)  # type: ignore[no-any-return]


def steps(*made: dict[str, Any]) -> dict[str, Any]:
    return STEPS | {"steps": [{"name": "A"}, *made]}


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        (AGE | {"trait": "plan"}, "trait", "must be a date or instant trait, and 'plan' is text"),
        (AGE | {"trait": "x" * 5000}, "trait", "no profile has a trait"),
        (AGE | {"zone": "nowhere"}, "zone", "no profile has a trait"),
        (AGE | {"zone": "age"}, "zone", "must be a text trait"),
        (AGE | {"value": -1}, "value", "from 0 to 1000"),
        (AGE | {"value": None}, "value", "from 0 to 1000"),
        (AGE | {"high": 20}, "high", "only between"),
        (AGE | {"op": "between", "high": 17}, "high", "not be less"),
        ({"kind": "anniversary", "trait": "born", "begin": 2, "end": 1}, "begin", "not be after"),
        ({"kind": "anniversary", "trait": "age"}, "trait", "must be a date"),
        ({"kind": "length", "trait": "plan", "op": "ge", "value": 1}, "trait", "must be a text_list"),
        (NEAR | {"latitude": "born"}, "latitude", "must be a number"),
        (SHARE | {"salt": ""}, "salt", "give a salt"),
        (SHARE | {"salt": "\x00"}, "salt", "cannot be stored"),
        (SHARE | {"begin": 0.001}, "begin", "two decimals"),
        (SHARE | {"begin": 10}, "begin", "less than the end"),
        ({"kind": "trait", "trait": "tags", "op": "all", "value": "a"}, "value", "takes values"),
        (BOUGHT | {"measure": "distinct", "op": "ge", "value": 1}, "property", "distinct needs a property"),
        (BOUGHT | {"window": {"kind": "ago"}}, "window.begin", "give begin, end or both"),
        (BOUGHT | {"window": {"kind": "ago", "begin": DAYS, "end": DAYS}}, "window.begin", "longer ago"),
        (BOUGHT | {"window": {"kind": "ago", "begin": {"amount": 5_256_000, "unit": "weeks"}}}, "window.begin.amount", "at most"),
        (BOUGHT | {"window": {"kind": "calendar", "period": "day", "zone": "../etc/passwd"}}, "window.zone", "time zone"),
        (BOUGHT | {"window": {"kind": "since_event", "name": ""}}, "window.name", "name of an event"),
        (
            BOUGHT | {"window": {"kind": "since_event", "name": "A", "where": [{"property": "", "op": "set"}]}},
            "window.where[0].property",
            "name of a property",
        ),
        (TIME | {"name": ""}, "name", "name of an event"),
        (TIME | {"where": [{"property": "a", "op": "set"}] * 21}, "where", "at most 20"),
        (STEPS | {"steps": [{"name": "A"}]}, "steps", "2 to 10 steps"),
        (STEPS | {"steps": [{"name": "A"}] * 11}, "steps", "2 to 10 steps"),
        (STEPS | {"steps": [{"name": "A", "absent": True}, {"name": "B"}]}, "steps[0].absent", "something done"),
        (STEPS | {"steps": [{"name": "A", "at_most": DAYS}, {"name": "B"}]}, "steps[0].at_most", "follows nothing"),
        (steps({"name": ""}), "steps[1].name", "name of an event"),
        (steps({"name": "B", "at_least": DAYS, "at_most": {"amount": 1, "unit": "days"}}), "steps[1].at_least", "more than"),
        (steps({"name": "B", "absent": True, "at_least": DAYS}), "steps[1].at_least", "at_most alone"),
        (steps({"name": "B", "absent": True, "at_most": {"amount": 0, "unit": "days"}}), "steps[1].at_most.amount", "at least 1"),
        (STEPS | {"at_most": {"amount": 0, "unit": "days"}}, "at_most.amount", "at least 1"),
        (MAIL | {"channel": "pigeon"}, "channel", "no channel 'pigeon'"),
        (MAIL | {"op": "ge"}, "value", "must be a number"),
        (CONSENT | {"topic": "secrets"}, "topic", "no topic 'secrets'"),
        (CONSENT | {"channel": "pigeon"}, "channel", "no channel"),
        ({"kind": "reachable", "channel": "email", "topic": "x"}, "topic", "no topic"),
        ({"kind": "lookalike", "id": 4, "percent": 5}, "id", "no segment 4"),
        ({"kind": "lookalike", "id": 1, "percent": 5}, "kind", "no model of likeness"),
    ],
)  # fmt: skip
def test_a_bad_condition_is_refused_with_its_field_and_rule(value: Any, field: str, rule: str) -> None:
    with pytest.raises(InvalidTree, match=rule) as refused:
        validate(tree({"kind": "or", "of": [value]}), TRAITS, {1: None}, AROUND)
    assert refused.value.field == f"tree.of[0].{field}"


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "anniversary", "trait": "born", "begin": -400},
        NEAR | {"place": {"latitude": 91, "longitude": 0}},
        NEAR | {"metres": -1},
        SHARE | {"end": 101},
        MAIL | {"campaign_id": 0},
        TIME | {"window": {"kind": "since_event", "name": "A"}},
        {"kind": "lookalike", "id": 1, "percent": 0},
        STEPS | {"steps": [{"name": "A", "at_most": {"amount": 10**12, "unit": "days"}}]},
    ],
)
def test_what_no_number_may_be_is_no_tree(value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        tree(value)


def test_gigantic_trees_are_refused_before_they_are_worked_out() -> None:
    many = {"kind": "trait", "trait": "plan", "op": "in", "values": ["x"] * 1000}
    with pytest.raises(InvalidTree, match="at most 10000 values in all"):
        validate(tree({"kind": "or", "of": [many] * 11}), TRAITS, {})
    doubled: dict[int, Node | None] = {1: tree(BOUGHT)}
    for i in range(2, MAX_LEVELS + 3):  # each refers twice to the one before: 2^n ways, n segments
        doubled[i] = tree({"kind": "or", "of": [{"kind": "segment", "id": i - 1}] * 2})
    validate(tree({"kind": "segment", "id": MAX_LEVELS}), TRAITS, doubled)
    with pytest.raises(InvalidTree, match=f"further than {MAX_LEVELS} times"):
        validate(tree({"kind": "segment", "id": MAX_LEVELS + 1}), TRAITS, doubled)
    with pytest.raises(InvalidTree, match="other segments would refer"):
        refuse_cycle(1, tree({"kind": "segment", "id": 99}), doubled | {99: tree(BOUGHT)})
    wide: dict[int, Node | None] = {i: tree({"kind": "or", "of": [BOUGHT] * 250}) for i in range(MAX_REACH // 250 + 1)}
    with pytest.raises(InvalidTree, match=f"more than {MAX_REACH} conditions"):
        validate(tree({"kind": "or", "of": [{"kind": "segment", "id": i} for i in wide]}), TRAITS, wide)


def test_a_segment_referred_to_again_is_checked_and_shown_once() -> None:
    segments: dict[int, Node | None] = {1: tree(BOUGHT)}
    for i in range(2, MAX_LEVELS + 1):
        segments[i] = tree({"kind": "and", "of": [{"kind": "segment", "id": i - 1}] * 3})
    verdict = Checker(NOW, TRAITS, segments).why(tree({"kind": "segment", "id": MAX_LEVELS}), Person(1, {}, []))
    assert len(msgspec.json.encode(verdict)) < 10_000
    planned = plan({0: tree({"kind": "segment", "id": MAX_LEVELS})}, NOW, TRAITS, segments)
    assert planned.leaves == 2


def held(value: Any, now: datetime = NOW, traits: dict[str, Any] | None = None, *events: tuple[str, float]) -> bool:
    happened = [Happened(NOW + timedelta(days=day), name, {}) for name, day in events]
    return Checker(now, TRAITS).holds(tree(value), Person(1, traits or {}, happened))


def test_an_age_changes_at_the_persons_own_midnight() -> None:
    for zone, turns in (
        ("Pacific/Auckland", datetime(2026, 6, 1, 12, tzinfo=UTC)),
        ("Europe/Madrid", datetime(2026, 6, 1, 22, tzinfo=UTC)),
        ("Nowhere", datetime(2026, 6, 2, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 6, 2, 7, tzinfo=UTC)),
    ):
        traits = {"born": "2008-06-02", "timezone": zone}
        assert not held(AGE, turns - timedelta(microseconds=1), traits)
        assert held(AGE, turns, traits)


def test_29_february_is_1_march_in_other_years() -> None:
    born = datetime(2008, 2, 29, tzinfo=UTC).date()
    days = [(2026, 2, 28), (2026, 3, 1), (2028, 2, 28), (2028, 2, 29), (2008, 2, 28), (2008, 2, 29)]
    assert [age_on(born, datetime(*day, tzinfo=UTC).date()) for day in days] == [17, 18, 19, 20, None, 0]
    today = {"kind": "anniversary", "trait": "born"}
    for day, expected in ((datetime(2026, 2, 28, 9, tzinfo=UTC), False), (datetime(2026, 3, 1, 9, tzinfo=UTC), True)):
        assert held(today, day, {"born": "2008-02-29"}) is expected
    assert not held(today, datetime(2008, 2, 29, tzinfo=UTC), {"born": "2008-02-29"})  # the day itself is none


def test_shares_are_stable_and_even() -> None:
    assert [share_number("spring", i) for i in (1, 2, 3)] == [6451, 8771, 8081]
    inside = sum(share_number("a", i) < 1000 for i in range(20_000))
    assert 1_800 < inside < 2_200


@pytest.mark.parametrize(
    ("zone", "at", "period", "begins"),
    [
        ("Europe/Madrid", "2026-03-29T12:00:00+00:00", "day", "2026-03-28T23:00:00+00:00"),
        ("Europe/Madrid", "2026-03-29T23:00:00+00:00", "day", "2026-03-29T22:00:00+00:00"),
        ("America/Sao_Paulo", "2018-11-04T12:00:00+00:00", "day", "2018-11-04T03:00:00+00:00"),  # midnight was skipped
        ("America/Havana", "2026-11-01T12:00:00+00:00", "day", "2026-11-01T04:00:00+00:00"),  # midnight came twice
        ("UTC", "2026-06-01T00:00:00+00:00", "week", "2026-06-01T00:00:00+00:00"),
        ("UTC", "2026-05-31T23:59:59.999999+00:00", "week", "2026-05-25T00:00:00+00:00"),
        ("Asia/Kolkata", "2026-03-31T18:30:00+00:00", "quarter", "2026-03-31T18:30:00+00:00"),
        ("Pacific/Kiritimati", "2025-12-31T10:00:00+00:00", "year", "2025-12-31T10:00:00+00:00"),
    ],
)  # fmt: skip
def test_periods_begin_at_local_midnight(zone: str, at: str, period: Any, begins: str) -> None:
    first, end = calendar_bounds(Calendar(period=period, zone=zone), datetime.fromisoformat(at))
    assert first == datetime.fromisoformat(begins)
    assert first <= datetime.fromisoformat(at) < end


def test_the_world_has_at_most_three_dates() -> None:
    for hour in range(24):
        found = local_days(NOW.replace(hour=hour))
        assert 1 <= len(found) + 1 <= 3
    assert "Pacific/Kiritimati" in local_days(NOW.replace(hour=10))[NOW.date() + timedelta(days=1)]


def test_an_abandoned_cart_is_known_when_its_time_has_passed() -> None:
    left = steps({"name": "B", "absent": True, "at_most": DAYS})
    assert not held(left, NOW, None, ("A", -2.9))
    assert held(left, NOW, None, ("A", -3))
    assert not held(left, NOW, None, ("A", -3), ("B", 0))
    assert held(left, NOW, None, ("A", -4), ("B", -0.9))
    assert held(left, NOW, None, ("A", -4), ("B", -4))  # at the same instant is not after it


def test_steps_at_one_instant_are_not_in_order_and_gaps_include_their_ends() -> None:
    assert not held(STEPS, NOW, None, ("A", -1), ("B", -1))
    assert held(STEPS, NOW, None, ("A", -1), ("B", -1 + 1e-9))
    assert held(steps({"name": "B", "at_least": DAYS, "at_most": DAYS}), NOW, None, ("A", -5), ("A", -4), ("B", -1))
    assert not held(steps({"name": "B", "at_least": DAYS}), NOW, None, ("A", -3.5), ("B", -1))


def test_without_the_event_it_counts_from_nothing_counts() -> None:
    since = {"window": {"kind": "since_event", "name": "A"}}
    assert held(BOUGHT | since | {"op": "did_not"}, NOW, None, ("Order Completed", -1))
    assert not held(BOUGHT | since, NOW, None, ("Order Completed", -1))
    assert held(BOUGHT | since, NOW, None, ("A", -2), ("Order Completed", -1))
    assert not held(BOUGHT | since, NOW, None, ("A", -1), ("Order Completed", -1))


def test_events_ahead_of_now_have_not_happened_and_late_ones_count_when_they_happened() -> None:
    assert not held(BOUGHT, NOW, None, ("Order Completed", 1))
    assert held(BOUGHT, NOW + timedelta(days=1), None, ("Order Completed", 1))
    last_year = {"kind": "last", "amount": 53, "unit": "weeks"}
    assert held(BOUGHT | {"window": last_year}, NOW, None, ("Order Completed", -366))


@pytest.mark.parametrize("name", ["it's", 'a"b', "x'); drop table profile; --", "{}", "%s", "\\", "\u202e", "a.b", "🦄" * 200])
def test_hostile_names_stay_names(name: str) -> None:
    where = [{"property": name, "op": "is", "value": name}]
    asked = [
        BOUGHT | {"name": name, "where": where}, TIME | {"name": name, "where": where},
        STEPS | {"steps": [{"name": name, "where": where}] * 2}, SHARE | {"salt": name},
        BOUGHT | {"window": {"kind": "since_event", "name": name, "where": where}},
    ]  # fmt: skip
    trees = {i: tree(value) for i, value in enumerate(asked)}
    for one in trees.values():
        validate(one, TRAITS, {}, AROUND)
    for question in plan(trees, NOW, TRAITS, {}, AROUND).questions(Tables()):
        assert name.replace("'", "''") in question.sql or question.sql.startswith(
            "select profile_id::uinteger as profile_id from lake.profile"
        )
        assert question.sql.count("'") % 2 == 0
