"""Experiments in the console: made step by step, started, stopped and undone, finished; layers; the planner; results that are read."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.stage import PEOPLE, Console, wait_for

METRIC = {"kind": "conversion", "name": "Bought", "event": "Ordered", "within_hours": 1, "role": "primary"}


def test_an_experiment_is_made_step_by_step_and_run(console: Console) -> None:
    page = console.page
    console.open("/experiments")
    console.is_accessible()
    page.get_by_role("link", name="New experiment").first.click()
    page.get_by_label(re.compile("^Name")).fill("Greeting by name")
    expect(page.get_by_label(re.compile("^Key"))).to_have_value("greeting-by-name")
    page.get_by_label("What it is called").nth(1).fill("With the name")
    page.get_by_role("button", name="Add an arm").click()
    page.get_by_label("Arm's key").nth(2).fill("emoji")
    expect(page.get_by_text("33.3%").first).to_be_visible()
    console.is_accessible()
    console.button("Next").click()
    page.get_by_label("Share that takes part").fill("50")
    console.choose("Balanced within", "the values of a trait")
    console.choose("Trait", "plan")
    console.is_accessible()
    console.button("Next").click()
    page.get_by_role("group", name="Measure", exact=True).get_by_label(re.compile("^Name")).fill("Top-ups")
    page.get_by_role("combobox", name="Event", exact=True).fill("Top Up")
    page.keyboard.press("Tab")
    console.choose("What is measured", "sum of a property, a head")
    page.get_by_role("combobox", name="Property", exact=True).fill("amount")
    page.keyboard.press("Tab")
    console.is_accessible()
    console.button("Next").click()
    page.get_by_label("Difference to see").fill("2")
    console.says("An arm, for every look")
    console.is_accessible()
    console.button("Create the draft").click()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    expect(page.get_by_role("heading", name="Greeting by name")).to_be_visible()
    console.button("Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    console.says("Nobody is in it yet")
    console.says("greeting-by-name")
    expect(page.get_by_text("4 strata").or_(page.get_by_text("strata")).first).to_be_visible()
    console.is_accessible()
    console.button("Stop").click()
    toast = page.get_by_role("alert").filter(has_text="Stopped: nobody new comes in")
    toast.get_by_role("button", name="Undo").click()  # and it goes on
    expect(console.button("Stop")).to_be_visible()
    console.button("Edit").click()
    expect(page.get_by_label("Arm's key").first).to_be_disabled()
    page.get_by_label(re.compile("^Name")).fill("Greeting people by name")
    for _ in range(3):
        console.button("Next").click()
    console.button("Save").click()
    expect(page.get_by_role("heading", name="Greeting people by name")).to_be_visible()
    console.button("Finish").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("With the name").check()
    console.is_accessible("[role=dialog]")
    dialog.get_by_role("button", name="Finish").click()
    console.says(re.compile("With the name.*won"))
    console.open("/experiments")
    page.get_by_placeholder("Search").fill("people by")
    row = page.get_by_role("row", name=re.compile("Greeting people by name"))
    expect(row).to_contain_text("Finished")


def test_layers_share_nobody(console: Console) -> None:
    page = console.page
    console.open("/experiments/layers")
    page.get_by_role("button", name="New layer").first.click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Start page")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    layer = page.get_by_role("region", name="Start page")
    expect(layer).to_contain_text("100% free")
    body = {"key": "layered", "name": "A layered one", "arms": [{"key": "a"}, {"key": "b"}], "layer": "start-page", "percent": 30}
    made = console.stage.call("POST", "/v1/experiments", body)
    console.stage.call("POST", f"/v1/experiments/{made['id']}/start")
    console.reload()
    expect(layer).to_contain_text("70% free")
    expect(layer).to_contain_text("has 30%")
    console.is_accessible()
    console.stage.call("POST", f"/v1/experiments/{made['id']}/finish", {})


def test_the_planner_answers_while_one_types(console: Console) -> None:
    page = console.page
    console.open("/experiments/plan")
    page.get_by_label("It is now").fill("50")
    page.get_by_label("Difference to see").fill("25")
    console.choose("Seen with chance", "90%")
    expect(page.get_by_text("77", exact=True)).to_be_visible()
    page.get_by_label("Difference to see").fill("60")
    expect(page.get_by_role("alert")).to_contain_text("between 0 and 1")
    page.get_by_text("a mean", exact=True).click()
    expect(page.get_by_label("Standard deviation")).to_be_visible()
    console.is_accessible()


@pytest.fixture
def adopted(console: Console) -> int:
    """An experiment made elsewhere: three plans as arms; those on Plus all bought, two of the others."""
    stage, now = console.stage, datetime.now(UTC)
    bought = [n for n in range(1, PEOPLE + 1) if n % 3 == 1 or n in (3, 5)]
    at = (now - timedelta(minutes=90)).isoformat()
    stage.track(*({"type": "track", "userId": f"C{n:03}", "event": "Ordered", "timestamp": at} for n in bought))
    wait_for(stage.intake_done)
    body = {
        "key": f"plans-{time.time_ns()}", "name": "Three plans", "trait": "plan", "metrics": [METRIC],
        "arms": [{"key": "lite", "value": "Lite"}, {"key": "plus", "title": "Plus for all", "value": "Plus"}, {"key": "max", "value": "Max"}],
        "started_at": (now - timedelta(hours=2)).isoformat(), "finished_at": (now - timedelta(minutes=5)).isoformat(),
    }  # fmt: skip
    return int(stage.call("POST", "/v1/experiments/adopted", body)["id"])


def test_results_are_read_and_taken_apart(console: Console, adopted: int) -> None:
    page = console.page
    console.open(f"/experiments/{adopted}")
    people = page.get_by_role("region", name="People").first
    expect(people.get_by_role("row", name=re.compile("^Plus for all 4 "))).to_be_visible()
    console.says("was imported")
    bought = page.get_by_role("region", name="Bought").first
    expect(bought.get_by_role("row", name=re.compile("^Lite.*compared with"))).to_contain_text("25%")
    expect(bought.get_by_role("row", name=re.compile("^Plus for all 4 100%"))).to_contain_text("+75 pp (+300%)")
    chart = bought.get_by_role("img", name="Differences in “Bought” with their intervals")
    expect(chart).to_be_visible()
    expect(bought.get_by_role("table", name="Differences in")).to_have_count(1)
    console.is_accessible()
    console.choose("By a trait", "plan")
    page.wait_for_url(re.compile("trait=plan"))
    console.says("There is nothing to compare yet")  # of each plan there is but one arm
    console.is_accessible()


def test_how_it_went_is_drawn(console: Console) -> None:
    """Some came each day; each look is a point of the line, and a row for those who do not see."""
    page, stage = console.page, console.stage
    body = {"key": f"went-{time.time_ns()}", "name": "Day by day", "arms": [{"key": "a"}, {"key": "b", "title": "Louder"}], "metrics": [METRIC]}
    one = stage.call("POST", "/v1/experiments", body)["id"]
    stage.call("POST", f"/v1/experiments/{one}/start")
    stage.later(
        "insert into experiment_exposure (experiment_id, profile_id, arm, exposed_at) "
        f"select {one}, id, id % 2, now() - interval '5 days' + (id % 4) * interval '1 day' from profile where merged_into is null"
    )
    console.open(f"/experiments/{one}")
    bought = page.get_by_role("region", name="Bought").first
    expect(bought.get_by_text("How it went", exact=True)).to_be_visible()
    drawn = bought.get_by_role("table", name="How “Bought” went")
    expect(drawn.get_by_role("row")).not_to_have_count(1)
    assert len(stage.call("GET", f"/v1/experiments/{one}/course")["metrics"][0]["points"]) >= 3
    console.is_accessible()
    stage.call("POST", f"/v1/experiments/{one}/finish", {})


def test_what_marketing_does_is_watched(console: Console) -> None:
    page, stage = console.page, console.stage
    stage.call("PUT", "/v1/holdouts/universal", {"percent": 50})
    try:
        console.open("/experiments")
        console.button("Watch the holdout").click()
        drawer = page.get_by_role("dialog")
        drawer.get_by_role("group", name="Measure", exact=True).get_by_label(re.compile("^Name")).fill("Orders")
        drawer.get_by_role("combobox", name="Event", exact=True).fill("Ordered")
        page.keyboard.press("Tab")
        drawer.get_by_role("button", name="Create").click()
        page.wait_for_url(re.compile(r"/experiments/\d+$"))
        people = page.get_by_role("region", name="People").first
        expect(people).to_contain_text("held out")
        console.is_accessible()
    finally:
        stage.call("DELETE", "/v1/holdouts/universal")
