"""Who is who: the pure rules of linking, and that the order of arrival does not matter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from antiphon.awareness.profiles import Identity, Person, normal_identity, normal_kind, normal_phone, resolve, stamp_of
from antiphon.awareness.profiles.identities import normal_email
from antiphon.awareness.profiles.linking import Linker
from antiphon.awareness.profiles.notices import ProfilesMerged
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Database

pytestmark = pytest.mark.store

START = datetime(2026, 6, 1, tzinfo=UTC)
FORGET = "; ".join(
    f"delete from {table}"
    for table in ("profile", "identity", "alias", "merge_proposal", "profile_dirty", "profile_unindexed")
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
        ("loyalty_card", "A-1", "A-1"),
    ],
)
def test_normal_forms(kind: str, value: Any, normal: str | None) -> None:
    found = normal_identity(kind, value)
    assert (found.value if found else None) == normal


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


# owner before, who has a user id, who has an e-mail, bundles → profile of each, merges, proposals
LINKS: list[tuple[Any, ...]] = [
    ("all new", {}, set(), set(), [[u("1"), e("x")], [a("9")]], [-1, -2], [], 0),
    ("the same person twice in one set", {}, set(), set(), [[a("9")], [u("1"), a("9")]], [-1, -1], [], 0),
    ("anonymous becomes known", {a("9"): 5}, set(), set(), [[u("1"), a("9")]], [5], [], 0),
    ("anonymous merges into known", {a("9"): 5, u("1"): 7}, {7}, set(), [[u("1"), a("9")]], [7], [(5, 7)], 0),
    ("known wins even when younger", {a("9"): 5, e("x"): 6, u("1"): 7}, {7}, {6}, [[u("1"), a("9"), e("x")]], [7],
     [(5, 7), (6, 7)], 0),
    ("two known share an e-mail", {u("1"): 5, e("x"): 6}, {5, 6}, {6}, [[u("1"), e("x")]], [5], [], 1),
    ("a new user id with a known's e-mail", {e("x"): 6}, {6}, {6}, [[u("2"), e("x")]], [-1], [], 1),
    ("a shared device", {u("1"): 5, a("9"): 6}, {5, 6}, set(), [[u("1"), a("9")]], [5], [], 0),
    ("a household's telephone", {p("t"): 6}, set(), {6}, [[e("y"), p("t")]], [-1], [], 1),
    ("a subscriber gets an account", {e("x"): 6}, set(), {6}, [[u("1"), e("x")]], [6], [], 0),
    ("a chain of anonymous ids", {a("1"): 1, a("2"): 2, a("3"): 3}, set(), set(),
     [[a("1"), e("x")], [a("2"), e("x")], [a("3"), a("2")]], [1, 1, 1], [(2, 1), (3, 1)], 0),
]  # fmt: skip


@pytest.mark.parametrize("case", LINKS, ids=lambda case: case[0])
def test_rules_of_linking(case: Any) -> None:
    _, owner, with_user, with_email, bundles, profiles, merges, proposals = case
    plan = Linker(owner, with_user, with_email).link(bundles)
    assert plan.profiles == profiles
    assert sorted(plan.merges) == sorted(merges)
    assert len(plan.proposals) == proposals


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
    return {name: (traits, names) for traits, names in rows for name in names}


SCRIPT = [
    said(0, (a("phone-app"),), {"lang": "ru", "age": 30}),
    said(1, (a("web"), e("ann@x.org")), {"email": "ann@x.org"}),
    said(2, (u("1"), a("phone-app")), {"age": 31, "plan": "free"}),
    said(3, (u("1"), a("web"), e("ann@x.org")), {"plan": "pro", "lang": None}),
    said(11, (u("1"),), {"plan": "gone"}),  # the same instant as message 4, a smaller id
]


async def test_every_order_gives_the_same_person(db: Database) -> None:
    seen = []
    for order in list(permutations(SCRIPT))[::11]:
        async with db.connection() as conn:
            await conn.execute(FORGET)
        for person in order:
            await tell(db, [person])
        async with db.connection() as conn:
            seen.append(await everybody(conn))
    assert all(one == seen[0] for one in seen)
    assert seen[0]["user_id:1"][0] == {"age": 31, "plan": "gone", "email": "ann@x.org"}


_USERS = st.sampled_from(["1", "2", "3"])


@st.composite
def messages(draw: Any) -> list[Person]:
    """What three people say from devices and addresses of their own."""
    result = []
    for n in range(draw(st.integers(2, 10))):
        who = draw(_USERS)
        identities = draw(st.lists(
            st.sampled_from([u(who), a(f"{who}-web"), a(f"{who}-app"), e(f"{who}@x.org")]),
            min_size=1, max_size=4, unique=True,
        ))  # fmt: skip
        traits = draw(st.one_of(st.none(), st.dictionaries(
            st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3), st.just("x")), max_size=3
        )))  # fmt: skip
        result.append(said(n, tuple(identities), traits))
    return result


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_order_and_grouping_do_not_matter(db: Database, data: Any) -> None:
    told = data.draw(messages())
    outcomes = []
    for _ in range(2):
        order = data.draw(st.permutations(told))
        cut = data.draw(st.integers(0, len(order)))
        async with db.connection() as conn:
            await conn.execute(FORGET)
        for part in (order[:cut], order[cut:]):
            if part:
                await tell(db, part)
        async with db.connection() as conn:
            outcomes.append(await everybody(conn))
            assert await (await conn.execute("select count(*) from merge_proposal")).fetchone() == (0,)
            loose = "select count(*) from alias a join profile p on p.id = a.to_id where p.merged_into is not null"
            assert await (await conn.execute(loose)).fetchone() == (0,)
            ghosts = "select count(*) from identity i join profile p on p.id = i.profile_id where p.merged_into is not null"
            assert await (await conn.execute(ghosts)).fetchone() == (0,)
    assert outcomes[0] == outcomes[1]


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
        best = {
            str(k): max((b for b in bundles if b.identities[0].value == str(k)), key=lambda b: b.stamp) for k in range(20)
        }
        for user, person in best.items():
            row = await (await conn.execute(
                "select traits -> 'n' from profile p join identity i on i.profile_id = p.id"
                " where i.kind = 'user_id' and i.value = %s",
                (user,),
            )).fetchone()  # fmt: skip
            assert row is not None and row[0] == json.loads(person.traits or b"")["n"]


async def test_a_merge_is_heard_and_a_proposal_is_made_once(
    db: Database, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[ProfilesMerged] = []

    async def hear(_: Connection, notice: ProfilesMerged) -> None:
        heard.append(notice)

    monkeypatch.setattr("antiphon.awareness.profiles.resolving.publish", hear)
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
