"""What a campaign brought: conversions, what was known after an hour, and opens told apart from machines' loading."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console, wait_for

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
MACHINE = "Barracuda Sentinel (EE)"
BODY = '<p>Hello {{ firstName }}</p><a href="https://example.com/max">Max</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
GOAL = {"event": "Plan Bought", "value": "price", "within_seconds": 86_400}


@pytest.fixture
def template(console: Console) -> int:
    """A published template."""
    name = f"Max {console.page.evaluate('performance.now()')}"
    body = {"name": name, "channel": "email", "format": "html", "subject": "The plan Max", "body": BODY}
    made = console.stage.call("POST", "/v1/templates", body)["template"]["id"]
    console.stage.call("POST", f"/v1/templates/{made}/publish")
    return int(made)


def _ended(console: Console, body: dict[str, Any]) -> str:
    """A campaign that has been sent: its path in the API."""
    made = console.stage.call("POST", "/v1/campaigns", {"topic": "offers", **body})
    path = f"/v1/campaigns/{made['id']}"
    console.stage.call("POST", f"{path}/start")
    wait_for(lambda: console.stage.call("GET", path)["state"] == "finished")
    return path


def _ask(console: Console, who: str, kind: str, agent: str) -> None:
    """Loads the picture (o) or follows the first counted link (c) of somebody's letter."""
    address = re.search(rf'https?://[^"]+(/{kind}/[^"]+)', unescape(console.stage.letter(f"{who.lower()}@example.org")))
    assert address is not None
    assert httpx.get(console.stage.base + address[1], headers={"user-agent": agent}).status_code < 400


def test_conversions_and_what_was_known_when(console: Console, topped_up: dict[str, Any], template: int) -> None:
    page = console.page
    path = _ended(console, {"name": "Max for everybody", "segment_id": topped_up["id"], "template_id": template, "goal": GOAL})
    reached = console.stage.call("GET", f"{path}/report")["sent"]
    _ask(console, "C005", "c", PERSON)
    for who, price in (("C005", 30), ("C006", 12)):
        console.stage.track({"type": "track", "userId": who, "event": "Plan Bought", "properties": {"price": price}})
    wait_for(lambda: {one["how"] for one in console.stage.call("GET", f"{path}/conversions")["by_how"]} == {"click", "message"})
    console.open(path.removeprefix("/v1"))
    panel = page.get_by_role("main")
    expect(panel.get_by_text("by 2 people")).to_be_visible()
    expect(panel.get_by_text("42", exact=True)).to_be_visible()
    panel.get_by_role("button", name="after a click").click()
    people = panel.get_by_role("table", name="after a click")
    expect(people.get_by_role("row")).to_have_count(2)
    expect(people.get_by_role("link", name="First5 Tester")).to_be_visible()
    console.is_accessible()

    expect(page.get_by_role("table", name="What was known when")).to_have_count(0)
    number = path.rsplit("/", 1)[1]
    console.stage.later(f"update delivery set sent_at = sent_at - interval '2 hours' where campaign_id = {number}")
    console.stage.later(f"update campaign set started_at = started_at - interval '2 hours' where id = {number}")
    console.stage.later("select pg_notify('antiphon_wake', 'campaigns.snapshots')")
    known = page.get_by_role("table", name="What was known when")
    expect(known.get_by_role("row", name=re.compile("^Sent")).get_by_role("cell")).to_have_text([str(reached), "—", "—"], timeout=60_000)
    expect(known.get_by_role("columnheader")).to_have_text(["Step", "after 1 hour", "after 24 hours", "after 48 hours"])
    console.is_accessible()


def test_an_open_of_a_machine_is_none_until_somebody_says_so(console: Console, topped_up: dict[str, Any], template: int) -> None:
    page = console.page
    path = _ended(console, {"name": "Opened by whom", "segment_id": topped_up["id"], "template_id": template})
    _ask(console, "C007", "o", MACHINE)
    found = console.stage.call("GET", f"/v1/deliveries?campaign_id={path.rsplit('/', 1)[1]}&profile_id={console.stage.profile('C007')}")["items"]
    wait_for(lambda: console.stage.call("GET", f"/v1/engagement?delivery_id={found[0]['id']}")["items"])
    assert console.stage.call("GET", f"{path}/report")["opened"] == 0
    console.open(f"/deliveries?open={found[0]['id']}")
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("a machine", exact=True).wait_for()
    drawer.get_by_text("a machine", exact=True).hover()
    console.says("A product that opens links to check them, by its own name")
    console.is_accessible("[role=dialog]")
    drawer.get_by_role("button", name="It was a person").click()
    console.says("Noted; reports are corrected")
    expect(drawer.get_by_text("a person", exact=True)).to_be_visible()
    expect(drawer.get_by_text("decided by hand")).to_be_visible()
    wait_for(lambda: console.stage.call("GET", f"{path}/report")["opened"] == 1)
    drawer.get_by_role("button", name="It was a machine").click()
    wait_for(lambda: console.stage.call("GET", f"{path}/report")["opened"] == 0)
