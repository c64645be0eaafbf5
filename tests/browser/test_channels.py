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
    steps = page.get_by_role("status").get_by_role("listitem")
    expect(steps).to_have_text([f"Connect to 127.0.0.1:{console.stage.mail_port}", "Not encrypted", "No sign-in needed", "Sender accepted"])
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
    expect(console.page.get_by_role("status").get_by_role("listitem")).to_have_text(["Connect to 127.0.0.1:9", "Connection"])
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


def _account(console: Console, name: str) -> int:
    settings = {"host": "127.0.0.1", "port": console.stage.mail_port, "security": "none", "from_email": "terms@example.com"}
    made = console.stage.call("POST", "/v1/channels", {"channel": "email", "name": name, "settings": settings})
    return int(made["id"])


def test_limits_warmup_and_price_are_kept(console: Console) -> None:
    page = console.page
    account = _account(console, "Fresh sender")
    console.open(f"/channels/{account}")
    page.get_by_role("textbox", name="A second", exact=True).first.fill("25")
    page.get_by_role("textbox", name="Price of a part").fill("0.002")
    page.get_by_label("Warm up a new sender").check()
    page.get_by_role("textbox", name="On it").fill("100")
    expect(page.get_by_role("img", name=re.compile("Warm-up over"))).to_be_visible()
    console.button("Save").last.click()
    console.says("Limits saved")
    console.is_accessible()
    console.reload()
    expect(page.get_by_role("textbox", name="On it")).to_have_value("100")
    terms = console.stage.call("GET", f"/v1/delivery/accounts/{account}")["terms"]
    assert (terms["per_second"], terms["price_micros"], terms["warmup"]["first"]) == (25, 2000, 100)
    console.stage.call("DELETE", f"/v1/channels/{account}")


def test_paused_and_resumed(console: Console) -> None:
    account = _account(console, "Held sender")
    console.open(f"/channels/{account}")
    console.button("Pause").click()
    console.says("“Held sender” is paused")
    console.reload()
    console.says("Paused by Ada Owner")
    console.button("Resume").click()
    console.says("“Held sender” goes on")
    console.reload()
    console.says("Working")
    console.stage.call("DELETE", f"/v1/channels/{account}")


def test_a_dkim_key_and_its_record(console: Console) -> None:
    page = console.page
    account = _account(console, "Signing sender")
    console.open(f"/channels/{account}")
    page.get_by_role("textbox", name="Selector").fill("autumn")
    console.button("Make a key").click()
    console.says("autumn._domainkey.example.com")
    console.reload()
    console.says(re.compile("v=DKIM1"))
    console.is_accessible()
    console.stage.call("DELETE", f"/v1/channels/{account}")


def test_routing_rules_are_ordered_by_keyboard(console: Console) -> None:
    page = console.page
    local = console.stage.call("GET", "/v1/channels")[0]["id"]
    for name in ("First rule", "Second rule"):
        console.stage.call("POST", "/v1/delivery/routes", {"channel": "email", "name": name, "targets": [{"account_id": local}]})
    console.open("/channels?tab=routing")
    console.button("Move Second rule up").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_contain_text("Second rule")
    console.reload()
    expect(page.get_by_role("main").get_by_role("listitem").first).to_contain_text("Second rule")
    page.get_by_label("Address").fill("ann@example.org")
    console.button("Ask").click()
    console.says(re.compile("It goes through Local mail"))
    console.is_accessible()
    console.button("Remove First rule").click()
    console.button("Undo").click()
    console.says("First rule")
    for route in console.stage.call("GET", "/v1/delivery/routes"):
        console.stage.call("DELETE", f"/v1/delivery/routes/{route['id']}")


def test_forged_callbacks_are_counted(console: Console) -> None:
    console.open("/channels?tab=refused")
    console.says("None was refused")
    console.is_accessible()


def test_the_rules_are_asked_about_what_is_said_too(console: Console) -> None:
    page = console.page
    other = _account(console, "For newsletters")
    local = next(one["id"] for one in console.stage.call("GET", "/v1/channels") if one["name"] == "Local mail")
    rules = [
        console.stage.call("POST", "/v1/delivery/routes", {"channel": "email", "name": name, "match": match, "targets": [{"account_id": account}]})
        for name, match, account in (("Newsletters", {"purposes": ["newsletter"]}, other), ("All the rest", {}, local))
    ]
    try:
        console.open("/channels?tab=routing")
        page.get_by_label("Address").fill("ann@example.org")
        console.button("Ask").click()
        console.says(re.compile("It goes through Local mail"))
        console.choose("Purpose", "Newsletter")
        console.button("Ask").click()
        console.says(re.compile("It goes through For newsletters"))
        console.is_accessible()
    finally:
        for rule in rules:
            console.stage.call("DELETE", f"/v1/delivery/routes/{rule['id']}")
        console.stage.call("DELETE", f"/v1/channels/{other}")
