"""What a role may not do is not offered, and a page it may not open says why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Request, expect
from tests.browser.stage import Stage

PASSWORD = "a horse, correctly stapled"


def _hired(stage: Stage, role: str) -> list[dict[str, Any]]:
    """Somebody new in this role, as cookies of a browser."""
    email = f"{role}@roles.example"
    if not any(one["email"] == email for one in stage.call("GET", "/v1/people")):
        link = stage.call("POST", "/v1/people", {"email": email, "name": role, "role": role})["link"]
        token = parse_qs(urlsplit(link).query)["token"][0]
        assert httpx.post(f"{stage.base}/v1/invitations/accept", json={"token": token, "password": PASSWORD}).status_code == 200
    with httpx.Client(base_url=stage.base) as client:
        assert client.post("/v1/session", json={"email": email, "password": PASSWORD}).status_code == 200
        return [{"name": one.name, "value": one.value, "domain": urlsplit(stage.base).hostname, "path": "/"} for one in client.cookies.jar]


class Asked:
    """What a page asks of the API: what is still to be answered, and what was refused."""

    def __init__(self, page: Page) -> None:
        self.page, self.refused = page, list[str]()
        self._open: set[Request] = set()
        page.on("request", lambda one: self._open.add(one) if "/v1/" in one.url and "/v1/live" not in one.url else None)
        page.on("requestfinished", lambda one: self._open.discard(one))
        page.on("requestfailed", lambda one: self._open.discard(one))
        page.on("response", lambda answer: self.refused.append(answer.url) if answer.status in (401, 403) else None)

    def settled(self) -> None:
        """Waits until nothing is waited for."""
        until = time.monotonic() + 90
        while self._open and time.monotonic() < until:
            self.page.wait_for_timeout(50)


@contextmanager
def _console(stage: Stage, browser: Any, role: str) -> Iterator[tuple[Page, Asked]]:
    """The console of somebody in this role, and what it asks."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce")
    context.add_cookies(_hired(stage, role))
    page = context.new_page()
    page.set_default_timeout(90_000)
    yield page, Asked(page)
    context.close()


def _go(page: Page, path: str) -> None:
    """Goes to a page within the console, and waits until it has named the document."""
    before = page.title()
    page.evaluate("path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path)
    page.wait_for_function("before => document.title !== before", arg=before)


@pytest.mark.parametrize("role", ["analyst", "agent", "developer"])
def test_pages_ask_for_nothing_that_is_refused(stage: Stage, browser: Any, role: str) -> None:
    draft = stage.call("POST", "/v1/campaigns", {"name": f"Looked at by {role}"})
    with _console(stage, browser, role) as (page, asked):
        page.goto(f"{stage.base}/settings")
        page.locator("h1").wait_for()
        for path in (f"/campaigns/{draft['id']}", "/deliveries", "/rules?tab=suitability", "/budgets", "/channels", "/templates", "/deliveries/verifications", "/campaigns/new"):
            _go(page, path)
            asked.settled()
        assert asked.refused == []
    stage.call("DELETE", f"/v1/campaigns/{draft['id']}")


def test_what_is_not_allowed_is_not_offered_and_says_why(stage: Stage, browser: Any) -> None:
    draft = stage.call("POST", "/v1/campaigns", {"name": "Read, not written"})
    with _console(stage, browser, "analyst") as (page, _):
        page.goto(f"{stage.base}/campaigns/{draft['id']}")
        expect(page.get_by_text("Your role lets you read campaigns, not write them.")).to_be_visible()
        expect(page.get_by_role("button", name="Keep the draft")).to_have_count(0)
        page.goto(f"{stage.base}/audit")
        expect(page.get_by_text("Your role does not open this page")).to_be_visible()
        expect(page.get_by_text("You are signed in as: Analyst")).to_be_visible()
        expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    stage.call("DELETE", f"/v1/campaigns/{draft['id']}")
