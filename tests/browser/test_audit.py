"""Audit: a change appears with what it was before."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_a_change_is_in_the_log(console: Console) -> None:
    page = console.page
    console.stage.call("POST", "/v1/topics", {"name": "audited", "title": "Audited"})
    console.open("/audit")
    page.get_by_role("textbox", name="Subject").fill("topic:audited")
    expect(page.get_by_role("button", name="consent.topic_add")).to_have_count(1)
    page.get_by_role("button", name="consent.topic_add").click()
    expect(page.get_by_role("dialog").get_by_text("Audited", exact=True)).to_be_visible()
    console.is_accessible()
    console.reload()
    expect(page.get_by_role("button", name="consent.topic_add")).to_have_count(1)
