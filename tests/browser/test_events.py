"""Events: the stream as it comes in, what was refused, and sources with their keys."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect
from tests.browser.stage import Console


def test_the_stream_is_live(console: Console) -> None:
    page = console.page
    console.open("/events")
    page.get_by_role("button", name="Top Up").first.wait_for()
    console.stage.track({"type": "track", "userId": "C002", "event": "Plan Changed", "properties": {"to": "Max"}})
    page.get_by_role("button", name="Plan Changed").click()
    expect(page.get_by_role("dialog").get_by_text('"to": "Max"')).to_be_visible()
    console.is_accessible()
    page.keyboard.press("Escape")
    console.button("Hold still").click()
    console.stage.track({"type": "track", "userId": "C002", "event": "Plan Changed Again"})
    page.wait_for_timeout(2500)
    assert page.get_by_role("button", name="Plan Changed Again").count() == 0
    console.button("Go on").click()
    page.get_by_role("button", name="Plan Changed Again").wait_for()
    console.reload()
    page.get_by_role("button", name="Plan Changed Again").wait_for()


def test_a_source_and_its_key_shown_once(console: Console) -> None:
    page = console.page
    console.open("/events?tab=sources")
    console.button("New source").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Web shop")
    console.button("Create").click()
    key = page.get_by_test_id("secret").inner_text()
    answer = httpx.post(f"{console.stage.base}/v1/track", json={"userId": "C001", "event": "From The Shop"}, auth=(key, ""))
    assert answer.status_code == 200
    console.is_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    console.reload()
    page.get_by_role("cell", name="Web shop").wait_for()
    assert key not in page.content()


def test_rejects_are_kept(console: Console) -> None:
    console.open("/events?tab=rejects")
    console.says("Everything was understood")
