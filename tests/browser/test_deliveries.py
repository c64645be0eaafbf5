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
    page.wait_for_url(f"**open={sent['id']}*")  # a plain number: people send each other this address
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


def _refused(console: Console, address: str) -> int:
    """A message nobody could be sent: its address is suppressed."""
    console.stage.call("POST", "/v1/suppressions", {"channel": "email", "address": address, "reason": "manual"})
    sent = console.stage.call("POST", "/v1/test-sends", {"address": address, "subject": "Again", "text": "Once more"})
    assert sent["state"] == "suppressed"
    return int(sent["id"])


def test_retry_one_that_was_held_back(console: Console) -> None:
    page = console.page
    held = _refused(console, "again@staff.example")
    console.stage.call("DELETE", "/v1/suppressions/email/again@staff.example")
    console.open(f"/deliveries?open={held}")
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="Send again").click()
    console.says("It is on its way again")
    wait_for(lambda: console.stage.call("GET", f"/v1/deliveries/{held}")["delivery"]["sent_at"])
    console.reload()
    expect(drawer.get_by_text("Ada Owner sent it again")).to_be_visible()
    console.is_accessible()


def test_retry_many_with_the_count_first(console: Console) -> None:
    page = console.page
    _refused(console, "many@staff.example")
    console.open("/deliveries?state=suppressed")
    console.button("Retry those not sent").click()
    expect(page.get_by_test_id("bulk-count")).to_contain_text("of this search")
    console.is_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.get_by_role("dialog").get_by_text("Done:")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    console.button("Resolve the unknown").click()
    expect(page.get_by_test_id("bulk-count")).to_contain_text("0 messages")
    console.is_accessible()


def test_a_template_tried_is_explained(console: Console) -> None:
    page = console.page
    html = '<p>Hello</p><a href="https://example.com/plans">Plans</a>'
    made = console.stage.call("POST", "/v1/templates", {"name": "Marked", "channel": "email", "format": "html", "subject": "Marked", "body": html})
    version = console.stage.call("POST", f"/v1/templates/{made['template']['id']}/publish")["version"]["id"]
    sent = console.stage.call("POST", "/v1/test-sends", {"address": "marks@staff.example", "template_version_id": version})
    wait_for(lambda: console.stage.call("GET", f"/v1/deliveries/{sent['id']}")["delivery"]["sent_at"])
    console.open(f"/deliveries?open={sent['id']}")
    expect(page.get_by_role("dialog").get_by_text("What happened when")).to_be_visible()


def test_found_by_channel_account_and_day(console: Console) -> None:
    page = console.page
    account = console.stage.call("GET", "/v1/channels")[0]
    sent = console.stage.call("POST", "/v1/test-sends", {"address": "found@staff.example", "subject": "Found", "text": "Here", "account_id": account["id"]})
    wait_for(lambda: console.stage.call("GET", f"/v1/deliveries/{sent['id']}")["delivery"]["sent_at"])
    console.open("/deliveries")
    console.button("More filters").click()
    console.choose("Channel", "E-mail")
    console.choose("Account", account["name"])
    console.is_accessible()
    page.keyboard.press("Escape")
    page.get_by_text("found@staff.example").first.wait_for()
    console.reload()
    page.get_by_text("found@staff.example").first.wait_for()
    console.open("/deliveries?until=2020-01-01")
    console.says("Nothing matches")
    console.says("1 more filter")


def test_verifications_are_looked_through(console: Console) -> None:
    page = console.page
    asked = console.stage.call("POST", "/v1/verifications", {"factors": [{"channel": "email", "address": "proof@staff.example"}], "key": "proof-1"})
    assert asked["state"] == "failed", "a code by e-mail alone proves too little"
    console.open("/deliveries")
    page.get_by_role("link", name="Verifications").click()
    row = page.get_by_role("row").filter(has_text="proof-1")
    expect(row.get_by_text("p•••@staff.example")).to_be_visible()
    expect(row.get_by_text("Failed")).to_be_visible()
    console.is_accessible()
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Locked").click()
    console.says("No verifications")
    console.reload()
    console.says("No verifications")
