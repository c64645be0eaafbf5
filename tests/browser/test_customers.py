"""Customers: found by a word, shown whole, and what they allow recorded."""

from __future__ import annotations

from tests.browser.stage import Console


def test_search_and_page(console: Console) -> None:
    console.open("/customers")
    console.says("12 customers")
    console.page.get_by_role("textbox", name="Name, e-mail, phone, number or any trait").fill("c007@example")
    console.page.get_by_role("link", name="First7 Tester").click()
    console.page.get_by_role("heading", name="First7 Tester").wait_for()
    console.says("c007@example.org")
    console.says("Top Up")
    assert "Plus" in console.page.locator("section", has_text="Traits").last.inner_text()
    console.is_accessible()


def test_what_a_customer_says_is_recorded(console: Console) -> None:
    profile = console.stage.profile("C011")
    console.open(f"/customers/{profile}")
    console.says("They have said nothing yet")
    console.button("Record").click()
    console.choose("Topic", "Offers")
    console.page.get_by_label("Source").fill("phone call")
    console.is_accessible()
    console.page.get_by_role("dialog").get_by_role("button", name="Record").click()
    console.says("Granted")
    console.reload()
    console.button("Everything they said").click()
    console.says("phone call")


def test_timeline_opens_an_event(console: Console) -> None:
    console.open(f"/customers/{console.stage.profile('C003')}")
    console.button("Top Up").click()
    console.says('"amount": 15')
