"""The overview: it moves while one watches, and each figure opens what it counts."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_it_moves_by_itself(console: Console) -> None:
    console.open("/")
    figure = console.page.get_by_role("link", name=re.compile("Events in the last minute"))
    expect(console.page.get_by_text("Live", exact=True)).to_be_visible()
    customers = console.page.get_by_role("link", name=re.compile(r"^Customers \d+$"))
    before = customers.inner_text()
    console.stage.track({"type": "identify", "userId": "C900", "traits": {"firstName": "Late", "lastName": "Comer"}})
    expect(customers).not_to_have_text(before)
    console.is_accessible()
    figure.click()
    console.page.get_by_role("heading", name="Events", level=1).wait_for()
