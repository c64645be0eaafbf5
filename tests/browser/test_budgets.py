"""Budgets: made, drawn as a bar, changed and found again; costs beside them."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_a_budget_is_made_and_changed(console: Console) -> None:
    page = console.page
    console.open("/budgets")
    console.button("New budget").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("All channels")
    dialog.get_by_role("textbox", name="Amount").fill("250")
    console.is_accessible()
    dialog.get_by_role("button", name="Save").click()
    card = page.get_by_role("article", name="All channels")
    expect(card).to_contain_text("€250.00")
    console.is_accessible()
    card.get_by_role("button", name="All channels", exact=True).click()
    dialog.get_by_role("textbox", name="Amount").fill("300")
    dialog.get_by_role("button", name="Save").click()
    console.reload()
    expect(card).to_contain_text("€300.00")
    card.get_by_role("button", name="Remove All channels").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)


def test_costs_by_what_was_chosen(console: Console) -> None:
    console.open("/budgets")
    console.page.get_by_role("radiogroup", name="Costs by").get_by_text("Account").click()
    console.page.wait_for_url(re.compile("by=account"))
    console.is_accessible()
