"""Traits: described, locked and told apart; computed ones defined with a preview; what a customer seems to like."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for


def test_a_trait_is_described_and_locked(console: Console) -> None:
    page, stage = console.page, console.stage
    console.open("/traits")
    page.get_by_role("textbox", name="Find a trait").fill("age")
    console.button("age").click()
    page.get_by_label("Description").fill("Years since birth")
    page.get_by_role("textbox", name="Unit").fill("years")
    page.get_by_role("switch", name="Lock the type").click()
    console.is_accessible()
    console.button("Save").click()
    console.says("locked")
    stage.track({"type": "identify", "userId": "C004", "traits": {"age": "old"}})
    wait_for(lambda: stage.call("GET", "/v1/trait-refusals?name=age"))
    assert stage.call("GET", f"/v1/profiles/{stage.profile('C004')}")["traits"]["age"] == 24
    console.reload()
    row = page.get_by_role("row", name=re.compile("Years since birth"))
    expect(row).to_contain_text("Number, years")
    row.get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text('"old"')
    expect(page.get_by_role("dialog")).to_contain_text("is of another type")
    console.is_accessible()
    page.get_by_role("switch", name="Lock the type").click()
    console.button("Save").click()


def test_a_computed_trait_is_tried_defined_and_shown(console: Console) -> None:
    page, stage = console.page, console.stage
    console.open("/traits?tab=computed")
    console.says("No computed traits yet")
    console.is_accessible()
    console.button("New computed trait").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("top_up_total")
    console.choose("Measure", "Sum")
    page.get_by_role("dialog").get_by_label("Event").fill("Top Up")
    page.get_by_role("dialog").get_by_label("Property").fill("amount")
    page.keyboard.press("Escape") if page.get_by_role("listbox").count() else None
    expect(page.get_by_role("dialog").get_by_role("region", name="What some customers would have")).to_contain_text("Tester")
    page.get_by_role("dialog").get_by_label("Otherwise").fill("0")
    console.is_accessible()
    console.button("Create").click()
    row = page.get_by_role("row", name=re.compile("top_up_total"))
    expect(row).to_contain_text("up to date")
    console.reload()
    expect(row).to_contain_text("Sum · Top Up: amount · of all time")
    console.is_accessible()
    profile = stage.profile("C003")
    wait_for(lambda: stage.call("GET", f"/v1/profiles/{profile}")["traits"].get("top_up_total") == 15)
    stage.track({"type": "track", "userId": "C003", "event": "Top Up", "properties": {"amount": 2.5}})
    wait_for(lambda: stage.call("GET", f"/v1/profiles/{profile}")["traits"].get("top_up_total") == 17.5)
    console.open(f"/customers/{profile}")
    page.get_by_role("button", name=re.compile("^top_up_total")).click()
    expect(page.get_by_role("dialog")).to_contain_text("17.5")
    console.says(re.compile("Computed from events"))
    console.is_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name=re.compile("^plan")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Lite")
    expect(page.get_by_role("dialog").locator(".mantine-Timeline-item")).to_have_count(1)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    console.open("/traits?tab=computed")
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    console.says("No computed traits yet")
    wait_for(lambda: "top_up_total" not in stage.call("GET", f"/v1/profiles/{profile}")["traits"])


def test_what_a_customer_seems_to_like(console: Console) -> None:
    page, stage = console.page, console.stage
    looks = [("lamps", "Product Viewed")] * 2 + [("chairs", "Product Viewed"), ("chairs", "Product Added")]
    stage.track(*(
        {"type": "track", "userId": "C006", "event": event, "properties": {"category": kind}} for kind, event in looks
    ))  # fmt: skip
    wait_for(stage.intake_done)
    console.open("/traits?tab=computed")
    console.button("New computed trait").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("likes")
    page.get_by_text("A liking", exact=True).click()
    page.get_by_role("dialog").get_by_label("Description").fill("Favourite categories")
    for place, (event, weight) in enumerate((("Product Viewed", "1"), ("Product Added", "3"))):
        if place:
            console.button("Another event").click()
        page.get_by_role("dialog").get_by_label("Event", exact=True).nth(place).fill(event)
        page.get_by_role("dialog").get_by_label("Property", exact=True).nth(place).fill("category")
        page.get_by_role("dialog").get_by_label("Weight", exact=True).nth(place).fill(weight)
    page.get_by_role("dialog").get_by_label("Half-life in days").click()
    expect(page.get_by_role("dialog").get_by_role("region", name="What some customers would have")).to_contain_text(
        "chairs and lamps"
    )
    console.is_accessible()
    console.button("Create").click()
    expect(page.get_by_role("row", name=re.compile("Favourite categories"))).to_contain_text("up to date")
    console.open(f"/customers/{stage.profile('C006')}")
    panel = page.locator("section", has_text="What they seem to like").last
    expect(panel).to_contain_text("66.7%")
    console.is_accessible()
    assert stage.call("GET", f"/v1/profiles/{stage.profile('C006')}")["traits"]["likes"] == ["chairs", "lamps"]
    for one in stage.call("GET", "/v1/computed-traits")["items"]:
        stage.call("DELETE", f"/v1/computed-traits/{one['id']}")
    wait_for(lambda: not stage.call("GET", "/v1/computed-traits")["items"])
