"""Deliveries: searched, and each explained."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for


def test_search_and_why(console: Console) -> None:
    page = console.page
    sent = console.stage.call("POST", "/v1/test-sends", {"address": "why@staff.example", "subject": "Why", "text": "Because"})
    wait_for(lambda: console.stage.call("GET", f"/v1/deliveries/{sent['id']}")["delivery"]["sent_at"])
    console.open("/deliveries")
    page.get_by_role("textbox", name="Address").fill("why@staff.example")
    expect(page.get_by_role("button", name="Why: delivery")).to_have_count(1)
    page.get_by_role("button", name="Why: delivery").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("why@staff.example").first).to_be_visible()
    expect(drawer.get_by_text("What happened when")).to_be_visible()
    console.is_accessible()
    console.reload()
    expect(page.get_by_role("dialog").get_by_text("What happened when")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Address")).to_have_value("why@staff.example")


def test_no_match_teaches(console: Console) -> None:
    console.open("/deliveries?address=nobody@nowhere.example")
    console.says("Nothing matches")
