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


def test_a_usual_path_is_drawn_and_kept(console: Console) -> None:
    page = console.page
    before = console.stage.call("GET", "/v1/delivery/paths")
    try:
        console.open("/rules?tab=paths")
        part = page.get_by_role("group", name="Service")
        expect(part.get_by_text("No usual path")).to_be_visible()
        part.get_by_role("button", name="Begin a path").click()
        part.get_by_role("button", name="Add a channel to fall back on").click()
        part.get_by_role("switch", name="Also when there is no receipt in time").check()
        expect(part.get_by_role("img", name=re.compile("Path: .* → "))).to_contain_text("no receipt in 1 hour")
        console.is_accessible()
        console.button("Save").click()
        console.says("Paths saved")
        console.reload()
        expect(part.get_by_role("switch", name="Also when there is no receipt in time")).to_be_checked()
        assert [step.get("receipt_within") for step in console.stage.call("GET", "/v1/delivery/paths")["service"]] == [None, 3600]
    finally:
        console.stage.call("PUT", "/v1/delivery/paths", {"paths": before})


def test_a_purpose_is_made_renamed_and_offered_no_more(console: Console) -> None:
    page = console.page
    console.open("/rules?tab=suitability")
    console.button("New purpose").click()
    page.get_by_role("dialog").get_by_label("Title").fill("Win back")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    row = page.get_by_role("region", name="Purposes").get_by_role("row", name=re.compile("Win back"))
    row.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Title").fill("Win back those who left")
    console.is_accessible("[role=dialog]")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Win back those who left")
    row.get_by_role("button", name="Archive").click()
    expect(row.get_by_text("archived")).to_be_visible()
    console.is_accessible()
    row.get_by_role("button", name="Offer again").click()
    expect(row.get_by_text("archived")).to_have_count(0)
    row.get_by_role("button", name="Archive").click()
    expect(row.get_by_text("archived")).to_be_visible()
