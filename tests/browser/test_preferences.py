"""Preferences: a customer's own page in three languages and without scripts, what the console shows of it, and how it looks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for


def own_page(console: Console, who: str) -> str:
    """The address of a customer's page."""
    url: str = console.stage.call("POST", "/v1/preferences/link", {"kind": "user_id", "value": who})["url"]
    return console.stage.base + url[url.index("/p/"):]


@pytest.mark.parametrize(
    ("language", "save", "saved"), [("en", "Save", "Saved"), ("ru", "Сохранить", "Сохранено"), ("zh", "保存", "已保存")]
)
def test_a_customer_chooses_in_their_language(console: Console, browser: Any, language: str, save: str, saved: str) -> None:
    """No script runs on the page; what was chosen is there after a reload, and in the console."""
    who = {"en": "C001", "ru": "C002", "zh": "C003"}[language]
    url = own_page(console, who)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1200, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{url}?lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    offers = page.locator("input[name='c.email.offers']")
    expect(offers).to_be_checked()
    offers.uncheck()
    page.locator("#frequency").select_option("weekly")
    page.locator("#language").select_option(language)
    page.locator("#pause").select_option("30")
    page.locator("#quiet_from").fill("22:00")
    page.locator("#quiet_to").fill("07:30")
    page.locator("#zone").select_option("Asia/Shanghai")
    page.get_by_role("button", name=save, exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(saved)
    page.goto(url)
    assert page.locator("html").get_attribute("lang") == language, "now it opens in the language they chose"
    expect(page.locator("input[name='c.email.offers']")).not_to_be_checked()
    expect(page.locator("#frequency")).to_have_value("weekly")
    expect(page.locator("#quiet_to")).to_have_value("07:30")
    expect(page.locator("#pause")).to_have_value("keep")
    height = page.locator("main").bounding_box()
    assert height is not None and height["y"] + height["height"] <= 800, "one screen"
    context.close()
    console.page.goto(f"{url}?lang={language}")
    console.is_accessible()
    console.open(f"/customers/{console.stage.profile(who)}")
    console.says("At most once a week")
    console.says(re.compile("22:00–07:30, Asia/Shanghai"))
    console.says("Withdrawn")


def test_every_channel_is_seen_on_a_phone(console: Console) -> None:
    """A box that stands beyond the edge of a screen is one nobody knows of."""
    page = console.page
    console.stage.track({"type": "identify", "userId": "C011", "traits": {"phone": "+4917612345011"}})
    url = own_page(console, "C011")
    wait_for(lambda: "c.sms.offers" in httpx.get(url).text)
    page.set_viewport_size({"width": 360, "height": 740})
    for language in ("en", "ru", "zh"):
        page.goto(f"{url}?lang={language}")
        expect(page.locator("input[name='c.sms.offers']")).to_be_visible()
        edge = page.evaluate("Math.max(...[...document.querySelectorAll('input[type=checkbox]')].map((box) => box.getBoundingClientRect().right))")
        assert edge <= 360, language
    console.is_accessible()


def test_the_page_on_a_phone_and_wrong_hours(console: Console) -> None:
    page = console.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(own_page(console, "C004"))
    console.is_accessible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#quiet_from").fill("22:00")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("quiet hours")
    console.is_accessible()
    page.get_by_role("button", name="Unsubscribe from everything").click()
    expect(page.get_by_role("status")).to_contain_text("unsubscribed from everything")
    page.reload()
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(0)


def test_an_agent_writes_down_what_was_said(console: Console) -> None:
    page = console.page
    console.open(f"/customers/{console.stage.profile('C012')}")
    console.says("They have stated no preferences.")
    console.button("Record preferences").click()
    console.choose("How often", "At most once a month")
    page.get_by_role("dialog").get_by_label("Source").fill("phone call of May")
    console.is_accessible()
    console.button("Save").click()
    console.says("At most once a month")
    console.reload()
    console.says(re.compile("phone call of May"))
    console.button("All changes").click()
    console.is_accessible()


def test_how_the_centre_looks(console: Console) -> None:
    page = console.page
    console.open("/settings/consent")
    page.get_by_label("Name above the page").fill("Meridian")
    page.get_by_label("Title in Русский").fill("Ваш выбор в «Меридиане»")
    panel = page.locator("section", has_text="Preference centre").last
    panel.get_by_role("button", name="Save", exact=True).click()
    console.says("Saved")
    console.reload()
    expect(page.get_by_label("Name above the page")).to_have_value("Meridian")
    console.is_accessible()
    url = page.get_by_role("link", name="See it as customers do").get_attribute("href") or ""
    page.goto(console.stage.base + url[url.index("/p/"):] + "?lang=ru")
    console.says("Ваш выбор в «Меридиане»")
    console.says("Это предварительный просмотр")
    console.is_accessible()
    console.stage.call("PUT", "/v1/preference-centre", {})


def test_a_list_is_brought_and_taken(console: Console, tmp_path: Path) -> None:
    page = console.page
    brought = tmp_path / "never.csv"
    brought.write_text("address,reason,note\nbrought@example.org,complaint,wrote to us\nnot an address,manual,\n")
    console.open("/settings/consent")
    console.button("Bring a list").click()
    page.locator("input[type=file]").set_input_files(brought)
    page.get_by_role("dialog").get_by_role("button", name="Bring a list").click()
    console.says("New on the list: 1. Lines left out: 1.")
    console.is_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    console.reload()
    row = page.get_by_role("row", name=re.compile("brought@example.org"))
    expect(row).to_contain_text("wrote to us")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "brought@example.org" in Path(download.value.path()).read_text()
    row.get_by_role("button", name="Allow again").click()
    console.says("brought@example.org may be written to again")
