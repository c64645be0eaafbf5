"""Journeys: drawn by mouse and by keyboard, checked, published, watched, edited with people inside, rehearsed, told in three languages."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, expect
from tests.browser.stage import Console, wait_for

HOUR = 3600
WAIT = {"key": "wait", "kind": "wait", "settings": {"seconds": HOUR}, "next": {"next": "ask"}}
ASK: dict[str, Any] = {
    "key": "ask", "kind": "wait_event", "title": "Top-up?", "settings": {"match": {"event": "Top Up"}, "timeout_seconds": 86_400},
    "next": {"happened": "done", "timeout": "done"},
}  # fmt: skip
DONE = {"key": "done", "kind": "end"}
PLUS = {"kind": "trait", "trait": "plan", "op": "is", "value": "Plus"}
PLACES = {"wait": [0, 0], "ask": [320, 0], "done": [640, 0]}
LINE: dict[str, Any] = {"start": "wait", "steps": [WAIT, ASK, DONE], "entries": [{"kind": "api"}], "canvas": {"places": PLACES}}


def _made(console: Console, name: str, definition: dict[str, Any] | None = None) -> dict[str, Any]:
    made = console.stage.call("POST", "/v1/journeys", {"name": name, "definition": definition or {}})
    return dict(made)


def _draft(console: Console, journey: int) -> dict[str, Any]:
    """The draft as it is kept, once the page says that it is."""
    expect(console.page.get_by_test_id("kept")).to_have_text("Draft kept")
    return dict(console.stage.call("GET", f"/v1/journeys/{journey}")["draft"])


def _step(console: Console, key: str) -> Locator:
    return console.page.locator(f'.react-flow__node[data-id="{key}"]')


def _live(console: Console, journey: dict[str, Any], people: int) -> None:
    """Publishes it and lets people in; waits until each has come to rest."""
    path = f"/v1/journeys/{journey['id']}"
    console.stage.call("POST", f"{path}/publish", {"revision": journey["draft_revision"], "treatment": {"kind": "stay"}})
    ids = [console.stage.profile(f"C{number:03}") for number in range(1, people + 1)]
    console.stage.call("POST", f"{path}/entries", {"entries": [{"profile_id": one} for one in ids]})
    wait_for(lambda: sum(one["people"] for one in console.stage.call("GET", f"{path}/counts")["waiting"]) == people)


def _open(console: Console, journey: int, tab: str = "") -> None:
    console.open(f"/journeys/{journey}{f'?tab={tab}' if tab else ''}")
    console.page.locator(".react-flow__node").first.wait_for()


def test_a_template_to_start_from(console: Console) -> None:
    page = console.page
    console.open("/journeys?new=1")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("^Top-up reminder")).click()
    expect(dialog.get_by_label("Name")).to_have_value("Top-up reminder")
    console.is_accessible("[role=dialog]")
    dialog.get_by_role("button", name="Start from “Top-up reminder”").click()
    page.locator(".react-flow__node-step").first.wait_for()
    assert page.locator(".react-flow__node-step").count() > 3
    expect(page.get_by_test_id("findings")).to_be_visible()
    console.is_accessible()
    page.get_by_role("link", name="← Journeys").click()
    expect(page.get_by_role("link", name="Top-up reminder").first).to_be_visible()
    console.is_accessible()


def test_drawn_by_mouse(console: Console) -> None:
    page = console.page
    journey = _made(console, "Drawn by mouse")["id"]
    console.open(f"/journeys/{journey}")
    board = page.locator(".react-flow__pane")
    palette = page.get_by_role("navigation", name="Steps to add")
    palette.get_by_role("button", name="Wait", exact=True).drag_to(board, target_position={"x": 320, "y": 120})
    _step(console, "wait").wait_for()
    palette.get_by_role("button", name="Condition").drag_to(board, target_position={"x": 300, "y": 380})
    _step(console, "condition").wait_for()
    page.get_by_role("complementary", name="Settings of the step").get_by_role("button", name="Close").click()
    _step(console, "wait").locator(".react-flow__handle.source").drag_to(_step(console, "condition").locator(".react-flow__handle.target"))
    draft = _draft(console, journey)
    assert (draft["start"], draft["steps"][0]["next"]) == ("wait", {"next": "condition"})
    expect(page.get_by_test_id("findings")).to_contain_text("error")

    page.get_by_test_id("findings").click()
    page.get_by_role("list", name="What was found").get_by_text("Nothing lets people in").click()
    rules = page.get_by_role("dialog", name="Rules of the journey")
    rules.get_by_role("button", name="Add a way in").click()
    page.get_by_role("menuitem", name="Does something").click()
    rules.get_by_role("textbox", name="Event").or_(rules.get_by_role("combobox", name="Event")).first.fill("Top Up")
    console.is_accessible("[role=dialog]")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("findings")).to_contain_text("remark")
    assert _draft(console, journey)["entries"][0]["match"]["event"] == "Top Up"

    _step(console, "wait").click()
    panel = page.get_by_role("complementary", name="Settings of the step")
    panel.get_by_label("Title").fill("A quiet hour")
    panel.get_by_role("textbox", name="How long").fill("3")
    expect(_step(console, "wait")).to_contain_text("3 days")
    console.is_accessible()
    was = _draft(console, journey)["canvas"]["places"]["wait"]
    panel.get_by_role("button", name="Close").click()
    box = _step(console, "wait").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 120, steps=8)
    page.mouse.up()
    wait_for(lambda: _draft(console, journey)["canvas"]["places"]["wait"] != was)


def test_drawn_by_keyboard_alone(console: Console) -> None:
    page = console.page
    journey = _made(console, "Drawn by keyboard")["id"]
    _open(console, journey)
    entrance = page.locator('.react-flow__node[data-id="-start"]')
    page.get_by_text("Wait for an answer").first.wait_for()  # the kinds are there, the board has its place
    entrance.focus()
    for kind, key in (("Wait", "wait"), ("Random split", "split"), ("End", "end")):
        page.keyboard.press("a")
        page.get_by_role("dialog").get_by_role("textbox", name="Find a step").fill(kind)
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for(state="detached")
        expect(_step(console, key)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(_step(console, "split")).to_be_focused()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="b").focus()
    page.keyboard.type("End")
    page.get_by_role("option", name="End", exact=True).wait_for()
    active = page.locator("[role=option][data-combobox-selected]")
    while not active.count() or active.inner_text() != "End":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("option").first.wait_for(state="hidden")
    page.keyboard.press("Escape")
    expect(_step(console, "split")).to_be_focused()
    draft = _draft(console, journey)
    assert {step["key"]: step["next"] for step in draft["steps"]} == {"wait": {"next": "split"}, "split": {"a": "end", "b": "end"}, "end": {}}

    before = draft["canvas"]["places"]["split"]
    page.keyboard.press("Alt+ArrowDown")
    wait_for(lambda: _draft(console, journey)["canvas"]["places"]["split"] == [before[0], before[1] + 20])
    page.keyboard.press("Delete")
    wait_for(lambda: [step["key"] for step in _draft(console, journey)["steps"]] == ["wait", "end"])
    page.keyboard.press("Control+z")
    wait_for(lambda: len(_draft(console, journey)["steps"]) == 3)
    page.keyboard.press("Control+Shift+z")
    wait_for(lambda: len(_draft(console, journey)["steps"]) == 2)
    for _ in range(8):
        page.keyboard.press("Control+z")
    wait_for(lambda: _draft(console, journey)["steps"] == [])
    expect(console.button("Undo").first).to_be_disabled()
    for _ in range(8):
        page.keyboard.press("Control+Shift+z")
    wait_for(lambda: [step["key"] for step in _draft(console, journey)["steps"]] == ["wait", "end"])

    _step(console, "wait").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Settings of the step").get_by_label("Title")).to_be_visible()
    page.keyboard.press("Escape")
    expect(_step(console, "wait")).to_be_focused()
    assert "Wait" in (_step(console, "wait").get_attribute("aria-label") or "")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of the board")).to_be_visible()
    console.is_accessible("[role=dialog]")


def test_frames_comments_and_copies_in_another_journey(console: Console) -> None:
    page = console.page
    first, second = _made(console, "Copied from", LINE)["id"], _made(console, "Copied to", LINE)["id"]
    _open(console, first)
    _step(console, "wait").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.get_by_role("textbox", name="Comment").fill("Ask the shop first")
    drawn = wait_for(lambda: (found := _draft(console, first)["canvas"])["comments"] and found["comments"][0]["text"] == "Ask the shop first" and found)
    assert drawn["groups"][0]["steps"] == ["wait", "ask", "done"]
    console.is_accessible()
    _step(console, "wait").focus()
    page.keyboard.press("Control+a")
    console.button("Copy steps").click()
    console.go(f"/journeys/{second}")
    _step(console, "wait").wait_for()
    console.button("Paste steps").click()
    steps = wait_for(lambda: len(found := _draft(console, second)["steps"]) == 6 and found)
    assert {step["key"]: list(step["next"].values()) for step in steps[3:]} == {"wait_2": ["ask_2"], "ask_2": ["done_2", "done_2"], "done_2": []}


def test_somebody_else_changes_the_same_draft(console: Console) -> None:
    page = console.page
    made = _made(console, "Edited by two", LINE)
    _open(console, made["id"])
    _step(console, "ask").click()
    title = page.get_by_role("complementary", name="Settings of the step").get_by_label("Title")
    page.route("**/draft", lambda route: route.abort())
    title.fill("Mine")
    console.says("Not kept")
    theirs = LINE | {"holdout_percent": 10}
    console.stage.call("PUT", f"/v1/journeys/{made['id']}/draft", {"definition": theirs, "revision": made["draft_revision"]})
    page.unroute("**/draft")
    title.fill("Mine again")
    console.says("Somebody else has changed this draft")
    console.is_accessible()
    console.button("Keep mine").click()
    draft = _draft(console, made["id"])
    assert (draft["steps"][1]["title"], draft["holdout_percent"]) == ("Mine again", 0)


def test_published_and_watched(console: Console) -> None:
    page = console.page
    journey = _made(console, "Watched", LINE)
    _open(console, journey["id"])
    console.button("Launch").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("First of all")
    console.is_accessible("[role=dialog]")
    dialog.get_by_role("button", name="Launch").click()
    console.says("Version 1 is live")
    path = f"/v1/journeys/{journey['id']}"
    ids = [console.stage.profile(f"C{number:03}") for number in (1, 2, 3)]
    console.stage.call("POST", f"{path}/entries", {"entries": [{"profile_id": one} for one in ids]})
    page.get_by_role("tab", name="Live").click()
    console.button("3 people wait at Wait").click()
    people = page.get_by_role("dialog", name="People at: Wait")
    expect(people.get_by_role("row")).to_have_count(4)
    console.is_accessible("[role=dialog]")
    people.get_by_role("button", name="First1 Tester").click()
    person = page.get_by_role("dialog", name="First1 Tester")
    expect(person.get_by_text(re.compile("waits until")).first).to_be_visible()
    person.get_by_role("button", name="Take out").click()
    page.get_by_role("dialog", name="Take this person out of the journey?").get_by_role("button", name="Take out").click()
    console.says("taken out by hand")
    assert console.stage.call("GET", f"{path}/people/{ids[0]}")["passages"][0]["reason"] == "taken_out"
    page.keyboard.press("Escape")
    expect(console.button("2 people wait at Wait")).to_be_visible()
    console.is_accessible()
    console.button("Pause").click()
    console.says("Paused: nobody moves on")
    assert console.stage.call("GET", path)["state"] == "paused"
    page.get_by_role("main").get_by_role("button", name="Resume").click()
    wait_for(lambda: console.stage.call("GET", path)["state"] == "live")


def test_an_arrow_tells_who_went(console: Console) -> None:
    page = console.page
    branch = {"key": "plus", "kind": "condition", "settings": {"condition": PLUS}, "next": {"yes": "wait", "no": "done"}}
    journey = _made(console, "Parted", LINE | {"start": "plus", "steps": [branch, WAIT, ASK, DONE], "canvas": {}})
    path = f"/v1/journeys/{journey['id']}"
    console.stage.call("POST", f"{path}/publish", {"revision": 1, "treatment": {"kind": "stay"}})
    ids = [console.stage.profile(f"C{number:03}") for number in range(1, 7)]
    console.stage.call("POST", f"{path}/entries", {"entries": [{"profile_id": one} for one in ids]})
    _open(console, journey["id"], "live")
    console.button("2 went from Condition by yes to Wait").click()
    went = page.get_by_role("dialog", name="People who went by yes from Condition")
    expect(went.get_by_role("row")).to_have_count(3)
    page.keyboard.press("Escape")
    console.button("4 went from Condition by no to End").click()
    went = page.get_by_role("dialog", name="People who went by no from Condition")
    expect(went.get_by_role("row")).to_have_count(5)
    expect(went.get_by_text("no more inside").first).to_be_visible()


def test_an_edit_takes_the_people_along(console: Console) -> None:
    page = console.page
    journey = _made(console, "Edited", LINE)
    _live(console, journey, 4)
    _open(console, journey["id"])
    _step(console, "wait").focus()
    page.keyboard.press("Delete")
    _draft(console, journey["id"])
    console.button("Publish changes").click()
    dialog = page.get_by_role("dialog", name="Publish version 2")
    expect(dialog.get_by_test_id("diff")).to_contain_text("Wait removed")
    expect(dialog.locator("[data-change=removed]").first).to_be_visible()
    dialog.get_by_role("radio", name="They move to the new one").check()
    expect(dialog.get_by_role("combobox", name="Where people move from Wait")).to_have_value("Top-up?")
    expect(dialog.get_by_test_id("preview")).to_contain_text("4 move to the new version.")
    console.is_accessible("[role=dialog]")
    dialog.get_by_role("button", name="Publish changes").click()
    console.says("Version 2 is live")
    path = f"/v1/journeys/{journey['id']}"
    wait_for(lambda: [(one["version"], one["step"], one["people"]) for one in console.stage.call("GET", f"{path}/counts")["waiting"]] == [(2, "ask", 4)])
    page.get_by_role("tab", name="Versions").click()
    rows = page.get_by_role("table", name="Versions").get_by_role("row")
    expect(rows).to_have_count(3)
    console.is_accessible()
    console.button("Version 1").click()
    expect(page.get_by_role("dialog", name="Version 1").get_by_test_id("diff")).to_contain_text("Wait removed")
    page.keyboard.press("Escape")
    console.button("Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    console.says("Version 1 is live again")
    wait_for(lambda: {one["version"] for one in console.stage.call("GET", f"{path}/counts")["waiting"]} == {1})


def test_as_yaml(console: Console) -> None:
    page = console.page
    journey = _made(console, "In git", LINE)["id"]
    console.open(f"/journeys/{journey}?tab=yaml")
    text = page.get_by_role("textbox", name="YAML")
    expect(text).to_have_value(re.compile("start: wait"))
    console.is_accessible()
    was = text.input_value()
    text.fill("start: [nothing")
    console.button("Save over the draft").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    text.fill(was.replace("3600", "7200"))
    console.button("Save over the draft").click()
    console.says("The draft is what the YAML says")
    assert console.stage.call("GET", f"/v1/journeys/{journey}")["draft"]["steps"][0]["settings"] == {"seconds": 7200}
    with page.expect_download() as handed:
        console.button("Download").click()
    assert handed.value.suggested_filename == "in-git.yaml"
    page.get_by_role("tab", name="Draw").click()
    expect(_step(console, "wait")).to_contain_text("2 hours")
    console.open("/journeys")
    page.locator("input[type=file]").set_input_files({"name": "brought.yaml", "mimeType": "application/yaml", "buffer": was.encode()})
    _step(console, "ask").wait_for()


def test_rehearsed(console: Console) -> None:
    page = console.page
    event = {"kind": "event", "match": {"event": "Top Up"}}
    journey = _made(console, "Rehearsed", LINE | {"entries": [event], "goal": {"event": {"event": "Order Completed"}}})["id"]
    _open(console, journey)
    page.get_by_role("tab", name="Rehearsal").click()
    console.button("Rehearse").first.click()
    dialog = page.get_by_role("dialog", name="New rehearsal")
    dialog.get_by_role("textbox", name="Days").fill("7")
    console.is_accessible("[role=dialog]")
    dialog.get_by_role("button", name="Rehearse").click()
    report = page.get_by_test_id("rehearsal-report")
    report.wait_for(timeout=180_000)
    expect(report.get_by_role("heading", name="Messages per day")).to_be_visible()
    expect(report.get_by_role("button", name=re.compile("expected from Wait by next to Top-up"))).to_be_visible()
    console.is_accessible()
    console.button("Rehearsal").first.click()
    expect(page.get_by_role("table", name="Rehearsal").get_by_role("row")).to_have_count(2)


def test_in_three_languages_and_on_a_phone(console: Console) -> None:
    page = console.page
    journey = _made(console, "Told thrice", LINE)
    _live(console, journey, 2)
    words = {"ru": ("Путешествия", "Ждать события", "не дольше: 1 день"), "zh": ("旅程", "等待事件", "最多 1天"), "en": ("Journeys", "Wait for an event", "1 day at most")}
    try:
        for language, (title, kind, summary) in words.items():
            console.open("/journeys")
            page.evaluate("language => localStorage.setItem('antiphon.language', language)", language)
            console.reload()
            expect(page.get_by_role("heading", level=1)).to_have_text(title)
            console.is_accessible()
            _open(console, journey["id"])
            expect(page.get_by_role("button", name=kind).first).to_be_visible()
            expect(_step(console, "ask")).to_contain_text(summary)
            console.is_accessible()
            page.set_viewport_size({"width": 390, "height": 844})
            for tab in ("", "live", "versions", "rehearsal", "yaml"):
                console.open(f"/journeys/{journey['id']}{f'?tab={tab}' if tab else ''}")
                page.wait_for_timeout(300)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{language}: {tab or 'draw'} is wider than a phone"
                console.is_accessible()
            page.set_viewport_size({"width": 1440, "height": 900})
    finally:
        page.evaluate("localStorage.setItem('antiphon.language', 'en')")
    assert json.dumps(console.stage.call("GET", f"/v1/journeys/{journey['id']}")["draft"]["canvas"]["places"])
