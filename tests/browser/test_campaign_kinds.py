"""Campaigns of every kind: recurring with a path of channels, triggered with a goal, by people's own clocks; approval by another."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect
from tests.browser.stage import Console

MAIL = {"format": "html", "subject": "A larger plan", "body": '<p>Hello</p><a href="{{ unsubscribe_url }}">Unsubscribe</a>'}
TEXT = {"format": "text", "subject": "", "body": "A larger plan waits for you"}


def _template(console: Console, channel: str, source: dict[str, str]) -> str:
    name = f"Kinds by {channel} {console.page.evaluate('performance.now()')}"
    made = console.stage.call("POST", "/v1/templates", {"name": name, "channel": channel, **source})
    console.stage.call("POST", f"/v1/templates/{made['template']['id']}/publish")
    return name


def test_recurring_with_a_path_of_channels(console: Console, topped_up: dict[str, Any]) -> None:
    page = console.page
    mail, text = _template(console, "email", MAIL), _template(console, "sms", TEXT)
    console.open("/campaigns/new")
    page.get_by_label("Name").fill("Every Monday and Friday")
    page.get_by_role("radio", name=re.compile("Again and again")).click()
    console.choose("Segment", re.compile("Topped up"))
    console.button("Next").click()
    console.choose("Template", mail)
    console.button("Add a channel to fall back on").click()
    step = page.get_by_role("group", name="Channel 2")
    step.get_by_role("combobox", name="Says").click()
    page.get_by_role("option", name=text, exact=True).click()
    step.get_by_label("Also when there is no receipt in time").check()
    expect(page.get_by_role("img", name="Path: E-mail → SMS")).to_contain_text("no receipt in 2 hours")
    console.choose("Purpose", "Newsletter")
    console.says("Newsletter by SMS is refused")
    console.choose("Purpose", "Promotion")
    console.is_accessible()
    console.button("Next").click()
    console.choose("Topic", "Offers")
    page.get_by_text("Fri", exact=True).click()
    expect(page.get_by_test_id("next-times")).to_contain_text("·")
    console.is_accessible()
    console.button("Next").click()
    expect(page.get_by_test_id("estimate-reached")).to_be_visible()
    console.is_accessible()
    console.open("/campaigns")
    page.get_by_role("link", name="Every Monday and Friday").click()
    console.button("Change: Sending").click()
    expect(page.get_by_role("checkbox", name="Fri")).to_be_checked()
    kept = next(one for one in console.stage.call("GET", "/v1/campaigns")["items"] if one["name"] == "Every Monday and Friday")
    assert kept["recurrence"]["rule"] == "FREQ=WEEKLY;BYDAY=MO,FR"
    assert (kept["hops"][0]["channel"], kept["hops"][0]["receipt_within"], kept["purpose"]) == ("sms", 7200, "promotion")


def test_triggered_with_a_goal(console: Console, topped_up: dict[str, Any]) -> None:
    page = console.page
    mail = _template(console, "email", MAIL)
    console.open("/campaigns/new")
    page.get_by_label("Name").fill("Thanks for the top-up")
    page.get_by_role("radio", name=re.compile("When something happens")).click()
    console.button("Next").click()
    console.choose("Template", mail)
    console.button("Next").click()
    console.choose("Kind of message", "Service")
    page.get_by_role("textbox", name="Event").or_(page.get_by_role("combobox", name="Event")).first.fill("Top Up")
    console.choose("How often one person is answered", "once ever")
    page.get_by_label("Count conversions").check()
    page.get_by_role("textbox", name="Event").or_(page.get_by_role("combobox", name="Event")).last.fill("Order Completed")
    console.is_accessible()
    page.keyboard.press("Escape")
    console.button("Keep the draft").click()
    console.says("Draft kept")
    kept = next(one for one in console.stage.call("GET", "/v1/campaigns")["items"] if one["name"] == "Thanks for the top-up")
    assert (kept["trigger"]["event"], kept["trigger"]["again"], kept["goal"]["event"]) == ("Top Up", "once", "Order Completed")
    console.open(f"/campaigns/{kept['id']}")
    expect(page.get_by_label("Name").or_(page.get_by_text("Whom it would reach now")).first).to_be_visible()


def test_approval_is_asked_for_in_the_review(console: Console, topped_up: dict[str, Any]) -> None:
    page = console.page
    mail = _template(console, "email", MAIL)
    template = next(one for one in console.stage.call("GET", "/v1/templates?limit=500")["items"] if one["name"] == mail)
    console.stage.call("PUT", "/v1/campaigns/rule", {"approval": "always"})
    try:
        body = {"name": "Read by two", "segment_id": topped_up["id"], "template_id": template["id"], "topic": "offers"}
        made = console.stage.call("POST", "/v1/campaigns", body)
        console.open(f"/campaigns/{made['id']}")
        console.says("It starts only once somebody else has approved it.")
        expect(console.button("Start")).to_have_count(0)
        console.button("Ask for approval").click()
        console.says("Approval is asked for")
        console.reload()
        console.says("Waits for approval")
        console.says("Who wrote it cannot approve it")
        console.is_accessible()
        expect(console.button("Approve")).to_have_count(0)
    finally:
        console.stage.call("PUT", "/v1/campaigns/rule", {"approval": "off"})
    expect(page.get_by_text("Waits for approval").first).to_be_visible()
