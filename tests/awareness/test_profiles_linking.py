"""Who is who: the pure rules of linking, and that the order of arrival does not matter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import phonenumbers
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from antiphon.awareness.profiles import Identity, Person, normal_identity, normal_kind, normal_phone, resolve, stamp_of
from antiphon.awareness.profiles.identities import normal_email
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Claim, arrange, day_of, order
from antiphon.awareness.profiles.notices import ProfilesMerged
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Database

pytestmark = pytest.mark.store

START = datetime(2026, 6, 1, tzinfo=UTC)
FORGET = "; ".join(
    f"delete from {table}"
    for table in (
        "profile",
        "identity",
        "identity_claim",
        "said",
        "alias",
        "merge_proposal",
        "profile_dirty",
        "profile_unindexed",
    )
)


def u(value: str) -> Identity:
    return Identity("user_id", value)


def a(value: str) -> Identity:
    return Identity("anonymous_id", value)


def e(value: str) -> Identity:
    return Identity("email", value)


def p(value: str) -> Identity:
    return Identity("phone", value)


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        ("email", " Ann.Lee@Example.ORG ", "ann.lee@example.org"),
        ("email", "почта@пример.рф", "почта@xn--e1afmkfd.xn--p1ai"),
        ("email", "user@münchen.de", "user@xn--mnchen-3ya.de"),
        ("email", "not an address", None),
        ("email", "a@b", None),
        ("email", "a" * 300 + "@x.org", None),
        ("phone", "+44 (0)20 7946-0958", "+442079460958"),
        ("phone", "+79161234567", "+79161234567"),
        ("phone", "123", None),
        ("user_id", " 42 ", "42"),
        ("user_id", 42, "42"),
        ("user_id", 42.0, "42"),
        ("user_id", True, None),
        ("user_id", "undefined", None),
        ("user_id", "[object Object]", None),
        ("user_id", "x" * 301, None),
        ("anonymous_id", "00000000-0000-0000-0000-000000000000", None),
        ("loyalty_card", "77 00-1a", "77001A"),
        ("telegram", "https://t.me/Ann_Lee", "@ann_lee"),
        ("telegram", "AnnLee", "@annlee"),
        ("telegram", 123456789, "123456789"),
        ("telegram", "no name", None),
        ("whatsapp", "+44 20 7946 0958", "+442079460958"),
        ("whatsapp", "ann", None),
        ("push_subscription", "x" * 900, "x" * 900),
        ("push_subscription", "x" * 1001, None),
        ("device", "AB-c d", "AB-c d"),
        ("their_own", " As It Comes ", "As It Comes"),
    ],
)
def test_normal_forms(kind: str, value: Any, normal: str | None) -> None:
    found = normal_identity(kind, value)
    assert (found.value if found else None) == normal


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+4402079460958", "+44 (0)20 7946 0958"),
        ("+44020 7946 0958", "+442079460958"),
        ("+4930123456", "+49 030 123456"),
        ("+49030123456", "+49 (0) 30 / 123456"),
        ("+390612345678", "+39 06 1234 5678"),
        ("+541115123456789", "+54 11 15 123456789"),
        ("+5215512345678", "+52 1 55 1234 5678"),
        ("+12015550123", "+1 1 201 555 0123"),
        ("+78005553535", "+7 800 555-35-35"),
        ("+8613800138000", "+86 138 0013 8000"),
        ("+44002079460958", "\uff0b44 (0) 020 7946 0958"),
    ],
)
def test_a_number_is_one_however_it_is_spelled(one: str, other: str) -> None:
    assert normal_phone(one) == normal_phone(other) is not None


calling_codes = st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
nationals = st.from_regex(r"(0|00|1|8|11|15|180|003|90|1001)?[0-9]{5,9}", fullmatch=True)


@given(calling_codes, nationals)
def test_numbers_of_all_countries_have_one_normal_form(code: int, national: str) -> None:
    found = normal_phone(f"+{code}{national}")
    assert found == normal_phone(f"+{code} {national}") == normal_phone(f"+{code} {national[:2]}-{national[2:]}")
    assert found is None or normal_phone(found) == found


@pytest.mark.parametrize("value", [10**301, 10**400, 10**400 + 1, -(10**400)])
def test_a_number_beyond_measure_names_nobody(value: int) -> None:
    assert [normal_identity(kind, value) for kind in ("user_id", "email", "phone", "device", "telegram")] == [None] * 5


def test_a_national_number_needs_its_region() -> None:
    assert normal_phone("8 916 123-45-67") is None
    assert normal_phone("8 916 123-45-67", "RU") == "+79161234567"
    assert normal_kind("userId") == normal_kind("user-id") == "user_id"
    assert normal_kind("é") is None


@given(st.text(max_size=60))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    for normal in (normal_email, normal_phone):
        once = normal(text)
        assert once is None or normal(once) == once


# what was said, each message's strongest first; then the people, and what nobody may decide but an analyst
LINKS: list[tuple[str, list[list[Identity]], list[set[str]], int]] = [
    ("all new", [[u("1"), e("x")], [a("9")]], [{"1", "x"}, {"9"}], 0),
    ("the same person twice", [[a("9")], [u("1"), a("9")]], [{"1", "9"}], 0),
    ("two known share an e-mail", [[u("1")], [u("2"), e("x")], [u("1"), e("x")]], [{"1"}, {"2", "x"}], 1),
    ("a shared device", [[u("1"), a("9")], [u("2"), a("9")]], [{"1", "9"}, {"2"}], 0),
    ("a household's telephone", [[e("x"), p("t")], [e("y"), p("t")]], [{"x", "t"}, {"y"}], 1),
    ("a telephone and nothing against it", [[p("t"), a("1")], [e("y"), p("t")]], [{"y", "t", "1"}], 0),
    ("a household grows together by a user id", [[e("x"), p("t")], [e("y"), p("t")], [u("1"), e("x")], [u("1"), e("y")]],
     [{"1", "x", "y", "t"}], 0),
    ("a subscriber gets an account", [[e("x")], [u("1"), e("x")]], [{"1", "x"}], 0),
    ("a chain of anonymous ids", [[e("x"), a("1")], [e("x"), a("2")], [a("2"), a("3")]], [{"x", "1", "2", "3"}], 0),
    ("a device of too many", [[u(str(n)), a("9")] for n in range(6)], [{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"9"}], 0),
]  # fmt: skip


def claimed(bundles: list[list[Identity]]) -> list[Claim]:
    made = []
    for n, bundle in enumerate(bundles):
        head, *others = sorted(bundle, key=order)
        made += [Claim(head, other, f"{n:016d} m", 0) for other in others]
    return made


@pytest.mark.parametrize("case", LINKS, ids=lambda case: case[0])
def test_rules_of_linking(case: tuple[str, list[list[Identity]], list[set[str]], int]) -> None:
    _, bundles, people, conflicts = case
    found = arrange([i for bundle in bundles for i in bundle], claimed(bundles), {}, (), KINDS)
    assert sorted(sorted(i.value for i in group) for group in found.groups) == sorted(sorted(one) for one in people)
    assert len([c for c in found.conflicts if KINDS.of(c.other.kind).proposes]) == conflicts


async def tell(db: Database, people: list[Person]) -> list[int]:
    async with db.transaction() as conn:
        return await resolve(conn, people, at=START)


def said(n: int, identities: tuple[Identity, ...], traits: dict[str, Any] | None) -> Person:
    at = START + timedelta(seconds=n % 7)
    text = None if traits is None else json.dumps(traits).encode()
    return Person(identities, text, stamp_of(at, f"m{n}"), at)


async def everybody(conn: Connection) -> dict[str, Any]:
    """Each identity → the traits and identities of its person: what must not depend on the order."""
    rows = await (await conn.execute(
        "select p.traits, array_agg(i.kind || ':' || i.value order by i.kind, i.value) from identity i"
        " join profile p on p.id = i.profile_id where p.merged_into is null group by p.id"
    )).fetchall()  # fmt: skip
    found: dict[str, Any] = {name: (traits, names) for traits, names in rows for name in names}
    asked = await (await conn.execute(
        "select least(l.name, h.name), greatest(l.name, h.name), p.kind, p.value, p.question from merge_proposal p"
        " left join alias a on a.from_id = p.low_id left join alias b on b.from_id = p.high_id"
        ", lateral (select min(kind || ':' || value) as name from identity where profile_id = coalesce(a.to_id, p.low_id)) l"
        ", lateral (select min(kind || ':' || value) as name from identity where profile_id = coalesce(b.to_id, p.high_id)) h"
        " where state = 'open' order by 1, 2"
    )).fetchall()  # fmt: skip
    return found | {"asked": asked}


SCRIPT = [
    said(0, (a("phone-app"),), {"lang": "ru", "age": 30}),
    said(1, (a("web"), e("ann@x.org")), {"email": "ann@x.org"}),
    said(2, (u("1"), a("phone-app")), {"age": 31, "plan": "free"}),
    said(3, (u("1"), a("web"), e("ann@x.org")), {"plan": "pro", "lang": None}),
    said(11, (u("1"),), {"plan": "gone"}),  # the same instant as message 4, a smaller id
]


async def test_every_order_gives_the_same_person(db: Database) -> None:
    seen = []
    for shuffled in list(permutations(SCRIPT))[::11]:
        async with db.connection() as conn:
            await conn.execute(FORGET)
        for person in shuffled:
            await tell(db, [person])
        async with db.connection() as conn:
            seen.append(await everybody(conn))
    assert all(one == seen[0] for one in seen)
    assert seen[0]["user_id:1"][0] == {"age": 31, "plan": "gone", "email": "ann@x.org"}


_IDENTITIES = [
    *(u(n) for n in "123"), *(e(f"{n}@x.org") for n in "123"), *(p(f"+4420794600{n}") for n in "12"),
    *(a(n) for n in "abcd"), Identity("device", "d"), Identity("loyalty_card", "C1"),
]  # fmt: skip


@st.composite
def messages(draw: Any) -> list[Person]:
    """What anybody may say of anybody: at most one user id a message, over many months."""
    result = []
    for n in range(draw(st.integers(2, 9))):
        identities = draw(st.lists(st.sampled_from(_IDENTITIES), min_size=1, max_size=4, unique_by=lambda i: i.kind))
        traits = draw(st.one_of(st.none(), st.dictionaries(
            st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3), st.just("x")), max_size=3
        )))  # fmt: skip
        at = START + timedelta(days=draw(st.sampled_from([0, 0, 1, 30, 89, 90, 91, 200])), seconds=draw(st.integers(0, 2)))
        text = None if traits is None else json.dumps(traits).encode()
        result.append(Person(tuple(identities), text, stamp_of(at, f"m{n}"), at))
    return result


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_order_and_grouping_do_not_matter(db: Database, data: Any) -> None:
    """The same people, traits, owners of identities and proposals, whatever came first and in which transaction."""
    told = data.draw(messages())
    outcomes = []
    for _ in range(3):
        shuffled = data.draw(st.permutations(told))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=3)))
        async with db.connection() as conn:
            await conn.execute(FORGET)
        for first, last in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
            if first < last:
                await tell(db, shuffled[first:last])
        async with db.connection() as conn:
            outcomes.append(await everybody(conn))
            loose = "select count(*) from alias a join profile p on p.id = a.to_id where p.merged_into is not null"
            assert await (await conn.execute(loose)).fetchone() == (0,)
            ghosts = "select count(*) from identity i join profile p on p.id = i.profile_id where p.merged_into is not null"
            assert await (await conn.execute(ghosts)).fetchone() == (0,)
            both = "select count(*) from profile p left join alias a on a.from_id = p.id where p.merged_into is distinct from a.to_id"
            assert await (await conn.execute(both)).fetchone() == (0,)
    assert outcomes[0] == outcomes[1] == outcomes[2]


@settings(max_examples=200, deadline=None)
@given(messages())
def test_hearing_claims_one_by_one_is_hearing_them_together(told: list[Person]) -> None:
    """The rule by which only the people a claim names are looked at: what was not followed once is not followed later."""
    bundles = [sorted(person.identities, key=order) for person in told]
    claims = [
        Claim(bundle[0], other, person.stamp, day_of(person.stamp))
        for person, bundle in zip(told, bundles, strict=True)
        for other in bundle[1:]
    ]
    everyone = [i for bundle in bundles for i in bundle]
    whole = arrange(everyone, claims, {}, (), KINDS)
    heard: list[Claim] = []
    people: list[set[Identity]] = [{one} for one in dict.fromkeys(everyone)]
    for claim in claims:
        heard.append(claim)
        named = [group for group in people if claim.head in group or claim.other in group]
        inside = {one for group in named for one in group}
        near = [c for c in heard if c.head in inside or c.other in inside]
        outside = {end: n for c in near for end in c[:2] for n, g in enumerate(people) if end in g and end not in inside}
        part = arrange(inside, near, outside, (), KINDS)
        assert part.shared or not part.outside
        people = [group for group in people if group not in named] + [set(group) for group in part.groups]
    if not whole.shared:
        assert sorted(map(sorted, people)) == sorted(map(sorted, whole.groups))


async def test_many_who_link_the_same_people_at_once_agree(db: Database) -> None:
    import asyncio

    bundles = [said(n, (u(str(n % 20)), a(f"d{n % 50}-{n % 20}"), e(f"{n % 20}@x.org")), {"n": n}) for n in range(400)]
    parts = [bundles[k::8] for k in range(8)]

    async def one(part: list[Person]) -> None:
        for first in range(0, len(part), 10):
            await tell(db, part[first : first + 10])

    await asyncio.gather(*(one(part) for part in parts))
    async with db.connection() as conn:
        people = await (await conn.execute("select count(*) from profile where merged_into is null")).fetchone()
        assert people == (20,)
        best = {str(k): max((b for b in bundles if b.identities[0].value == str(k)), key=lambda b: b.stamp) for k in range(20)}
        for user, person in best.items():
            row = await (await conn.execute(
                "select traits -> 'n' from profile p join identity i on i.profile_id = p.id"
                " where i.kind = 'user_id' and i.value = %s",
                (user,),
            )).fetchone()  # fmt: skip
            assert row is not None and row[0] == json.loads(person.traits or b"")["n"]


async def test_a_merge_is_heard_and_a_proposal_is_made_once(db: Database, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[ProfilesMerged] = []

    async def hear(_: Connection, notice: ProfilesMerged) -> None:
        heard.append(notice)

    monkeypatch.setattr("antiphon.awareness.profiles.casting.publish", hear)
    (anonymous,) = await tell(db, [said(0, (a("1"),), {"a": 1})])
    (known,) = await tell(db, [said(1, (u("1"),), {"b": 2})])
    assert await tell(db, [said(2, (u("1"), a("1")), None)]) == [known]
    assert heard == [ProfilesMerged([anonymous], [known])]
    (other,) = await tell(db, [said(3, (u("2"), e("x@x.org")), {})])
    for n in (4, 5):
        assert await tell(db, [said(n, (u("1"), e("x@x.org")), {})]) == [known]
    async with db.connection() as conn:
        rows = await (await conn.execute("select low_id, high_id, kind, value, state from merge_proposal")).fetchall()
    assert rows == [(known, other, "email", "x@x.org", "open")]
