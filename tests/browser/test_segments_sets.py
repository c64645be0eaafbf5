"""Sets of segments in the console: laid over each other, combined and kept; versions compared, published and taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for

SHOTS = os.environ.get("ANTIPHON_SHOTS")


def shot(console: Console, name: str) -> None:
    """A picture to look at, where a folder is given."""
    if SHOTS:
        console.page.wait_for_timeout(600)
        console.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def add(console: Console, name: str, tree: dict[str, Any]) -> int:
    """A segment whose members are worked out."""
    made = console.stage.call("POST", "/v1/segments", {"name": name, "tree": tree})
    wait_for(lambda: not console.stage.call("GET", f"/v1/segments/{made['id']}")["refreshing"])
    return int(made["id"])


def trait(name: str, op: str, value: object) -> dict[str, Any]:
    return {"kind": "trait", "trait": name, "op": op, "value": value}


def test_lay_over_combine_and_keep(console: Console) -> None:
    add(console, "Overlap plus", trait("plan", "is", "Plus"))
    add(console, "Overlap young", trait("age", "le", 26))
    add(console, "Overlap old", trait("age", "ge", 25))
    page = console.page
    console.open("/segments")
    page.get_by_role("link", name="Overlaps").click()
    console.says("Choose segments to compare")
    console.is_accessible()
    for name in ("Overlap plus", "Overlap young"):
        page.get_by_role("combobox", name="Segments").click()
        page.get_by_role("option", name=name).click()
    page.keyboard.press("Escape")
    parts = page.get_by_role("list", name="Customers in each part")
    expect(parts.get_by_role("listitem").first).to_contain_text("Only Overlap plus")
    expect(page.get_by_test_id("combination-count")).to_have_text("2")
    console.reload()
    expect(parts.get_by_role("listitem")).to_have_count(4)
    console.is_accessible()
    shot(console, "sets-two")
    page.get_by_text("Without", exact=True).click()
    expect(page.get_by_test_id("combination-count")).to_have_text("2")
    page.get_by_text("In any", exact=True).click()
    expect(page.get_by_test_id("combination-count")).to_have_text("8")
    page.get_by_label("Name of the new segment").fill("Plus or young")
    console.button("Make a segment").click()
    page.get_by_role("heading", name="Plus or young").wait_for()
    console.reload()
    page.get_by_role("tab", name="Members").click()
    expect(page.get_by_role("link", name="Tester")).to_have_count(8)
    console.open("/segments")
    page.get_by_role("link", name="Overlap young").click()
    page.get_by_role("region", name="Freshness and use").get_by_role("link", name="Plus or young").wait_for()
    console.is_accessible()


def test_three_as_circles_and_four_as_a_matrix(console: Console) -> None:
    ids = [add(console, f"Three {n}", trait("age", op, age)) for n, (op, age) in enumerate([("le", 27), ("ge", 25), ("le", 22)])]
    ids.append(add(console, "Three 3", trait("plan", "is", "Max")))
    console.open("/segments/sets?ids=" + "-".join(map(str, ids[:3])))
    parts = console.page.get_by_role("list", name="Customers in each part")
    expect(parts.get_by_role("listitem")).to_have_count(8)
    expect(parts.get_by_role("listitem").last).to_contain_text("12")
    shot(console, "sets-three")
    console.open("/segments/sets?ids=" + "-".join(map(str, ids)))
    matrix = console.page.get_by_role("table", name="Overlap of every pair")
    expect(matrix.get_by_role("row")).to_have_count(5)
    console.page.get_by_text("Customers in both", exact=True).click()
    expect(matrix.get_by_role("row").nth(1)).to_contain_text("3")
    console.is_accessible()
    shot(console, "sets-four")


def test_publish_what_was_compared_and_take_it_back(console: Console) -> None:
    segment = add(console, "Compared", {"kind": "and", "of": [trait("plan", "is", "Lite")]})
    page = console.page
    console.open(f"/segments/{segment}")
    count = page.get_by_test_id("segment-count")
    expect(count).to_have_text("4")
    console.ask("Something known about them")
    page.get_by_role("combobox", name="Trait", exact=True).last.click()
    page.get_by_role("option", name="age", exact=True).click()
    page.get_by_role("combobox", name="Comparison").last.click()
    page.get_by_role("option", name="is at most").click()
    page.get_by_role("textbox", name="Value of age").fill("26")
    expect(count).to_have_text("2")
    page.get_by_role("button", name="Why? ").first.click()
    console.says("Would belong with these conditions")
    page.keyboard.press("Escape")
    console.button("Publish").click()
    expect(page.get_by_test_id("diff-entering")).to_have_text("0")
    expect(page.get_by_test_id("diff-leaving")).to_have_text("2")
    expect(page.get_by_test_id("diff-staying")).to_have_text("2")
    console.says("New condition")
    console.is_accessible()
    shot(console, "sets-diff")
    console.button("Publish version 2").click()
    console.says("Segment published")
    console.reload()
    page.get_by_role("tab", name="Versions").click()
    console.button("Compare version 1 with the one in force").click()
    expect(page.get_by_test_id("diff-entering")).to_have_text("2")
    shot(console, "sets-versions")
    console.button("Publish version 1 again").click()
    console.says("Published as version 3")
    console.reload()
    console.says("Version 3")
    console.is_accessible()
    page.get_by_role("tab", name="Growth").click()
    page.get_by_role("figure").wait_for()
    page.get_by_text("Minutes", exact=True).click()
    page.wait_for_url("**step=minute**")
    console.is_accessible()
    shot(console, "sets-growth")
