"""The builder of segments: every kind of condition by mouse and keyboard, read again after publishing; errors where they belong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console, Stage, wait_for

SHOTS = os.environ.get("ANTIPHON_SHOTS")


@pytest.fixture(scope="module", autouse=True)
def lives(stage: Stage) -> Iterator[None]:
    """Birthdays, places, interests, and what some of them did."""
    calls: list[dict[str, object]] = []
    for number in range(1, 13):
        who = f"C{number:03}"
        near = {"latitude": 40.4 + number / 100, "longitude": -3.7, "interests": ["music", "sport", "art"][: number % 4]}
        calls.append({"type": "identify", "userId": who, "traits": {"birthday": f"{1980 + 2 * number}-06-15", **near}})
        calls.append({"type": "track", "userId": who, "event": "Product Viewed", "properties": {"price": 10 * number}})
    stage.track(*calls)
    tree = {"kind": "length", "trait": "interests", "op": "ge", "value": 1}
    wait_for(stage.intake_done)
    wait_for(lambda: stage.api.post("/v1/segments/preview", json={"tree": tree, "sample": 0}).json().get("count", 0) >= 8)
    yield


def shot(console: Console, name: str) -> None:
    """A picture to look at, where a folder is given."""
    if SHOTS:
        console.page.wait_for_timeout(400)
        console.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_many_kinds_are_built_published_and_read_again(console: Console) -> None:
    page = console.page
    console.open("/segments/new")
    page.get_by_role("textbox", name="Name").fill("Of many kinds")
    console.ask("Age")
    console.choose("Comparison", "at least")
    page.get_by_role("textbox", name="Years").fill("18")
    # By keyboard alone: the menu, a word of what is sought, the first answer.
    console.button("Add a condition").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("radius")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Place: latitude, longitude").fill("40.45, -3.7")
    page.get_by_role("textbox", name="Distance").fill("20")
    console.ask("How many things in a list")
    console.ask("One thing after another")
    page.get_by_role("combobox", name="Event of step 1").fill("Product Viewed")
    page.get_by_role("combobox", name="Event of step 2").fill("Order Completed")
    page.keyboard.press("Escape")
    console.choose("What followed", "then not")
    console.choose("How long after", "ever since")
    console.ask("Consent")
    console.choose("Topic", "offers")
    console.ask("Opened, clicked, answered")
    console.choose("What they did with it", "marked a message as spam")
    page.get_by_role("combobox", name="Comparison").last.click()
    page.get_by_role("option", name="did not happen").click()
    console.ask("Last time they did something")
    page.get_by_role("combobox", name="Event", exact=True).fill("Top Up")
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Time window").last.click()
    page.get_by_role("option", name="by the calendar").click()
    page.get_by_role("combobox", name="Calendar period").click()
    page.get_by_role("option", name="this year").click()
    words = page.get_by_role("note", name="The definition in words")
    expect(words).to_contain_text("did Top Up for the last time this year")
    assert page.locator("[data-refused]").count() == 0, page.locator("[data-refused]").first.inner_text()
    count = page.get_by_test_id("segment-count")
    said = (
        "age by birthday at least 18 years and within 20 km of 40.45, -3.7 and number of interests at least 1 and Product Viewed, "
        "then not Order Completed, in the last 30 days and agreed to offers by E-mail and marked no message as spam by E-mail in the last 30 days"
    )
    expect(words).to_contain_text(said)
    expected = str(_interested(console.stage))
    expect(count).to_have_text(expected)
    console.is_accessible()
    shot(console, "builder-en")
    console.button("Publish").click()
    page.wait_for_url("**/segments/*")
    page.get_by_role("heading", name="Of many kinds").wait_for()
    console.reload()
    expect(words).to_contain_text(said)
    expect(words).to_contain_text("did Top Up for the last time this year")
    expect(page.get_by_role("combobox", name="Event of step 2")).to_have_value("Order Completed")
    expect(page.get_by_role("textbox", name="Place: latitude, longitude")).to_have_value("40.45, -3.7")
    expect(count).to_have_text(expected)


def _interested(stage: Stage) -> int:
    """How many have interests and agreed to offers: all of them are grown-up, near, and have ordered nothing."""
    parts = [
        {"kind": "length", "trait": "interests", "op": "ge", "value": 1},
        {"kind": "consent", "channel": "email", "topic": "offers"},
    ]
    return int(stage.call("POST", "/v1/segments/preview", {"tree": {"kind": "and", "of": parts}, "sample": 0})["count"])


def test_an_example_fills_the_builder_and_undo_empties_it(console: Console) -> None:
    page = console.page
    console.open("/segments/new")
    page.get_by_role("button", name="Birthday next week").click()
    expect(page.get_by_role("combobox", name="Date", exact=True)).to_have_value("birthday")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Birthday next week")
    expect(page.get_by_test_id("segment-count")).to_have_text(str(_birthdays(console.stage)))
    page.get_by_role("textbox", name="Days").fill("30")
    expect(page.get_by_role("note")).to_contain_text("in the next 30 days")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("note")).to_contain_text("in the next 7 days")
    console.button("Undo the last change").click()
    page.get_by_role("button", name="Birthday next week").wait_for()
    console.button("Redo what was undone").click()
    expect(page.get_by_role("note")).to_contain_text("anniversary of birthday")
    console.button("Repeat this condition").click()
    expect(page.get_by_role("combobox", name="Date", exact=True)).to_have_count(2)
    console.button("Remove this condition").last.click()
    expect(page.get_by_role("combobox", name="Date", exact=True)).to_have_count(1)


def _birthdays(stage: Stage) -> int:
    tree = {"kind": "anniversary", "trait": "birthday", "begin": 0, "end": 7}
    return int(stage.call("POST", "/v1/segments/preview", {"tree": tree, "sample": 0})["count"])


def test_what_the_server_refuses_is_said_at_the_condition(console: Console) -> None:
    page = console.page
    console.open("/segments/new")
    console.ask("Age")
    console.ask("Did something, or did not")
    page.get_by_role("combobox", name="Event", exact=True).fill("Top Up")
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Time window").click()
    page.get_by_role("option", name="between, ago").click()
    page.get_by_role("textbox", name="Beginning of the window").fill("10")
    refused = page.locator("[data-refused]")
    expect(refused).to_have_attribute("data-path", "tree.of[1]")
    expect(refused.get_by_role("alert")).to_contain_text("must be longer ago than the window's end")
    expect(page.get_by_role("textbox", name="Beginning of the window")).to_have_attribute("aria-invalid", "true")
    console.says("A condition needs another look")
    console.is_accessible()
    page.get_by_role("textbox", name="Beginning of the window").fill("90")
    expect(refused).to_have_count(0)


@pytest.mark.parametrize("language", ["ru", "zh"])
def test_the_builder_speaks(console: Console, language: str) -> None:
    console.page.add_init_script(f"localStorage.setItem('antiphon.language', '{language}');")
    parts = [
        {"kind": "age", "trait": "birthday", "op": "lt", "value": 25},
        {
            "kind": "near",
            "metres": 5000,
            "place": {"latitude": 40.4, "longitude": -3.7},
            "latitude": "latitude",
            "longitude": "longitude",
        },
        {"kind": "sequence", "steps": [{"name": "Product Viewed"}, {"name": "Top Up", "at_most": {"amount": 2, "unit": "days"}}]},
        {"kind": "engagement", "channel": "email", "did": "clicked", "window": {"kind": "calendar", "period": "month"}},
        {"kind": "not", "of": {"kind": "consent", "channel": "email", "topic": "offers"}},
        {"kind": "or", "of": [{"kind": "share", "salt": "spring", "end": 10}, {"kind": "profiles", "ids": [1]}]},
    ]
    made = console.stage.call("POST", "/v1/segments", {"name": f"Spoken {language}", "tree": {"kind": "and", "of": parts}})
    console.open(f"/segments/{made['id']}")
    console.page.locator("[data-builder]").wait_for()
    console.page.get_by_test_id("segment-count").wait_for()
    console.is_accessible()
    shot(console, f"builder-{language}")
    console.open("/segments/new")
    console.page.locator("[data-add]").click()
    console.page.get_by_role("option").first.wait_for()
    console.is_accessible(within="[data-menu]")
