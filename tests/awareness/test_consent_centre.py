"""The preference centre: a customer's own page in three languages, its links, its API, and how it looks."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from antiphon.awareness.consent.preferences import link
from antiphon.awareness.consent.preferences.model import LINK_DAYS
from antiphon.awareness.consent.preferences.pace import KEPT, Pace
from antiphon.awareness.consent.preferences.words import WORDS, ZONES
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Database

BROWSER = {"user-agent": "Mozilla/5.0 test", "content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def here(app: Any, monkeypatch: pytest.MonkeyPatch) -> Context:
    """All of a test happens within one minute of the pace's clock."""
    ctx: Context = app.app.state.ctx
    monkeypatch.setattr(ctx.get(Pace), "_clock", lambda: 0.0)
    return ctx


@pytest.fixture
async def path(here: Context, db: Database) -> str:
    """Ann's page: she said yes to news by e-mail and nothing else."""
    async with db.connection() as conn:
        await conn.execute("insert into profile (id, traits) values (1, '{\"locale\": \"en-GB\"}')")
        await conn.execute("insert into identity (kind, value, profile_id) values ('email', 'ann@example.com', 1)")
        await conn.execute("insert into topic (name, title, translations) values ('sport', 'Sport', '{\"ru\": {\"title\": \"Спорт\"}}')")
        await conn.execute("insert into consent (profile_id, channel, topic, state, at, source) values (1, 'email', 'news', 'granted', '2026-05-01', 't')")
        await conn.execute("insert into consent_state select profile_id, channel, topic, state, at, id from consent")
    return link(here.secret, "", 1, here.clock.now())


def form(page: str, **changes: str | None) -> bytes:
    """What a browser would send of the page's form, with some answers changed."""
    shown = re.search(r'name="shown" value="([^"]*)"', page)
    assert shown is not None
    said: dict[str, str | None] = {"shown": unescape(shown[1]), "do": "save"}
    for box in re.findall(r'<input type="checkbox" name="([^"]*)"[^>]* checked>', page):
        said[box] = "1"
    for name, inner in re.findall(r'<select id="[^"]*" name="([^"]*)">(.*?)</select>', page):
        chosen = re.search(r'<option value="([^"]*)" selected>', inner)
        said[name] = unescape(chosen[1]) if chosen else ""
    for name, value in re.findall(r'<input type="time" id="[^"]*" name="([^"]*)" value="([^"]*)">', page):
        said[name] = value
    said |= changes
    return urlencode({name: value for name, value in said.items() if value is not None}).encode()


async def states(client: Any) -> dict[str, str]:
    return {s["topic"]: s["state"] for s in (await client.get("/v1/profiles/1/consents")).json()["states"]}


async def wishes(client: Any) -> dict[str, Any]:
    return {w["aspect"]: w["value"] for w in (await client.get("/v1/profiles/1/preferences")).json()["current"]}


async def test_the_page_shows_and_saves_with_evidence(client: Any, stranger: Any, path: str) -> None:
    page = (await stranger.get(path)).text
    assert "<script" not in page and 'lang="en"' in page and "a••••@example.com" in page and "ann@" not in page
    assert re.search(r'name="c.email.news" value="1"[^>]* checked>', page)
    assert not re.search(r'name="c.email.sport" value="1"[^>]* checked>', page)
    assert await states(client) == {"news": "granted"} and await wishes(client) == {}, "opening it changes nothing"
    body = form(page, **{
        "c.email.news": None, "c.email.sport": "1", "frequency": "weekly", "language": "ru", "channel": "email",
        "quiet_from": "22:00", "quiet_to": "08:00", "zone": "Europe/Berlin", "pause": "30",
    })  # fmt: skip
    answer = await stranger.post(path, content=body, headers=BROWSER)
    assert answer.status_code == 303 and answer.headers["location"] == "?lang=en&saved=yes"
    assert await states(client) == {"news": "withdrawn", "sport": "granted"}
    assert await wishes(client) == {
        "channel": "email", "frequency": "weekly", "language": "ru", "paused_until": "2026-07-01T12:00:00Z",
        "quiet_hours": {"from": "22:00", "to": "08:00", "zone": "Europe/Berlin"},
    }  # fmt: skip
    said = (await client.get("/v1/profiles/1/consents")).json()["ledger"]["items"][0]
    assert said["source"] == "preference page" and said["evidence"]["text"] == "Sport: E-mail"
    assert said["evidence"]["user_agent"] == "Mozilla/5.0 test" and said["evidence"]["address"] == "127.0.0.1"
    again = (await stranger.get(path)).text
    assert 'lang="ru"' in again and "Спорт" in again and "До 2026-07-01" in again, "now in her language"
    assert (await stranger.post(path, content=form(again), headers=BROWSER)).status_code == 303
    assert len((await client.get("/v1/profiles/1/preferences")).json()["changes"]["items"]) == 5, "saving the same adds nothing"
    body = form(again, frequency="all", quiet_from="", quiet_to="", pause="", language="", channel="")
    await stranger.post(path, content=body, headers=BROWSER)
    assert await wishes(client) == {"frequency": "all"}


async def test_unsubscribing_from_everything(client: Any, stranger: Any, path: str) -> None:
    page = (await stranger.get(path)).text
    answer = await stranger.post(path, content=form(page, do="none", **{"c.email.sport": "1"}), headers=BROWSER)
    assert answer.headers["location"].endswith("saved=none")
    assert await states(client) == {"news": "withdrawn", "sport": "withdrawn"}
    shown = (await stranger.get(path + "?lang=zh&saved=none")).text
    assert WORDS["zh"].saved_none in shown and "checked" not in re.sub(r"\[type=checkbox\]", "", shown)


async def test_an_old_form_takes_back_nothing_said_elsewhere(client: Any, stranger: Any, path: str) -> None:
    old = (await stranger.get(path)).text
    stop = {"channel": "email", "topic": "news", "state": "withdrawn", "source": "phone call"}
    await client.post("/v1/profiles/1/consents", json=stop)
    await stranger.post(path, content=form(old, frequency="daily"), headers=BROWSER)
    assert await states(client) == {"news": "withdrawn"} and await wishes(client) == {"frequency": "daily"}


async def test_forged_and_old_links_are_refused(here: Context, client: Any, stranger: Any, path: str) -> None:
    page = form((await stranger.get(path)).text, frequency="weekly")
    other = link(b"another secret, as long as ours is", "", 1, here.clock.now())
    swapped = path[:-1] + ("A" if path[-1] != "A" else "B")
    erased = link(here.secret, "", 77, here.clock.now())
    old = link(here.secret, "", 1, here.clock.now() - timedelta(days=LINK_DAYS + 1))
    for bad in (other, swapped, erased, old, "/p/x", "/p/" + "A" * 299, "/p/%00", "/p/https://evil.example"):
        for method in ("GET", "POST"):
            answer = await stranger.request(method, bad, content=page if method == "POST" else None, headers=BROWSER)
            assert answer.status_code in (400, 404), bad
            assert "example.com" not in answer.text
    assert WORDS["en"].expired in (await stranger.get(old)).text
    cross = await stranger.post(path, content=page, headers=BROWSER | {"sec-fetch-site": "cross-site"})
    assert cross.status_code == 404
    assert await wishes(client) == {}
    last_day = link(here.secret, "", 1, here.clock.now() - timedelta(days=LINK_DAYS - 1))
    assert (await stranger.get(last_day)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"quiet_from": "22:00"}, {"quiet_from": "22:00", "quiet_to": "22:00", "zone": "UTC"},
        {"quiet_from": "22:00", "quiet_to": "08:00", "zone": "Mars/Base"}, {"frequency": "hourly"}, {"language": "xx"},
        {"channel": "\0"}, {"pause": "999"},
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_said_and_changes_nothing(client: Any, stranger: Any, path: str, change: dict[str, str]) -> None:
    page = (await stranger.get(path)).text
    answer = await stranger.post(path, content=form(page, **{"c.email.sport": "1"} | change), headers=BROWSER)
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    assert await wishes(client) == {} and await states(client) == {"news": "granted"}


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"shown={", b"shown=[]&do=save", b"shown=%7B%22boxes%22%3A%7B%22pigeon.x%22%3Afalse%7D%7D&c.pigeon.x=1"])
async def test_garbage_changes_nothing(client: Any, stranger: Any, path: str, body: bytes) -> None:
    assert (await stranger.post(path, content=body, headers=BROWSER)).status_code == 303
    assert await wishes(client) == {} and await states(client) == {"news": "granted"}


async def test_headers_are_strict_and_nothing_is_loaded(stranger: Any, path: str) -> None:
    answer = await stranger.get(path)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert not re.search(r"(src|href)=\"(http|//)", answer.text)


async def test_too_fast_is_told_to_wait(stranger: Any, path: str) -> None:
    answers = [(await stranger.get(path)).status_code for _ in range(61)]
    assert answers[:60] == [200] * 60 and answers[60] == 429


async def test_guessing_links_is_told_to_wait(stranger: Any, path: str) -> None:
    answers = [(await stranger.get(f"/p/guess{n}")).status_code for n in range(61)]
    assert answers[:60] == [404] * 60 and answers[60] == 429
    assert (await stranger.get(path)).status_code == 200, "who has a true link is not stopped"


async def test_too_many_changes_are_told_to_wait(client: Any, stranger: Any, path: str, db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute(
            "insert into preference_change (profile_id, aspect, value, at, source)"
            " select 1, 'language', '\"ru\"', now(), 'preference page' from generate_series(1, 201)"
        )
    page = (await stranger.get(path)).text
    assert (await stranger.post(path, content=form(page, frequency="weekly"), headers=BROWSER)).status_code == 429
    assert await wishes(client) == {}


def test_the_pace_forgets_by_itself() -> None:
    now = [0.0]
    pace = Pace(2, lambda: now[0])
    assert [pace.take("a"), pace.take("a"), pace.take("a"), pace.take("b")] == [True, True, False, True]
    now[0] = 60.0
    assert pace.take("a")
    for n in range(KEPT + 10):
        pace.take(str(n))
    assert len(pace._seen) == KEPT


async def test_how_the_centre_looks(client: Any, stranger: Any, path: str, as_role: Any) -> None:
    look = {"logo": "Tea <House>", "titles": {"ru": "Ваш выбор"}, "topics": ["sport"], "channels": ["email"], "languages": ["ru", "zh"]}
    assert (await client.put("/v1/preference-centre", json=look)).status_code == 200
    page = (await stranger.get(path, headers={"accept-language": "en"})).text
    assert "Ваш выбор" in page and "Tea &lt;House&gt;" in page and 'lang="ru"' in page
    assert "c.email.sport" in page and "c.email.news" not in page and "?lang=en" not in page
    seen = (await client.get("/v1/preference-centre")).json()
    assert {name: seen[name] for name in look} == look
    for wrong, field in (({"topics": ["weather"]}, "topics"), ({"channels": ["pigeon"]}, "channels"), ({"languages": []}, "languages")):
        answer = await client.put("/v1/preference-centre", json=look | wrong)
        assert 400 <= answer.status_code < 500 and answer.json()["field"] == field
    agent = await as_role("agent")
    assert (await agent.put("/v1/preference-centre", json=look)).status_code == 403
    url = (await agent.get("/v1/preference-centre/preview")).json()["url"]
    preview = url[url.index("/p/"):]
    shown = (await stranger.get(preview)).text
    assert WORDS["ru"].preview in (await stranger.get(preview + "?lang=ru")).text
    await stranger.post(preview, content=form(shown, **{"c.email.sport": "1"}), headers=BROWSER)
    assert await states(client) == {"news": "granted"}


async def test_ones_own_site_states_by_identity(client: Any, stranger: Any, path: str) -> None:
    one = {
        "kind": "email", "value": "ANN@example.com", "source": "account page", "text": "Write once a week",
        "wishes": {"frequency": "weekly", "quiet_hours": {"from": "21:00", "to": "07:30", "zone": "Asia/Shanghai"}},
        "consents": [{"channel": "email", "topic": "sport", "granted": True}],
    }  # fmt: skip
    body = {"statements": [one, one | {"value": "nobody@example.com"}]}
    assert (await client.post("/v1/preferences", json=body)).json() == {"preferences": 2, "consents": 1, "unknown": [1]}
    assert (await client.post("/v1/preferences", json=body)).json() == {"preferences": 0, "consents": 0, "unknown": [1]}
    taken = {"statements": [{"kind": "email", "value": "ann@example.com", "source": "s", "wishes": {"quiet_hours": None}}]}
    await client.post("/v1/preferences", json=taken)
    assert await wishes(client) == {"frequency": "weekly"}
    wrong = one | {"wishes": {"channel": "pigeon"}}
    answer = await client.post("/v1/preferences", json={"statements": [one, wrong]})
    assert answer.status_code == 400 and answer.json()["field"] == "statements[1].channel"
    url = (await client.post("/v1/preferences/link", json={"kind": "email", "value": "ann@example.com"})).json()["url"]
    assert (await stranger.get(url[url.index("/p/"):])).status_code == 200
    assert (await client.post("/v1/preferences/link", json={"kind": "email", "value": "x@example.com"})).status_code == 404
    assert (await stranger.post("/v1/preferences", json=body)).status_code == 401


async def test_an_agent_writes_down_what_was_said(client: Any, as_role: Any, path: str) -> None:
    agent = await as_role("agent")
    said = {"source": "phone call", "note": "asked for fewer", "wishes": {"frequency": "monthly", "paused_until": "2026-06-20T00:00:00Z"}}
    assert (await agent.post("/v1/profiles/1/preferences", json=said)).json() == {"preferences": 2, "consents": 0}
    change = (await agent.get("/v1/profiles/1/preferences", params={"limit": 1})).json()["changes"]
    assert change["items"][0]["source"] == "phone call" and change["items"][0]["evidence"] == {"note": "asked for fewer"}
    assert change["next"] is not None
    assert (await agent.get("/v1/profiles/99/preferences")).status_code == 404
    assert json.dumps(await wishes(client), sort_keys=True) == '{"frequency": "monthly", "paused_until": "2026-06-20T00:00:00Z"}'


def test_every_language_says_everything() -> None:
    from zoneinfo import available_timezones

    for words in WORDS.values():
        for name in words.__struct_fields__:
            assert getattr(words, name), name
    assert {frozenset(w.frequencies) for w in WORDS.values()} == {frozenset({"all", "daily", "weekly", "monthly"})}
    assert set(ZONES) <= available_timezones() and len(set(ZONES)) == len(ZONES)
