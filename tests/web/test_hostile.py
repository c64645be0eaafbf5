"""Hostile HTML in what customers and colleagues wrote: served as data, never as a page, and never able to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from antiphon.foundation.ids import sign
from antiphon.web import console

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{constructor}}"


@pytest.fixture
async def customer(app: Any, client: httpx.AsyncClient) -> int:
    """A customer, a topic, and a pending consent, all with the same name."""
    ctx = app.app.state.ctx
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into profile (id, traits) values (7, jsonb_build_object('name', %s::text))", (HOSTILE,))
        await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', %s, 7)", (HOSTILE,))
        await conn.execute("update topic set title = %s where name = 'news'", (HOSTILE,))
    said = {
        "channel": "email", "topic": "news", "state": "granted", "source": HOSTILE, "text": HOSTILE, "confirm": True
    }  # fmt: skip
    made = await client.post("/v1/profiles/7/consents", json=said)
    assert made.status_code == 201, made.text
    return 7


def safe(answer: httpx.Response, kind: str = "application/json") -> None:
    assert answer.headers["content-type"].partition(";")[0] == kind, answer.request.url
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'none'" in policy


async def test_the_api_gives_it_as_data(client: httpx.AsyncClient, customer: int) -> None:
    for path in ("/v1/profiles", f"/v1/profiles/{customer}", f"/v1/profiles/{customer}/consents", "/v1/topics"):
        answer = await client.get(path, headers={"accept": "text/html,*/*"})
        assert answer.status_code == 200, answer.text
        safe(answer)
        assert HOSTILE in _texts(answer.json()), path


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for part in node.values() for text in _texts(part)]
    if isinstance(node, list):
        return [text for part in node for text in _texts(part)]
    return [node] if isinstance(node, str) else []


async def test_an_error_that_repeats_it_is_no_page(client: httpx.AsyncClient) -> None:
    said = quote(HOSTILE, safe="")
    for path in (f"/v1/deliveries?reason={said}", f"/v1/deliveries?{said}=1", f"/v1/{said}", f"/v1/profiles/{said}"):
        answer = await client.get(path, headers={"accept": "text/html"})
        assert 400 <= answer.status_code < 500
        safe(answer, "application/problem+json")


async def test_pages_for_customers_show_it_as_text(
    app: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient, customer: int
) -> None:
    consent = (await client.get(f"/v1/profiles/{customer}/consents")).json()["ledger"]["items"][0]["id"]
    token = sign(app.app.state.ctx.secret, "consent-confirm", msgspec.json.encode([customer, consent]))
    for method in ("GET", "POST"):
        answer = await stranger.request(method, f"/confirm/{token}")
        assert answer.status_code == 200
        safe(answer, "text/html")
        assert "<script" not in answer.text and "<img" not in answer.text and "&lt;script&gt;" in answer.text


async def test_the_console_s_page_holds_nothing_of_it(
    client: httpx.AsyncClient, customer: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is the same file for every address, and its policy runs our own files only."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Antiphon</title>")
    monkeypatch.setattr(console, "console_folder", lambda: tmp_path)
    page = await client.get(f"/customers/{customer}")
    other = await client.get(f"/customers?q={quote(HOSTILE)}")
    assert page.status_code == 200 and page.content == other.content and "alert" not in page.text
    policy = page.headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self'" and "object-src 'none'" in policy and "base-uri 'none'" in policy
