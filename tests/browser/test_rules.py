"""Rules: caps, quiet hours drawn as a day, the suitability table, the holdout and approval; each kept."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_a_cap_is_made_changed_and_taken_back(console: Console) -> None:
    page = console.page
    console.open("/rules")
    console.button("New cap").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Nine a week")
    page.get_by_role("dialog").get_by_role("textbox", name="At most").fill("9")
    console.is_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    console.says("at most 9 messages in 7 days")
    console.reload()
    row = page.get_by_role("row", name=re.compile("Nine a week"))
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).not_to_be_checked()
    console.reload()
    expect(row.get_by_role("switch")).not_to_be_checked()
    row.get_by_role("button", name="Remove").click()
    console.says("“Nine a week” removed")
    assert all(cap["name"] != "Nine a week" for cap in console.stage.call("GET", "/v1/delivery/caps"))


def test_quiet_hours_are_drawn_and_kept(console: Console) -> None:
    page = console.page
    before = console.stage.call("GET", "/v1/delivery/clocks")
    console.open("/rules?tab=hours")
    part = page.get_by_role("region", name="Transactional")
    part.get_by_label("Quiet hours").check()
    expect(part.get_by_role("img", name=re.compile("quiet from 22:00 until 08:00"))).to_be_visible()
    part.get_by_role("textbox", name="Until").fill("07:30")
    console.is_accessible()
    console.button("Save").click()
    console.says("Hours saved")
    console.reload()
    expect(part.get_by_role("img", name=re.compile("quiet from 22:00 until 07:30"))).to_be_visible()
    console.stage.call("PUT", "/v1/delivery/clocks", before)


def test_which_channel_suits_what(console: Console) -> None:
    page = console.page
    before = console.stage.call("GET", "/v1/delivery/suitability")["rows"]
    console.open("/rules?tab=suitability")
    expect(page.get_by_role("combobox", name="Newsletter by SMS")).to_have_value("refused")
    console.choose("Survey by SMS", "refused")
    console.is_accessible()
    console.button("Save").click()
    console.says("Table saved")
    console.reload()
    expect(page.get_by_role("combobox", name="Survey by SMS")).to_have_value("refused")
    console.stage.call("PUT", "/v1/delivery/suitability", {"rows": before})


def test_the_universal_holdout(console: Console) -> None:
    page = console.page
    console.open("/rules?tab=holdout")
    page.get_by_role("textbox", name="Share").fill("7")
    console.is_accessible()
    console.button("Save").click()
    console.says("Holdout saved")
    console.reload()
    expect(page.get_by_role("textbox", name="Share")).to_have_value("7 %")
    found = console.stage.call("GET", "/v1/holdouts")[0]
    assert (found["percent"], found["enabled"]) == (7, False)


def test_approval_can_be_asked_for(console: Console) -> None:
    page = console.page
    console.open("/rules?tab=approval")
    page.get_by_label("when it is for more people than").check()
    page.get_by_role("textbox", name="People").fill("5000")
    console.button("Save").click()
    console.says("Rule saved")
    console.reload()
    expect(page.get_by_role("textbox", name="People")).to_have_value("5 000")
    console.is_accessible()
    console.stage.call("PUT", "/v1/campaigns/rule", {"approval": "off"})
