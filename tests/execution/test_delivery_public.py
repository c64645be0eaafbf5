"""What customers reach without signing in, over HTTP: pictures, links, and the way to unsubscribe."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from tests.execution import doors
from tests.execution.test_delivery_hearing import events, person, rows, sent

from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.pages import WORDS, veiled
from antiphon.execution.delivery.tracking import Tracker
from antiphon.foundation.context import Context

rooms, ctx = doors.rooms, doors.ctx

pytestmark = pytest.mark.store


@pytest.fixture
def tracker(ctx: Context) -> Tracker:
    return ctx.get(Hearing).tracker


async def a_link(ctx: Context, url: str) -> int:
    async with ctx.db.transaction() as conn:
        row = await (
            await conn.execute(
                "with t as (insert into template (channel, name, created_at, updated_at) values ('email', %s, now(), now()) returning id),"  # noqa: E501
                " v as (insert into template_version (template_id, number, format, subject, preheader, body, changed_by, changed_at)"  # noqa: E501
                " select id, 1, 'html', 's', '', 'b', 'x', now() from t returning id)"
                " insert into link (template_version_id, url) select id, %s from v returning id",
                (url, url),
            )
        ).fetchone()
    assert row is not None
    return int(row[0])


def path(url: str, ctx: Context) -> str:
    return url.removeprefix(ctx.settings.base_url)


async def test_a_picture_is_an_open(ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    url = path(tracker.links(delivery, who).open_url or "", ctx)
    for _ in range(2):
        answer = await stranger.get(url)
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/gif"
        assert answer.content.startswith(b"GIF89a") and answer.headers["cache-control"] == "no-store"
    assert await rows(ctx, "select opens from delivery") == [{"opens": 2}]
    assert len(await events(ctx)) == 1
    await stranger.get(url, headers={"sec-purpose": "prefetch;prerender"})
    assert await rows(ctx, "select opens from delivery") == [{"opens": 2}]


async def test_a_link_is_counted_and_followed(ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    link = await a_link(ctx, "https://shop.example/tea?x=1&y=ü")
    links = tracker.links(delivery, who)
    answer = await stranger.get(path(links.fixed(link, ""), ctx))
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/tea?x=1&y=%C3%BC")
    answer = await stranger.get(path(links.signed("https://shop.example/for/Ann\r\nSet-Cookie: x=1"), ctx))
    assert answer.status_code == 302 and "set-cookie" not in answer.headers
    assert answer.headers["location"] == "https://shop.example/for/Ann%0D%0ASet-Cookie:%20x=1"
    assert await rows(ctx, "select clicks from delivery") == [{"clicks": 2}]
    told = await events(ctx)
    assert {e["properties"].get("link_id") for e in told} == {link, None} and len({e["messageId"] for e in told}) == 2


@pytest.mark.parametrize("kind", ["o", "c", "l", "u"])
async def test_forged_tokens_lead_nowhere_and_count_nothing(
    ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient, kind: str
) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    forger = Tracker(b"another secret" * 3, ctx.settings.base_url)
    forged = forger.links(delivery, who)
    theirs = {
        "o": forged.open_url or "",
        "c": forged.fixed(1, ""),
        "l": forged.signed("https://evil.example"),
        "u": forged.unsubscribe_url,
    }
    swapped = tracker.links(delivery, who).unsubscribe_url.replace("/u/", f"/{kind}/") if kind != "u" else theirs["u"]
    for url in (
        path(theirs[kind], ctx),
        path(swapped, ctx),
        f"/{kind}/https://evil.example",
        f"/{kind}/AAAA",
        f"/{kind}/" + "A" * 3000,
    ):
        answer = await stranger.get(url)
        assert answer.status_code == 404 and "location" not in answer.headers, url
    if kind == "u":
        assert (await stranger.post(path(theirs[kind], ctx))).status_code == 404
    assert await rows(ctx, "select opens, clicks, unsubscribed_at from delivery") == [
        {"opens": 0, "clicks": 0, "unsubscribed_at": None}
    ]
    assert await events(ctx) == []


@pytest.mark.parametrize(("accepted", "language"), [("de,en;q=0.5", "en"), ("ru-RU,ru;q=0.9", "ru"), ("zh-CN", "zh")])
async def test_the_page_asks_and_only_its_button_unsubscribes(
    ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient, accepted: str, language: Any
) -> None:
    who = await person(ctx)
    url = path(tracker.links(await sent(ctx, who), who).unsubscribe_url, ctx)
    words = WORDS[language]
    for _ in range(3):
        page = await stranger.get(url, headers={"accept-language": accepted})
    assert page.status_code == 200 and f'lang="{language}"' in page.text and words.all in page.text
    assert "p1@example.com" not in page.text and "p••••@example.com" in page.text
    assert "<script" not in page.text and "default-src 'none'" in page.headers["content-security-policy"]
    (more,) = re.findall(r'href="([^"]*/p/[^"]*)"', page.text)
    own = await stranger.get(path(more, ctx), headers={"accept-language": accepted})
    assert own.status_code == 200 and "c.email.news" in own.text, "the way on to everything they can choose"
    assert await rows(ctx, "select state from consent_state") == [{"state": "granted"}]
    done = await stranger.post(
        url, data={"scope": "topic"}, headers={"accept-language": accepted, "user-agent": "A browser"}
    )
    assert done.status_code == 200 and words.done_title in done.text
    assert await rows(ctx, "select state from consent_state") == [{"state": "withdrawn"}]
    (evidence,) = await rows(ctx, "select evidence from consent")
    assert evidence["evidence"]["text"] == words.one and evidence["evidence"]["user_agent"] == "A browser"


async def test_one_click_from_a_mail_program(ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient) -> None:
    """RFC 8058, 3.2: a POST with this body, as a form of either kind, without cookies; repeats are harmless."""
    who = await person(ctx)
    url = path(tracker.links(await sent(ctx, who), who).unsubscribe_url, ctx)
    first = await stranger.post(url, data={"List-Unsubscribe": "One-Click"})
    second = await stranger.post(url, files={"List-Unsubscribe": (None, "One-Click")})
    assert (first.status_code, second.status_code) == (200, 200)
    assert await rows(ctx, "select state, topic from consent_state") == [{"state": "withdrawn", "topic": "news"}]
    assert [e["event"] for e in await events(ctx)] == ["Unsubscribed"]


async def test_a_signed_in_colleague_can_unsubscribe_too(ctx: Context, tracker: Tracker, client: httpx.AsyncClient) -> None:
    who = await person(ctx)
    url = path(tracker.links(await sent(ctx, who), who).unsubscribe_url, ctx)
    answer = await client.post(url, data={"scope": "all"}, headers={"x-csrf-token": ""})
    assert answer.status_code == 200


async def test_a_body_that_is_too_large_is_refused(ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient) -> None:
    who = await person(ctx)
    url = path(tracker.links(await sent(ctx, who), who).unsubscribe_url, ctx)
    assert (await stranger.post(url, content=b"x" * 50_000)).status_code == 413


async def test_an_erased_delivery_gives_the_invalid_page(
    ctx: Context, tracker: Tracker, stranger: httpx.AsyncClient
) -> None:
    answer = await stranger.get(path(tracker.links(999, 1).unsubscribe_url, ctx))
    assert answer.status_code == 404 and WORDS["en"].invalid_title in answer.text


def test_veils() -> None:
    assert veiled("ann@x.example") == "a••••@x.example" and "234" not in veiled("+12345678901")[2:-2]
