"""Identities of every kind: declared, given and taken, shared by many, come back as another's, and too many of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from tests.awareness.test_profiles_pages import tell

from antiphon.awareness.events.intake import take_in
from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases


@pytest.fixture
def rooms() -> Any:
    names = ("foundation.access", "awareness.profiles", "awareness.consent", "awareness.events", "web")
    return [import_module(f"antiphon.{name}.room").ROOM for name in names]


@pytest.fixture
def here(app: Any) -> Context:
    ctx: Context = app.app.state.ctx
    return ctx


DAY = 86_400


async def proposals(client: Any, state: str = "open") -> list[Any]:
    items: list[Any] = (await client.get("/v1/merge-proposals", params={"state": state})).json()["items"]
    return items


async def shown(client: Any, profile: int) -> Any:
    return (await client.get(f"/v1/profiles/{profile}")).json()


def values(page: Any) -> set[str]:
    return {one["value"] for one in page["identities"]}


async def test_a_kind_of_ones_own(here: Context, client: Any, as_role: Callable[[str], Any]) -> None:
    kinds = {kind["name"]: kind for kind in (await client.get("/v1/identity-kinds")).json()["items"]}
    assert kinds["phone"]["quiet_days"] == 90 and kinds["device"]["people"] == 5 and not kinds["device"]["proposes"]
    given = {"title": "Club number", "form": "card", "most": 2, "people": 3}
    assert (await client.put("/v1/identity-kinds/club_number", json=given)).json()["own"]
    assert (await client.put("/v1/identity-kinds/Club", json=given)).status_code == 400
    assert (await client.put("/v1/identity-kinds/phone", json=given | {"form": "exact"})).status_code == 400
    changed = {"title": "?", "form": "phone", "household": True, "quiet_days": 30}
    assert (await client.put("/v1/identity-kinds/phone", json=changed)).json()["quiet_days"] == 30
    person = await tell(here, 0, {"user_id": "1"})
    path = f"/v1/profiles/{person}/identities"
    page = (await client.post(path, json={"kind": "club_number", "value": "12-34 a"})).json()
    assert values(page) == {"1", "1234A"}
    (mine,) = [one for one in page["identities"] if one["kind"] == "club_number"]
    assert mine["who"] is not None
    assert (await client.post(path, json={"kind": "club_number", "value": "2"})).status_code == 201
    full = await client.post(path, json={"kind": "club_number", "value": "3"})
    assert (full.status_code, full.json()["code"]) == (409, "too-many-identities")
    assert (await client.post(path, json={"kind": "email", "value": "no address"})).status_code == 400
    analyst = await as_role("analyst")
    assert (await analyst.put("/v1/identity-kinds/other", json=given)).status_code == 403


async def test_identities_are_given_and_taken_with_a_trace(here: Context, client: Any) -> None:
    one = await tell(here, 0, {"user_id": "1", "email": "x@x.org", "anonymous_id": "a"}, {"plan": "pro"})
    other = await tell(here, 1, {"user_id": "2"})
    taken = await client.post(f"/v1/profiles/{other}/identities", json={"kind": "email", "value": "X@x.org"})
    assert (taken.status_code, taken.json()["code"]) == (409, "identity-taken")
    page = (await client.post(f"/v1/profiles/{one}/identities/remove", json={"kind": "user_id", "value": "1"})).json()
    assert values(page) == {"x@x.org", "a"} and page["traits"] == {"plan": "pro"}
    gone = await client.post(f"/v1/profiles/{one}/identities/remove", json={"kind": "user_id", "value": "1"})
    assert gone.status_code == 404
    assert values(await shown(client, other)) == {"2"}
    assert (await client.post(f"/v1/profiles/{other}/identities", json={"kind": "user_id", "value": "1"})).status_code == 201
    assert await tell(here, 2, {"user_id": "1"}, {"plan": "free"}) == other
    assert (await shown(client, one))["traits"] == {"plan": "pro"}
    done = {entry["action"] for entry in (await client.get("/v1/audit")).json()["items"]}
    assert {"profiles.add_identity", "profiles.remove_identity"} <= done
    async with here.db.connection() as conn:
        assert await (await conn.execute("select count(*) from profile_dirty where profile_id = %s", (one,))).fetchone() == (1,)


async def test_a_device_of_too_many_is_nobodys(here: Context, client: Any) -> None:
    first = await tell(here, 0, {"anonymous_id": "kiosk"}, {"lang": "ru"})
    assert await tell(here, 1, {"user_id": "0", "anonymous_id": "kiosk"}) == first
    people = [first] + [await tell(here, 2 + n, {"user_id": str(n), "anonymous_id": "kiosk"}) for n in range(1, 5)]
    assert len(set(people)) == 5, "each event belongs to whoever is signed in"
    assert await tell(here, 20, {"anonymous_id": "kiosk"}) == first, "after a sign-out it is the first one's"
    people.append(await tell(here, 30, {"user_id": "5", "anonymous_id": "kiosk"}))
    alone = await tell(here, 31, {"anonymous_id": "kiosk"})
    assert alone not in people, "the sixth makes it nobody's"
    page = await shown(client, alone)
    assert page["identities"][0]["shared"] and page["traits"] == {"lang": "ru"}
    assert (await shown(client, first))["traits"] == {}
    assert await proposals(client) == []
    assert await tell(here, 32, {"user_id": "6", "anonymous_id": "kiosk"}) not in [*people, alone]


async def recycle(here: Context, days: int) -> tuple[int, int]:
    one = await tell(here, 0, {"user_id": "old", "phone": "+442079460001"}, {"name": "Old"})
    await tell(here, 1, {"user_id": "old"})
    other = await tell(here, days * DAY, {"user_id": "new", "phone": "+442079460001"}, {"name": "New"})
    return one, other


async def test_a_number_that_comes_back_is_proposed_as_anothers(here: Context, client: Any) -> None:
    one, other = await recycle(here, 91)
    (asked,) = await proposals(client)
    assert asked["question"] == "recycled" and asked["value"] == "+442079460001"
    compared = (await client.get(f"/v1/merge-proposals/{asked['id']}")).json()
    assert compared["owner_id"] == one and {compared["one"]["id"], compared["other"]["id"]} == {one, other}
    assert (await client.post(f"/v1/merge-proposals/{asked['id']}/accept")).status_code == 204
    assert values(await shown(client, other)) == {"new", "+442079460001"}
    former = await shown(client, one)
    assert values(former) == {"old"} and [f["value"] for f in former["former_identities"]] == ["+442079460001"]
    assert await tell(here, 92 * DAY, {"user_id": "old", "phone": "+442079460001"}) == one
    assert values(await shown(client, one)) == {"old"}, "what was decided stays decided"
    assert (await client.post(f"/v1/merge-proposals/{asked['id']}/undo")).status_code == 204
    assert values(await shown(client, one)) == {"old", "+442079460001"}
    (again,) = await proposals(client)
    assert again["id"] == asked["id"]
    assert (await client.post(f"/v1/merge-proposals/{asked['id']}/refuse")).status_code == 204
    assert await tell(here, 93 * DAY, {"user_id": "new", "phone": "+442079460001"}) == other
    assert values(await shown(client, one)) == {"old", "+442079460001"} and await proposals(client) == []
    assert (await client.post(f"/v1/merge-proposals/{asked['id']}/undo")).status_code == 204
    assert (await client.post(f"/v1/merge-proposals/{asked['id']}/undo")).status_code == 409
    assert len(await proposals(client)) == 1


@pytest.mark.parametrize("case", ["soon", "seen meanwhile", "another identity as well"])
async def test_a_number_still_in_use_is_an_ordinary_proposal(here: Context, client: Any, case: str) -> None:
    await recycle(here, 90 if case == "soon" else 91)
    if case == "seen meanwhile":  # told late: the answer is the same
        await tell(here, 30 * DAY, {"user_id": "old", "phone": "+442079460001"})
    if case == "another identity as well":
        await tell(here, 92 * DAY, {"user_id": "old", "email": "both@x.org"})
        await tell(here, 93 * DAY, {"user_id": "new", "email": "both@x.org"})
    (asked,) = await proposals(client)
    assert asked["question"] == "one_person"


async def test_merges_are_undone_after_further_merges_and_chains(here: Context, client: Any) -> None:
    ids = [await tell(here, n, {"user_id": str(n), "email": f"{n}@x.org"}, {"n": n, f"own{n}": 1}) for n in range(4)]
    for n in (1, 2, 3):
        await tell(here, 10 + n, {"user_id": str(n), "email": f"{n - 1}@x.org"})
    asked = {one["value"]: one["id"] for one in await proposals(client)}
    assert set(asked) == {"0@x.org", "1@x.org", "2@x.org"}
    for value in ("1@x.org", "0@x.org", "2@x.org"):
        assert (await client.post(f"/v1/merge-proposals/{asked[value]}/accept")).status_code == 204
    whole = await shown(client, ids[3])
    assert whole["id"] == ids[0] and whole["traits"] == {"n": 3} | {f"own{n}": 1 for n in range(4)}
    visitor = await tell(here, 20, {"anonymous_id": "v"}, {"seen": "banner"})
    assert await tell(here, 21, {"user_id": "2", "anonymous_id": "v"}) == ids[0]
    await tell(here, 22, {"user_id": "2"}, {"later": True})
    assert (await client.post(f"/v1/merge-proposals/{asked['0@x.org']}/undo")).status_code == 204
    one, two = await shown(client, ids[0]), await shown(client, ids[2])
    assert one["traits"] == {"n": 0, "own0": 1} and values(one) == {"0", "0@x.org"}
    assert two["id"] == ids[1] and two["traits"] == {"n": 3, "own1": 1, "own2": 1, "own3": 1, "seen": "banner", "later": True}
    assert (await shown(client, visitor))["id"] == ids[1]
    assert {one["value"] for one in await proposals(client)} == {"0@x.org"}
    assert (await client.post(f"/v1/profiles/{visitor}/unmerge")).status_code == 200
    assert (await shown(client, visitor))["traits"] == {"seen": "banner"}
    assert "seen" not in (await shown(client, ids[2]))["traits"]
    assert await tell(here, 23, {"user_id": "2", "anonymous_id": "v"}) == ids[1]
    assert (await shown(client, visitor))["id"] == visitor, "what a person parted stays parted"
    for value in ("1@x.org", "2@x.org"):
        assert (await client.post(f"/v1/merge-proposals/{asked[value]}/undo")).status_code == 204, value
    for n in range(4):
        page = await shown(client, ids[n])
        assert page["id"] == ids[n] and values(page) == {str(n), f"{n}@x.org"}
        assert page["traits"] == {"n": n, f"own{n}": 1} | ({"later": True} if n == 2 else {})


async def understand(ctx: Context, http: Any, key: str, *calls: dict[str, Any]) -> None:
    for first in range(0, len(calls), 500):
        answer = await http.post("/v1/batch", json={"batch": list(calls[first : first + 500])}, auth=(key, ""))
        assert answer.status_code == 200, answer.text
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.declare("intake", 64)
    held = await leases.share("intake", 64)
    while await take_in(ctx, held):
        pass


@pytest.fixture
async def key(client: Any) -> str:
    made: str = (await client.post("/v1/sources", json={"name": "App"})).json()["write_key"]
    return made


async def test_calls_name_devices_tokens_and_external_ids(here: Context, client: Any, stranger: Any, key: str) -> None:
    context = {
        "device": {"id": "IDFV-1", "token": "apns-token", "type": "ios"},
        "externalIds": [
            {"id": "@AnnLee", "type": "telegram", "collection": "users", "encoding": "none"},
            {"id": "+44 20 7946 0958", "type": "whatsapp"},
            {"id": "77-00 1", "type": "loyaltyCard"},
            {"id": "c-9", "type": "crm id"},
        ],
    }
    call = {"type": "track", "event": "Opened", "anonymousId": "a", "context": context}
    await understand(here, stranger, key, call, call | {"userId": "1"}, {"type": "track", "event": "Back", "userId": "1"})
    (person,) = (await client.get("/v1/profiles")).json()["items"]
    found = {one["kind"]: one["value"] for one in (await shown(client, person["id"]))["identities"]}
    assert found == {
        "user_id": "1", "anonymous_id": "a", "device": "IDFV-1", "push_subscription": "apns-token", "telegram": "@annlee",
        "whatsapp": "+442079460958", "loyalty_card": "77001", "crm_id": "c-9",
    }  # fmt: skip
    broken = {"device": "a phone", "externalIds": [{"id": {"no": 1}, "type": "x"}]}
    await understand(here, stranger, key, call | {"context": broken, "event": "Odd"})
    assert person["id"] == (await client.get("/v1/events")).json()["items"][0]["profile_id"]


@pytest.mark.parametrize("first", ["alias", "users"])
async def test_an_alias_of_two_users_is_a_proposal_whatever_comes_first(
    here: Context, client: Any, stranger: Any, key: str, first: str
) -> None:
    alias = [{"type": "alias", "previousId": "1", "userId": "2"}]
    users = [{"type": "track", "event": "E", "userId": n} for n in "12"]
    for calls in (alias, users) if first == "alias" else (users, alias):
        await understand(here, stranger, key, *calls)
    (asked,) = await proposals(client)
    assert {asked["one"]["user_id"], asked["other"]["user_id"]} == {"1", "2"}


async def test_ten_thousand_identities_on_one_profile(here: Context, client: Any, stranger: Any, key: str) -> None:
    most = 200
    await client.put("/v1/identity-kinds/anonymous_id", json={"title": "?", "proposes": False, "people": 5, "most": most})
    calls = [{"type": "track", "event": "E", "userId": "1", "anonymousId": f"a{n}"} for n in range(2_000)]
    calls += [{"type": "track", "event": "E", "userId": "2"}]
    await understand(here, stranger, key, *calls)
    (one,) = [p for p in (await client.get("/v1/profiles")).json()["items"] if p["user_id"] == "1"]
    page = await shown(client, one["id"])
    assert len([i for i in page["identities"] if i["kind"] == "anonymous_id"]) == most
    waiting = (await client.get("/v1/rejects")).json()["waiting"]
    assert waiting == {"too_many_identities": 2_000 - most}
    assert len((await client.get("/v1/profiles")).json()["items"]) == 2, "the rest goes on"


async def test_traits_past_their_size_are_not_heard_and_the_rest_goes_on(here: Context, client: Any) -> None:
    import random

    letters = random.Random(1)
    for n in range(14):
        text = "".join(chr(letters.randrange(33, 127)) for _ in range(30_000))
        person = await tell(here, n, {"user_id": "1"}, {f"t{n}": text, "count": n})
    page = await shown(client, person)
    assert page["traits"]["count"] == 13, "what is known already changes"
    assert len(page["traits"]) < 12 and len(str(page["traits"])) < 320_000


async def test_a_merge_storm_is_bounded_work(here: Context) -> None:
    """Visitors who turn out to be one person, chains and cycles of them: a transaction's work grows with what it names."""
    visitors, size = 3_000, 500
    at = here.clock.now()

    def person(n: int, *identities: tuple[str, str]) -> Person:
        moment = at + timedelta(seconds=n)
        return Person(tuple(Identity(*i) for i in identities), b'{"n":%d}' % n, stamp_of(moment, f"m{n}"), moment)

    async def say(people: list[Person]) -> float:
        began = time.perf_counter()
        async with here.db.transaction() as conn:
            await resolve(conn, people, at=at)
        return time.perf_counter() - began

    for first in range(0, visitors, size):
        await say([person(n, ("anonymous_id", f"a{n}")) for n in range(first, first + size)])
    spent = []
    for first in range(0, visitors, size):  # three hundred people, ten visitors each, with a chain through a device
        spent.append(await say([
            person(visitors + n, ("user_id", str(n % 300)), ("anonymous_id", f"a{n}")) for n in range(first, first + size)
        ]))  # fmt: skip
    for n in range(0, 300, 3):  # a chain of three, closed to a cycle
        ring = [person(9_000 + n + k, ("email", f"{n + k}@x.org"), ("device", f"d{n + (k + 1) % 3}")) for k in range(3)]
        spent.append(await say(ring))
    print(f"\nmerges: {visitors / sum(spent[:6]):,.0f}/s, longest transaction {max(spent):.2f} s")
    assert max(spent) < 60  # 1 on a machine of its own
    async with here.db.connection() as conn:
        alive = await (await conn.execute("select count(*) from profile where merged_into is null")).fetchone()
    assert alive == (300 + 300,), "an e-mail of one's own on a device that many share is still a person's"
