"""Settings: people, keys shown once, topics and the suppression list."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import expect
from tests.browser.stage import Console


def test_invite_and_change_a_role(console: Console) -> None:
    page = console.page
    console.open("/settings/people")
    console.button("Invite").click()
    page.get_by_label("E-mail address").fill("ines@example.com")
    page.get_by_role("dialog").get_by_role("button", name="Invite").click()
    assert "token" in page.get_by_test_id("secret").inner_text()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    console.choose("Role of ines@example.com", "Developer")
    console.reload()
    expect(page.get_by_role("combobox", name="Role of ines@example.com")).to_have_value("Developer")
    console.is_accessible()


def test_a_key_is_shown_once_and_revoked(console: Console) -> None:
    page = console.page
    console.open("/settings/keys")
    console.button("New key").first.click()
    page.get_by_text("API key").last.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Reporting")
    console.choose("Permissions", "segments:read")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").get_by_label("Name").click()
    console.button("Make the key").click()
    key = page.get_by_test_id("secret").inner_text()
    bearer = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{console.stage.base}/v1/segments", headers=bearer).status_code == 200
    assert httpx.get(f"{console.stage.base}/v1/people", headers=bearer).status_code == 403
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    console.reload()
    assert key not in page.content()
    row = page.get_by_role("row", name=re.compile("Reporting"))
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row.get_by_text("Revoked")).to_be_visible()


def test_topics_and_suppressions(console: Console) -> None:
    page = console.page
    console.open("/settings/consent")
    console.button("New topic").first.click()
    page.get_by_role("dialog").get_by_label("Key").fill("weekly")
    page.get_by_role("dialog").get_by_role("textbox", name="Title", exact=True).fill("Weekly letter")
    page.get_by_role("dialog").get_by_label("Title in Русский").fill("Письмо раз в неделю")
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("cell", name="weekly", exact=True).wait_for()
    console.button("Suppress an address").click()
    page.get_by_role("dialog").get_by_label("Address").fill("never@example.org")
    page.get_by_role("dialog").get_by_role("button", name="Suppress an address").click()
    console.reload()
    page.get_by_role("row", name=re.compile("weekly")).get_by_role("button", name="Edit").click()
    expect(page.get_by_role("dialog").get_by_label("Title in Русский")).to_have_value("Письмо раз в неделю")
    page.keyboard.press("Escape")
    page.get_by_role("cell", name="never@example.org").wait_for()
    page.get_by_role("row", name=re.compile("never@example.org")).get_by_role("button", name="Allow again").click()
    console.button("Undo").click()
    page.get_by_role("cell", name="never@example.org").wait_for()


def test_preferences_are_kept(console: Console) -> None:
    page = console.page
    console.open("/settings/account")
    page.get_by_label("Your name").fill("Ada Lovelace")
    console.button("Save").click()
    console.says("Saved")
    console.reload()
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")
    page.get_by_label("Your name").fill("Ada Owner")
    console.button("Save").click()
    console.says("Saved")


def test_the_installation_names_its_rooms(console: Console) -> None:
    console.open("/settings/installation")
    console.page.get_by_role("row", name=re.compile("Campaigns.*On")).wait_for()


def test_a_kind_of_identity_of_ones_own(console: Console) -> None:
    page = console.page
    console.open("/settings/identities")
    expect(page.get_by_role("row", name=re.compile("Phone"))).to_contain_text("90 days")
    console.button("New kind").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Member No")
    form.get_by_label("What it is called").fill("Member's number")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("a kind is small letters").first).to_be_visible()
    form.get_by_label("Name").fill("member_no")
    form.get_by_label("Most for one customer").fill("3")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    console.reload()
    row = page.get_by_role("row", name=re.compile("Member's number"))
    expect(row).to_contain_text("member_no")
    expect(row).to_contain_text("3")
    console.is_accessible()
