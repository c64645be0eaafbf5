"""The transactional API: one message to one person, once for each key, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.execution.cast import Parrot, add_account, add_people, add_published, speak, stage, yes

from antiphon.execution.campaigns.asked import Asked
from antiphon.execution.campaigns.desk import Desk, open_desk
from antiphon.execution.campaigns.keys import forget_keys
from antiphon.execution.campaigns.messages import Accepted, MessageBody, MessageKeyReused, Recipient, RecipientUnknown
from antiphon.execution.campaigns.personal import erase
from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.content import Source
from antiphon.execution.delivery import Content, Intents, NewDispatch, open_dispatch, submit
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store

HELLO = {"channel": "email", "content": {"subject": "Hi", "text": "Order {{ order }} for {{ first_name }} {{ metadata.ref }}"}}


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot, open_desk(ctx) as desk:
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 5, consent=None)
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(1, 5) i"
            )
            await conn.execute("select setval(pg_get_serial_sequence('profile', 'id'), 100)")
        ctx.put(Desk, desk)
        yield parrot


@pytest.fixture
async def http(ctx: Context, parrot: Parrot, client: Any) -> Any:
    await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
    return client


def asked(key: str | None, order: str, person: int = 1, owner: str = "key:1") -> Asked:
    body = MessageBody(to=Recipient(profile_id=person), channel="parrot", content=None, template_id=1, variables={"order": order})
    return Asked(owner, body, key)


async def count(ctx: Context, table: str) -> int:
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(f"select count(*) from {table}")).fetchone()
    assert row is not None
    return int(row[0])


async def addresses(ctx: Context) -> list[str]:
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select address from delivery where state = 'queued' order by 1")).fetchall()
    return [row[0] for row in rows]


async def test_a_message_is_said_once_and_tells_how_far_it_is(http: Any, ctx: Context, parrot: Parrot) -> None:
    body = HELLO | {"to": {"user_id": "u2"}, "key": "order-7", "variables": {"order": "7"}, "metadata": {"ref": "A7"}}
    made = await http.post("/v1/messages", json=body)
    assert made.status_code == 202, made.text
    first = made.json()
    assert (first["state"], first["profile_id"], first["repeated"], first["key"]) == ("queued", 2, False, "order-7")
    again = (await http.post("/v1/messages", json=body)).json()
    assert (again["id"], again["repeated"]) == (first["id"], True)
    other = await http.post("/v1/messages", json=body | {"variables": {"order": "8"}})
    assert other.status_code == 409
    assert other.json()["code"] == "message-key-reused"
    by_header = HELLO | {"to": {"profile_id": 3}}
    sent = [(await http.post("/v1/messages", json=by_header, headers={"Idempotency-Key": "h1"})).json() for _ in range(2)]
    assert sent[0]["id"] == sent[1]["id"]
    assert await count(ctx, "delivery") == 2
    shown = (await http.get(f"/v1/messages/{first['id']}")).json()
    assert (shown["state"], shown["metadata"], len(shown["hops"])) == ("queued", {"ref": "A7"}, 1)
    assert (await http.get("/v1/messages/999")).status_code == 404


async def test_an_address_makes_no_customer_unless_asked(http: Any, ctx: Context, parrot: Parrot) -> None:
    before = await count(ctx, "profile")
    bare = (await http.post("/v1/messages", json=HELLO | {"to": {"address": "New@Example.org"}})).json()
    assert (bare["state"], bare["profile_id"]) == ("queued", None)
    assert await count(ctx, "profile") == before
    known = (await http.post("/v1/messages", json=HELLO | {"to": {"address": "P4@example.com"}})).json()
    assert known["profile_id"] == 4
    made = (await http.post("/v1/messages", json=HELLO | {"to": {"address": "new@example.org", "create": True}})).json()
    assert made["profile_id"] is not None
    assert await count(ctx, "profile") == before + 1
    unknown = await http.post("/v1/messages", json=HELLO | {"to": {"user_id": "nobody"}})
    assert unknown.status_code == 400
    assert unknown.json()["code"] == "recipient-unknown"
    card = (await http.post("/v1/messages", json=HELLO | {"to": {"user_id": "nobody", "create": True}})).json()
    assert (card["state"], card["reason"]) == ("suppressed", "no_address")
    assert await addresses(ctx) == ["new@example.org", "new@example.org", "p4@example.com"]


async def test_what_is_wrong_names_its_field(http: Any) -> None:
    for change, field in (
        ({"to": {}}, "to"),
        ({"to": {"profile_id": 1, "user_id": "u1"}}, "to"),
        ({"to": {"profile_id": 77}}, "to.profile_id"),
        ({"content": None}, "template_id"),
        ({"template_id": 99, "content": None}, "template_id"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": None}, "channel"),
        ({"variables": {"metadata": 1}}, "variables"),
        ({"variables": {"_as": 2}}, "variables"),
        ({"variables": {"x": "a\u0000b"}}, "variables.x"),
        ({"message_class": "marketing"}, "topic"),
        ({"purpose": "gossip"}, "purpose"),
        ({"message_class": "staff"}, "message_class"),
        ({"expires_in": 5, "expires_at": "2026-07-01T00:00:00Z"}, "expires_in"),
        ({"key": ""}, "key"),
    ):
        answer = await http.post("/v1/messages", json=HELLO | {"to": {"profile_id": 1}} | change)
        assert answer.status_code == 400, (change, answer.text)
        assert (answer.json().get("field") or answer.json()["errors"][0]["field"]).endswith(field), (change, answer.text)


async def test_a_batch_answers_each_for_itself(http: Any, ctx: Context, parrot: Parrot) -> None:
    one = HELLO | {"to": {"profile_id": 1}}
    messages = [
        one | {"key": "a"}, one | {"to": {"profile_id": 99}}, one | {"key": "a"}, one | {"key": "a", "purpose": "survey"},
        one | {"to": {"user_id": "u5"}},
    ]  # fmt: skip
    answer = (await http.post("/v1/messages/batch", json={"messages": messages})).json()
    items = answer["items"]
    assert (answer["accepted"], answer["refused"]) == (3, 2)
    assert items[0]["accepted"]["id"] == items[2]["accepted"]["id"]
    assert items[2]["accepted"]["repeated"] is True
    assert items[1]["problem"]["code"] == "recipient-unknown"
    assert items[3]["problem"]["code"] == "message-key-reused"
    assert (await http.post("/v1/messages/batch", json={"messages": [one] * 501})).status_code == 400
    assert await addresses(ctx) == ["p1@example.com", "p5@example.com"]


async def test_many_at_once_are_one_set_and_keys_expire(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await add_published(ctx, Source(format="text", subject="Hi", body="{{ order }}"))
    desk = ctx.get(Desk)
    answers = await asyncio.gather(*(desk.hand_in(asked(f"k{n % 50}", f"{n % 50}", n % 5 + 1)) for n in range(200)))
    assert len({one.id for one in answers}) == 50
    assert sum(not one.repeated for one in answers) == 50
    await speak(ctx)
    assert sorted(parrot.heard) == sorted(f"p{n % 5 + 1}@example.com" for n in range(50))
    with pytest.raises(MessageKeyReused):
        await desk.hand_in(asked("k0", "another"))
    assert (await desk.hand_in(asked("k0", "another", owner="key:2"))).repeated is False
    clock.advance(timedelta(days=8))
    async with ctx.db.transaction() as conn:
        assert await forget_keys(conn, clock.now() - timedelta(days=7)) == 51
    assert (await desk.hand_in(asked("k0", "another"))).repeated is False


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(1, 3)), min_size=1, max_size=12))
async def test_a_key_is_one_message_however_it_is_repeated(
    ctx: Context, parrot: Parrot, calls: list[tuple[str, str, int]]
) -> None:
    """In any order, together or apart: the first message of a key is said, the same one repeats it, another is refused."""
    if await count(ctx, "template") == 0:
        await add_published(ctx, Source(format="text", subject="Hi", body="{{ order }}"))
    round_of = await count(ctx, "message_request")
    first: dict[str, tuple[str, int]] = {}
    ids: dict[str, int] = {}
    answers: list[Any] = []
    for at in range(0, len(calls), 3):
        answers += await ctx.get(Desk).hand_in_all([
            asked(f"{round_of}-{key}", order, person) for key, order, person in calls[at : at + 3]
        ])  # fmt: skip
    for (key, order, person), answer in zip(calls, answers, strict=True):
        if first.setdefault(key, (order, person)) == (order, person):
            assert isinstance(answer, Accepted)
            assert ids.setdefault(key, answer.id) == answer.id
        else:
            assert isinstance(answer, MessageKeyReused)


def test_unknown_recipients_are_named() -> None:
    assert "user id" in str(RecipientUnknown(what="user id"))


async def test_a_text_said_to_one_customer_alone_is_forgotten_with_them(http: Any, ctx: Context) -> None:
    own = {"channel": "email", "content": {"text": "Dear Ann Smith"}}
    hop = {"channel": "email", "content": {"text": "Ann Smith again"}}
    await http.post("/v1/messages", json=own | {"to": {"profile_id": 1}, "hops": [hop], "variables": {"name": "Ann Smith"}})
    for person in (1, 2):
        await http.post("/v1/messages", json=HELLO | {"to": {"profile_id": person}})
    async with ctx.db.transaction() as conn:
        await erase(ctx, conn, 1)
        rows = await (await conn.execute("select content, hops from dispatch")).fetchall()
        left = await (await conn.execute("select profile_id from message_text")).fetchall()
    assert "Smith" not in str(rows)
    assert "Order {{ order }}" in str(rows)
    assert left == [(2,)]


async def test_nobody_is_written_to_with_anothers_traits(ctx: Context, parrot: Parrot) -> None:
    """Names of variables that are the house's own mean nothing in what people hand in, whatever is in them."""
    said: list[bytes] = []

    def listen(wire: Wire) -> Receipt:
        said.append(wire.payload)
        return yes(wire)

    parrot.answer = listen
    new = NewDispatch(key="n", channel="parrot", message_class="service", content=Content(subject="", text="{{ first_name }} {{ code }}"))
    async with ctx.db.transaction() as conn:
        dispatch = await open_dispatch(ctx, conn, new)
        odd: list[dict[str, object]] = [{"_as": 2}, {"_as": "x"}, {"_code": "x"}]
        await submit(ctx, conn, dispatch, Intents(profile_ids=[1, 3, 4], suffixes=["a", "b", "c"], variables=odd))
    await speak(ctx)
    assert sorted(one.strip() for one in said) == [b"P1", b"P3", b"P4"]


async def test_the_same_message_written_in_another_order_is_the_same(http: Any, parrot: Parrot) -> None:
    body = HELLO | {"to": {"profile_id": 1}, "key": "k"}
    first = (await http.post("/v1/messages", json=body | {"variables": {"order": "1", "more": {"a": 1, "b": 2}}})).json()
    again = await http.post("/v1/messages", json=body | {"variables": {"more": {"b": 2, "a": 1}, "order": "1"}})
    assert again.status_code == 202, again.text
    assert (again.json()["id"], again.json()["repeated"]) == (first["id"], True)
