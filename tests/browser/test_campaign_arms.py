"""Variants of a campaign: written, tried on a part, watched, and one of them chosen for the rest."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect
from tests.browser.stage import PEOPLE, Console, wait_for

SOURCE = {
    "format": "html", "subject": "A larger plan",
    "body": '<p>Hello {{ firstName }}</p><a href="{{ unsubscribe_url }}">Unsubscribe</a>',
}  # fmt: skip


def test_variants_are_tried_on_a_part_and_one_is_chosen(console: Console, topped_up: dict[str, Any]) -> None:
    page, stage = console.page, console.stage
    made = stage.call("POST", "/v1/templates", {"name": "Plan to try", "channel": "email", **SOURCE})
    stage.call("POST", f"/v1/templates/{made['template']['id']}/publish")
    console.open("/campaigns/new")
    page.get_by_label("Name").fill("Two subjects")
    console.choose("Segment", re.compile("Topped up"))
    console.button("Next").click()
    page.get_by_role("combobox", name="Template", exact=True).first.click()
    page.get_by_role("option", name="Plan to try", exact=True).click()
    page.get_by_label("Try several variants").check()
    second = page.get_by_role("group", name="Variant B")
    second.get_by_label("Subject").fill("{{ firstName }}, a plan for you")
    second.get_by_label("What to call it").fill("By name")
    page.get_by_role("group", name="By name").get_by_label("Parts").fill("3")
    expect(page.get_by_text("By name · 75%")).to_be_visible()
    page.get_by_label("Try it on").fill("50")
    console.choose("What decides", "Opened")
    page.get_by_role("radio", name="By the rule").check()
    console.choose("If the rule finds nothing", "take the one that leads")
    console.is_accessible()
    page.get_by_role("radio", name="A person").check()
    console.button("Next").click()
    console.choose("Topic", "Offers")
    console.choose("Sender", re.compile("Local mail"))
    console.button("Next").click()
    planned = page.get_by_role("region", name="Variants")
    expect(planned.get_by_role("row", name=re.compile("By name.*a plan for you"))).to_be_visible()
    expect(planned.get_by_text("are told first; the rest waits")).to_be_visible()
    console.is_accessible()
    console.button("Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    page.wait_for_url("**/campaigns/*")
    kept = next(one for one in stage.call("GET", "/v1/campaigns")["items"] if one["name"] == "Two subjects")
    assert kept["arm_choice"]["percent"] == 50 and kept["arm_choice"]["metric"] == "opened"
    shown = page.get_by_role("region", name="Variants").first
    expect(shown.get_by_text(re.compile("until you choose a variant"))).to_be_visible(timeout=180_000)
    console.is_accessible()
    wait_for(lambda: stage.call("GET", f"/v1/campaigns/{kept['id']}/report")["waiting"] == 0)
    told = stage.call("GET", f"/v1/campaigns/{kept['id']}/report")["sent"]
    shown.get_by_role("button", name="Choose By name").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("get it now")
    dialog.get_by_role("button", name="Choose", exact=True).click()
    expect(shown.get_by_text(re.compile("By name was chosen by"))).to_be_visible()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=180_000)
    report = stage.call("GET", f"/v1/campaigns/{kept['id']}/report")
    assert report["audience"] == PEOPLE and report["undecided"] == 0 and report["sent"] == 10 >= told
    console.reload()
    expect(shown.get_by_text(re.compile("By name was chosen by"))).to_be_visible()
    expect(shown.get_by_role("row", name=re.compile("By name the rest"))).to_be_visible(timeout=180_000)  # kept for fifty times its work
    console.is_accessible()
    arms = stage.call("GET", f"/v1/campaigns/{kept['id']}/arms")["arms"]
    assert [(one["arm"], one["sent"]) for one in arms if one["chosen"]] == [("b", 10 - told)]
    assert sum(one["sent"] for one in arms if not one["chosen"]) == told
