"""Audit: a change appears with what it was before."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_a_change_is_in_the_log(console: Console) -> None:
    page = console.page
    console.stage.call("POST", "/v1/topics", {"name": "audited", "title": "Audited"})
    console.stage.call("PUT", "/v1/topics/audited", {"title": "Audited again"})
    console.open("/audit")
    page.get_by_role("textbox", name="Subject").fill("topic:audited")
    expect(page.get_by_role("button", name="Made a topic")).to_have_count(1)
    expect(page.get_by_role("button", name="Renamed a topic")).to_have_count(1)
    page.get_by_role("button", name="Made a topic").click()
    expect(page.get_by_role("dialog").get_by_text("Audited", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog").get_by_text("consent.topic_add")).to_be_visible()
    console.is_accessible()
    console.reload()
    expect(page.get_by_role("cell", name="Topic audited")).to_have_count(2)


def test_found_by_what_was_done_and_to_what(console: Console) -> None:
    page = console.page
    made = console.stage.call("POST", "/v1/campaigns", {"name": "Changed and seen"})
    console.stage.call("PUT", f"/v1/campaigns/{made['id']}", {"name": "Changed and seen again"})
    console.open("/audit")
    console.choose("Action", "Changed a campaign")
    page.wait_for_url("**/audit?action=campaigns.change")
    page.get_by_role("button", name="Changed a campaign").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("link", name="Open it")).to_have_attribute("href", f"/campaigns/{made['id']}")
    drawer.get_by_role("button", name="All changes of it").click()
    expect(page.get_by_role("textbox", name="Subject")).to_have_value(f"campaign:{made['id']}")
    expect(page.get_by_role("button", name="Made a campaign")).to_have_count(1)
    console.stage.call("DELETE", f"/v1/campaigns/{made['id']}")
