"""Campaigns: planned in four steps, started, watched to their end, and each number opened."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for

SOURCE = {
    "format": "html",
    "subject": "{{ firstName }}, a larger plan",
    "body": '<p>Hello {{ firstName }}</p><a href="https://example.com/plans">Plans</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a>',
}


@pytest.fixture
def template(console: Console) -> str:
    """A published template's name."""
    name = f"Larger plan {console.page.evaluate('performance.now()')}"
    made = console.stage.call("POST", "/v1/templates", {"name": name, "channel": "email", **SOURCE})
    console.stage.call("POST", f"/v1/templates/{made['template']['id']}/publish")
    return name


@pytest.fixture
def segment(topped_up: dict[str, Any]) -> str:
    """That segment's name."""
    return str(topped_up["name"])


def plan(console: Console, name: str, segment: str, template: str) -> None:
    """Through the four steps to the review."""
    page = console.page
    console.open("/campaigns/new")
    page.get_by_label("Name").fill(name)
    console.choose("Segment", re.compile(segment))
    console.button("Next").click()
    console.choose("Template", template)
    console.button("Next").click()
    console.choose("Topic", "Offers")
    console.choose("Sender", re.compile("Local mail"))
    console.is_accessible()
    console.button("Next").click()
    expect(page.get_by_test_id("estimate-reached")).to_have_text(re.compile(r"^1\d$"))


def test_send_watch_and_open_the_people(console: Console, segment: str, template: str) -> None:
    page = console.page
    plan(console, "Larger plans", segment, template)
    console.says("No consent")
    console.is_accessible()
    reached = int(page.get_by_test_id("estimate-reached").inner_text())
    console.button("Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    page.wait_for_url("**/campaigns/*")
    expect(page.get_by_role("link", name=re.compile(rf"^Sent {reached}\b"))).to_be_visible(timeout=180_000)
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=180_000)
    assert len([one for one in console.stage.received() if "@example.org" in str(one)]) >= reached
    console.reload()
    expect(page.get_by_role("link", name=re.compile(rf"^Sent {reached}\b"))).to_be_visible()
    console.is_accessible()
    page.get_by_role("link", name="No consent").click()
    page.wait_for_url("**/deliveries?*")
    expect(page.get_by_role("link", name="Tester")).to_have_count(12 - reached)
    console.is_accessible()


def test_test_send_goes_to_staff_alone(console: Console, segment: str, template: str) -> None:
    before = len(console.stage.received())
    plan(console, "Only tried", segment, template)
    console.button("Test send").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill("me@staff.example")
    dialog.get_by_role("button", name="Send the test").click()
    console.says("A test is on its way")
    wait_for(lambda: len(console.stage.received()) > before)
    assert len(console.stage.received()) == before + 1
    console.open("/campaigns")
    row = console.page.get_by_role("row", name=re.compile("Only tried"))
    assert "Draft" in row.inner_text()


def test_schedule_pause_resume_cancel(console: Console, segment: str, template: str) -> None:
    found = console.stage.call("GET", f"/v1/segments?search={segment}")["items"][0]["id"]
    made = console.stage.call("GET", "/v1/templates?limit=1")["items"][0]["id"]
    body = {
        "name": "In the far future",
        "segment_id": found,
        "template_id": made,
        "topic": "offers",
        "send_at": "2039-01-01T09:00:00Z",
    }
    campaign = console.stage.call("POST", "/v1/campaigns", body)
    console.open(f"/campaigns/{campaign['id']}")
    console.button("Schedule").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Schedule").click()
    console.says("Scheduled")
    console.button("Pause").click()
    console.says("Campaign paused")
    console.reload()
    console.button("Resume").click()
    console.says("Campaign goes on")
    console.button("Cancel the campaign").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Cancel the campaign").click()
    console.says("Campaign cancelled")
    console.reload()
    console.says("Cancelled")
