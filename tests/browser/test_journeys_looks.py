"""What one sees of a journey: all of its board, why some were not let in, and, for those who only read, forms that cannot be changed."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect
from tests.browser.stage import Console, Stage, wait_for
from tests.browser.test_journeys import DONE, LINE, WAIT, _live, _made, _open, _step
from tests.browser.test_roles import _console


def test_a_wide_board_opens_whole(console: Console) -> None:
    steps: list[dict[str, Any]] = [WAIT | {"key": f"wait_{at}", "next": {"next": f"wait_{at + 1}"}} for at in range(9)]
    steps[-1]["next"] = {"next": "done"}
    journey = _made(console, "A wide one", {"start": "wait_0", "steps": [*steps, DONE], "entries": [{"kind": "api"}]})["id"]
    _open(console, journey)
    board = console.page.locator(".react-flow").bounding_box()
    assert board is not None

    def seen(key: str) -> bool:
        box = _step(console, key).bounding_box()
        return box is not None and board["x"] <= box["x"] and box["x"] + box["width"] <= board["x"] + board["width"]

    wait_for(lambda: seen("wait_0") and seen("done"))


def test_why_some_were_not_let_in(console: Console) -> None:
    journey = _made(console, "Once only", LINE | {"again": {"rule": "once"}})
    _live(console, journey, 2)
    entries = {"entries": [{"profile_id": console.stage.profile(f"C{number:03}")} for number in (1, 2)]}
    console.stage.call("POST", f"/v1/journeys/{journey['id']}/entries", entries)
    _open(console, journey["id"], "live")
    console.says(re.compile("2 not let in: came in before 2"))


def test_an_analyst_reads_and_changes_nothing(console: Console, stage: Stage, browser: Any) -> None:
    journey = _made(console, "Read only", LINE)["id"]
    with _console(stage, browser, "analyst") as (page, _):
        page.goto(f"{stage.base}/journeys/{journey}")
        page.locator('.react-flow__node[data-id="ask"]').click()
        panel = page.get_by_role("complementary", name="Settings of the step")
        expect(panel.get_by_label("Title")).to_be_disabled()
        expect(panel.get_by_role("button", name="Remove")).to_have_count(0)
        panel.get_by_role("button", name="Close").click()
        expect(panel).to_have_count(0)
        page.get_by_role("button", name="Rules of the journey").click()
        rules = page.get_by_role("dialog", name="Rules of the journey")
        expect(rules.get_by_role("button", name="Add a way in")).to_be_disabled()
        page.goto(f"{stage.base}/experiments/new")
        expect(page.get_by_text("Your role does not open this page")).to_be_visible()
