"""Journeys with people inside are handled with care: approval before going live, what an edit does to waits, going back as previewed,
people taken out and put back, entries kept while paused."""

from __future__ import annotations

import copy
import re

from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for
from tests.browser.test_journeys import HOUR, LINE, _draft, _live, _made, _open


def test_a_draft_is_approved_before_it_goes_live(console: Console) -> None:
    page = console.page
    journey = _made(console, "Read by two", LINE)["id"]
    console.open("/rules?tab=approval")
    group = page.get_by_role("radiogroup", name="A journey needs approval")
    try:
        group.get_by_role("radio", name="always").check()
        console.says("Rule saved")
        console.is_accessible()
        _open(console, journey)
        console.button("Launch").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("It goes live only once somebody else has approved it.")).to_be_visible()
        expect(dialog.get_by_role("button", name="Launch")).to_have_count(0)
        dialog.get_by_role("button", name="Ask for approval").click()
        console.says("Approval is asked for")
        console.reload()
        approval = page.get_by_test_id("approval")
        expect(approval).to_contain_text("This draft waits for approval")
        expect(approval).to_contain_text("Who wrote it cannot approve it")
        expect(approval.get_by_role("button", name="Approve")).to_have_count(0)
        console.is_accessible()
    finally:
        console.stage.call("PUT", "/v1/journeys/rule", {"approval": "off"})


def test_an_edited_wait_and_the_way_back_are_previewed(console: Console) -> None:
    page = console.page
    journey = _made(console, "Waits", LINE)
    _live(console, journey, 3)
    longer = copy.deepcopy(LINE)
    longer["steps"][0]["settings"]["seconds"] = 2 * HOUR
    console.stage.call("PUT", f"/v1/journeys/{journey['id']}/draft", {"definition": longer, "revision": journey["draft_revision"]})
    _open(console, journey["id"])
    console.button("Publish changes").click()
    dialog = page.get_by_role("dialog", name="Publish version 2")
    dialog.get_by_role("radio", name="They move to the new one").check()
    expect(dialog.get_by_test_id("preview")).to_contain_text("3 of them wait longer or shorter than they were told.")
    dialog.get_by_role("button", name="Publish changes").click()
    console.says("Version 2 is live")
    path = f"/v1/journeys/{journey['id']}"
    wait_for(lambda: {one["version"] for one in console.stage.call("GET", f"{path}/counts")["waiting"]} == {2})
    page.get_by_role("tab", name="Versions").click()
    console.button("Roll back").click()
    back = page.get_by_role("dialog", name="Roll back to version 1")
    expect(back.get_by_test_id("preview")).to_contain_text("3 move")
    expect(back.get_by_test_id("preview")).to_contain_text("3 of them wait longer or shorter")
    back.get_by_role("radio", name="They leave").check()
    expect(back.get_by_test_id("preview")).to_contain_text("3 leave")
    back.get_by_role("switch", name=re.compile("^Messages to those who leave that were not sent yet")).check()
    console.is_accessible("[role=dialog]")
    back.get_by_role("radio", name="They move back the way they came").check()
    back.get_by_role("button", name="Roll back").click()
    console.says("Version 1 is live again")
    wait_for(lambda: {one["version"] for one in console.stage.call("GET", f"{path}/counts")["waiting"]} == {1})


def test_somebody_is_taken_out_and_put_back(console: Console) -> None:
    page = console.page
    journey = _made(console, "Come back", LINE)
    _live(console, journey, 2)
    path = f"/v1/journeys/{journey['id']}"
    _open(console, journey["id"], "live")
    console.button("2 people wait at Wait").click()
    page.get_by_role("dialog", name="People at: Wait").get_by_role("button", name="First1 Tester").click()
    drawer = page.get_by_role("dialog", name="First1 Tester")
    drawer.get_by_role("button", name="Take out").click()
    asked = page.get_by_role("dialog", name="Take this person out of the journey?")
    asked.get_by_role("button", name="Take out").click()
    console.says("Taken out")
    wait_for(lambda: sum(one["people"] for one in console.stage.call("GET", f"{path}/counts")["waiting"]) == 1)
    drawer.get_by_role("button", name="Put back").click()
    console.says("Put back where they stood")
    wait_for(lambda: sum(one["people"] for one in console.stage.call("GET", f"{path}/counts")["waiting"]) == 2)
    expect(drawer).to_contain_text("put back, ")


def test_entries_are_kept_while_it_is_paused(console: Console) -> None:
    page = console.page
    journey = _made(console, "Kept at the door", LINE)["id"]
    _open(console, journey)
    console.button("Rules of the journey").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="Beside other journeys, and control group").click()
    drawer.get_by_role("switch", name="While it is paused, keep who would come in").check()
    drawer.get_by_label("So many at most").fill("500")
    console.is_accessible("[role=dialog]")
    page.keyboard.press("Escape")
    assert _draft(console, journey)["while_paused"] == {"entries": "keep", "most": 500}
