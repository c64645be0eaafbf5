"""Forms of journeys: every way in, the step kinds seldom met, and a rehearsal with rates that are given."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect
from tests.browser.stage import Console, wait_for
from tests.browser.test_journeys import DONE, PLUS, WAIT, _made as made, _open as opened, _step as step_of

TEXT = {"subject": "News", "text": "Something new"}
SAY: dict[str, Any] = {
    "key": "say", "kind": "message", "settings": {"channel": "email", "content": TEXT, "message_class": "service"},
    "next": {"next": "done", "refused": "done"},
}  # fmt: skip


def _settings(console: Console, journey: int, key: str = "step") -> dict[str, Any]:
    """What the draft says of a step now."""
    steps = console.stage.call("GET", f"/v1/journeys/{journey}")["draft"]["steps"]
    return dict(next(one for one in steps if one["key"] == key)["settings"])


def _becomes(console: Console, journey: int, **settings: Any) -> None:
    """Waits until the draft is kept with these settings of the step."""
    wait_for(lambda: settings.items() <= _settings(console, journey).items())


def _panel(console: Console, kind: str, settings: dict[str, Any], exits: tuple[str, ...]) -> tuple[int, Locator]:
    """A journey with one step of a kind, its form open."""
    step = {"key": "step", "kind": kind, "settings": settings, "next": dict.fromkeys(exits, "done")}
    journey = made(console, f"Form of {kind}", {"start": "step", "steps": [step, DONE], "entries": [{"kind": "api"}]})["id"]
    opened(console, journey)
    step_of(console, "step").click()
    panel = console.page.get_by_role("complementary", name="Settings of the step")
    panel.get_by_label("Title").wait_for()
    return journey, panel


def test_every_way_in(console: Console, topped_up: dict[str, Any]) -> None:
    page = console.page
    journey = made(console, "Ways in", {"start": "wait", "steps": [WAIT | {"next": {"next": "done"}}, DONE]})["id"]
    opened(console, journey)
    console.button("Rules of the journey").click()
    rules = page.get_by_role("dialog", name="Rules of the journey")

    def add(name: str) -> Locator:
        rules.get_by_role("button", name="Add a way in").click()
        page.get_by_role("menuitem", name=name).click()
        return rules.get_by_role("group", name=name)

    segment = add("Enters or leaves a segment")
    segment.get_by_role("combobox", name="Segment").click()
    page.get_by_role("option", name=re.compile("^Topped up")).click()
    segment.get_by_label("At launch also those who are in it already").check()
    schedule = add("At a time, a segment")
    schedule.get_by_role("combobox", name="Segment").click()
    page.get_by_role("option", name=re.compile("^Topped up")).last.click()
    schedule.get_by_label("Again and again").check()
    schedule.get_by_text("Fri", exact=True).click()
    brought = add("With an import")
    brought.get_by_role("textbox", name="Name of the import").fill("spring.csv")
    expect(add("Over the API").get_by_text("POST /v1/journeys/{id}/entries")).to_be_visible()
    console.is_accessible("[role=dialog]")

    def entries() -> list[dict[str, Any]]:
        return list(console.stage.call("GET", f"/v1/journeys/{journey}")["draft"]["entries"])

    kept = wait_for(lambda: len(found := entries()) == 4 and found[2]["source"] == "spring.csv" and found)
    assert (kept[0]["segment_id"], kept[0]["when"], kept[0]["present"]) == (topped_up["id"], "entered", True)
    assert kept[1]["segment_id"] == topped_up["id"] and re.fullmatch("FREQ=WEEKLY;BYDAY=(MO,)?FR", kept[1]["rule"])
    rules.get_by_role("button", name="Remove: Over the API").click()
    wait_for(lambda: [one["kind"] for one in entries()] == ["segment", "schedule", "import"])
    segment.get_by_role("combobox", name="When").click()
    page.get_by_role("option", name="as somebody leaves it").click()
    expect(segment.get_by_label("At launch also those who are in it already")).to_have_count(0)
    wait_for(lambda: entries()[0]["when"] == "left")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("findings")).not_to_contain_text("error")


def test_waits_for_a_day_and_an_hour(console: Console) -> None:
    journey, panel = _panel(console, "wait_until", {"trait": "birthday"}, ("next", "missing"))
    panel.get_by_role("textbox", name="Days").fill("3")
    panel.get_by_label("Every year, as a birthday").check()
    _becomes(console, journey, trait="birthday", yearly=True)
    console.is_accessible()
    journey, panel = _panel(console, "wait_time", {"since": "09:00", "until": "18:00"}, ("next",))
    panel.get_by_label("From").fill("10:30")
    panel.get_by_role("group", name="Days of the week").get_by_text("Sun").click()
    _becomes(console, journey, since="10:30", until="18:00", days=[1, 2, 3, 4, 5, 6])
    console.is_accessible()


def test_ways_are_added_ordered_and_taken_away(console: Console) -> None:
    journey, panel = _panel(console, "split", {"parts": [{"key": "a", "share": 50}, {"key": "b", "share": 50}]}, ("a", "b"))
    panel.get_by_role("button", name="Add a way").click()
    third = panel.get_by_role("group").last
    third.get_by_role("textbox", name="Way").fill("Rare")
    panel.get_by_role("group", name="Rare").get_by_role("textbox", name="Share").fill("5")
    panel.get_by_role("button", name="Earlier: Rare").click()
    wait_for(lambda: [(one.get("title", ""), one["share"]) for one in _settings(console, journey)["parts"]] == [("", 50), ("Rare", 5), ("", 50)])
    panel.get_by_role("button", name="Remove: b").click()
    wait_for(lambda: len(_settings(console, journey)["parts"]) == 2)
    console.is_accessible()
    journey, panel = _panel(console, "first_match", {"arms": [{"key": "plus", "condition": PLUS}]}, ("plus", "else"))
    panel.get_by_role("button", name="Add a way").click()
    wait_for(lambda: len(_settings(console, journey)["arms"]) == 2)
    console.is_accessible()


def test_what_a_step_does_to_a_customer(console: Console) -> None:
    page = console.page
    journey, panel = _panel(console, "subscribe", {"channel": "email", "topic": "offers", "state": "granted"}, ("next",))
    panel.get_by_role("combobox", name="What is recorded").click()
    page.get_by_role("option", name="No", exact=True).click()
    _becomes(console, journey, state="withdrawn")
    console.is_accessible()
    journey, panel = _panel(console, "tag", {"trait": "interests", "add": ["phones"]}, ("next",))
    panel.get_by_label("Take away").last.fill("tablets")
    page.keyboard.press("Enter")
    _becomes(console, journey, add=["phones"], remove=["tablets"])
    console.is_accessible()
    journey, panel = _panel(console, "webhook", {"url": "https://crm.example/in"}, ("ok", "failed"))
    panel.get_by_role("textbox", name="Headers").fill("X-Team: growth")
    panel.get_by_role("textbox", name="Address").fill("https://crm.example/next")
    _becomes(console, journey, url="https://crm.example/next", headers={"X-Team": "growth"})
    console.is_accessible()


def test_gates_loops_and_holdouts(console: Console) -> None:
    journey, panel = _panel(console, "gate", {"most": 100, "seconds": 3600}, ("next",))
    panel.get_by_role("textbox", name="People at most").fill("250")
    _becomes(console, journey, most=250)
    console.is_accessible()
    journey, panel = _panel(console, "holdout", {"percent": 10}, ("in", "out"))
    panel.get_by_role("textbox", name="Kept out").fill("12.5")
    panel.get_by_role("textbox", name="Name").fill("autumn")
    _becomes(console, journey, percent=12.5, name="autumn")
    console.is_accessible()
    journey, panel = _panel(console, "dialogue", {"words": ["yes"]}, ("yes", "no"))
    panel.get_by_label("They wrote last, and nobody has answered yet").check()
    _becomes(console, journey, words=["yes"], open=True)
    console.is_accessible()


def test_rehearsed_with_given_rates(console: Console) -> None:
    page = console.page
    event = {"kind": "event", "match": {"event": "Top Up"}}
    definition = {"start": "say", "steps": [SAY, DONE], "entries": [event], "goal": {"event": {"event": "Order Completed"}}}
    journey = made(console, "Given rates", definition)["id"]
    console.open(f"/journeys/{journey}?tab=rehearsal")
    console.button("Rehearse").first.click()
    dialog = page.get_by_role("dialog", name="New rehearsal")
    dialog.get_by_role("radio", name="The days to come").check()
    dialog.get_by_role("textbox", name="Days").fill("5")
    dialog.get_by_role("textbox", name="Opened by E-mail").fill("40")
    dialog.get_by_role("textbox", name="Clicked by E-mail").fill("7.5")
    console.is_accessible("[role=dialog]")
    dialog.get_by_role("button", name="Rehearse").click()
    page.get_by_test_id("rehearsal-report").wait_for(timeout=180_000)
    (kept,) = console.stage.call("GET", f"/v1/journeys/{journey}/rehearsals")["items"]
    assert (kept["asked"]["mode"], kept["asked"]["days"]) == ("forward", 5)
    given = {what: share for what, share in kept["asked"]["rates"]["channels"]["email"].items() if share}
    assert given == {"opened": 0.4, "clicked": 0.075}
    console.is_accessible()
