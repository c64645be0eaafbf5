"""Segments: built by hand with a count that follows, published, and explained."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_build_publish_and_explain(console: Console) -> None:
    page = console.page
    console.open("/segments")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name").fill("Plus with a large top-up")
    console.ask("Something known about them")
    console.choose("Trait", "plan")
    page.get_by_role("combobox", name="Value of plan").fill("Plus")
    count = page.get_by_test_id("segment-count")
    expect(count).to_have_text("4")
    page.keyboard.press("Escape")
    console.ask("Did something, or did not")
    page.get_by_role("combobox", name="Event", exact=True).fill("Top Up")
    page.keyboard.press("Escape")
    console.button("Only events where…").click()
    page.get_by_role("combobox", name="Property", exact=True).fill("amount")
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Comparison").last.click()
    page.get_by_role("option", name="is above").click()
    page.get_by_role("textbox", name="Value of amount").fill("30")
    expect(count).to_have_text("2")
    console.is_accessible()
    console.button("Publish").click()
    page.get_by_role("heading", name="Plus with a large top-up").wait_for()
    page.wait_for_url("**/segments/*")
    console.reload()
    page.get_by_role("tab", name="Members").click()
    page.get_by_role("link", name="First10 Tester").wait_for()
    assert page.get_by_role("link", name="Tester").count() == 2
    console.button("Why?").first.click()
    console.says("Belongs to this segment")
    console.is_accessible()


def test_exclude_and_archive_with_undo(console: Console) -> None:
    tree = {"kind": "trait", "trait": "plan", "op": "is", "value": "Max"}
    segment = console.stage.call("POST", "/v1/segments", {"name": "On Max", "tree": tree})
    console.open(f"/segments/{segment['id']}")
    count = console.page.get_by_test_id("segment-count")
    expect(count).to_have_text("4")
    console.button("Exclude those who match").click()
    everybody = console.stage.call("GET", "/v1/profiles?limit=1")["total"]
    expect(count).to_have_text(str(everybody - 4))
    console.button("Publish").click()
    console.button("Publish version 2").click()
    console.says("Segment published")
    console.button("Actions").click()
    console.page.get_by_role("menuitem", name="Archive").click()
    console.button("Undo").click()
    console.says("Segment restored")
    console.open("/segments")
    console.page.get_by_role("link", name="On Max").wait_for()


def test_a_list_by_hand(console: Console) -> None:
    page = console.page
    console.open("/segments")
    page.get_by_role("link", name="New list").click()
    page.get_by_label("Name").fill("Guests of the evening")
    console.button("Publish").click()
    console.says("Nobody belongs yet")
    console.button("Add people").click()
    page.get_by_label("Whom").fill("C003@Example.org\nc004@example.org, nobody@example.org")
    console.is_accessible()
    console.button("Add 3").click()
    console.says("1 belongs to nobody here")
    expect(page.get_by_label("Whom")).to_have_value("nobody@example.org")
    console.button("Cancel").click()
    taken = page.get_by_role("button", name="off the list")
    expect(taken).to_have_count(2)
    taken.first.click()
    expect(taken).to_have_count(1)
    console.button("Undo").click()
    expect(taken).to_have_count(2)
