"""Channels: an account set up from its provider's own form, tested, switched off and on, and found again."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_set_up_an_account_and_test_it(console: Console) -> None:
    page = console.page
    console.open("/channels")
    console.button("New account").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("SMTP server")).click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Second sender")
    page.get_by_role("textbox", name="Server", exact=True).fill("127.0.0.1")
    page.get_by_role("textbox", name="Port", exact=True).fill(str(console.stage.mail_port))
    console.choose("Encryption", "None")
    page.get_by_label("Sender's address").fill("second@example.com")
    console.is_accessible()
    console.button("Save").click()
    page.wait_for_url("**/channels/*")
    console.button("Test").click()
    console.says("“Second sender” works")
    console.is_accessible()
    console.reload()
    expect(page.get_by_label("Sender's address")).to_have_value("second@example.com")


def test_a_wrong_server_fails_the_test_in_words(console: Console) -> None:
    settings = {"host": "127.0.0.1", "port": 9, "security": "none", "from_email": "nowhere@example.com", "timeout": 2}
    body = {"channel": "email", "name": "Nowhere", "settings": settings, "enabled": False}
    console.stage.call("POST", "/v1/channels", body)
    console.open("/channels")
    console.button("Test Nowhere").click()
    console.says("“Nowhere” does not work")
    console.is_accessible()


def test_switched_off_and_on(console: Console) -> None:
    page = console.page
    settings = {"host": "127.0.0.1", "port": console.stage.mail_port, "security": "none", "from_email": "switch@example.com"}
    made = console.stage.call("POST", "/v1/channels", {"channel": "email", "name": "Switched", "settings": settings})
    console.open(f"/channels/{made['id']}")
    console.button("Actions").click()
    page.get_by_role("menuitem", name="Switch off").click()
    console.says("“Switched” is switched off")
    console.reload()
    console.says("Off")
    console.button("Actions").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.wait_for_url("**/channels")
    console.reload()
    expect(page.get_by_role("link", name="Switched")).to_have_count(0)
