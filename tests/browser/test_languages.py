"""Every page in every language, one of them in the dark: it opens, holds no raw key, and is accessible."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console
from tests.browser.test_journeys import LINE

PAGES = (
    "/", "/customers", "/customers/{customer}", "/customers/merges", "/customers/merges?state=accepted", "/segments", "/segments/new", "/segments/sets", "/segments/{segment}",
    "/segments/{segment}?tab=members", "/segments/{segment}?tab=growth", "/segments/{segment}?tab=versions", "/traits", "/traits?tab=computed", "/events", "/events?tab=rejects", "/events?tab=sources",
    "/imports", "/imports/new", "/campaigns", "/campaigns/new", "/templates", "/templates/new", "/journeys", "/journeys/{journey}", "/journeys/{journey}?tab=live", "/journeys/{journey}?tab=versions", "/journeys/{journey}?tab=rehearsal", "/journeys/{journey}?tab=yaml",
    "/deliveries", "/deliveries/verifications", "/channels", "/channels/{account}", "/channels?tab=routing", "/channels?tab=refused",
    "/rules", "/rules?tab=hours", "/rules?tab=suitability", "/rules?tab=paths", "/rules?tab=holdout", "/rules?tab=approval", "/rules?tab=classes", "/budgets",
    "/experiments", "/experiments/new", "/experiments/plan", "/experiments/layers", "/experiments/{experiment}",
    "/settings/account", "/settings/people", "/settings/keys", "/settings/consent", "/settings/installation", "/audit",
)  # fmt: skip
KEY = re.compile(
    r"\b(?:common|shell|nav|floor|problem|state|access|account|audit|build|campaigns|channels|condition|consent|content|delivery|events|finding|imports|job|journeys"
    r"|journey_fact|journey_finding|keys|overview|experiments|people|profiles|rehearsal|rules|budgets|setting|cost|channel|reason|role|segments|sets"
    r"|settings|steps|traits|why)\.[a-z_]+\b"
)
TITLES = {"en": "Overview", "ru": "Обзор", "zh": "总览"}


def _one(console: Console, room: str, body: dict[str, Any]) -> int:
    """The id of what has this name in a room, made if nobody has made it."""
    found = console.stage.call("GET", f"/v1/{room}?limit=200")["items"]
    known = [one["id"] for one in found if (one.get("key") or one.get("name")) == (body.get("key") or body["name"])]
    return int(known[0] if known else console.stage.call("POST", f"/v1/{room}", body)["id"])


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ru", "dark"), ("zh", "light")])
def test_every_page_speaks(console: Console, topped_up: dict[str, Any], language: str, scheme: str) -> None:
    console.page.add_init_script(f"""
        try {{ localStorage.setItem('antiphon.language', '{language}'); localStorage.setItem('antiphon.scheme', '{scheme}'); }} catch {{}}
    """)
    names = {
        "customer": console.stage.profile("C001"),
        "account": console.stage.call("GET", "/v1/channels")[0]["id"],
        "segment": topped_up["id"],
        "journey": _one(console, "journeys", {"name": "Read aloud", "definition": LINE}),
        "experiment": _one(console, "experiments", {"key": "read-aloud", "name": "Read aloud", "arms": [{"key": "a"}, {"key": "b"}]}),
    }
    barriers: list[str] = []
    console.open("/audit")
    for path in PAGES:
        console.go(path.format(**names))
        if path == "/":
            expect(console.page.locator("h1")).to_have_text(TITLES[language])
        text = console.page.locator("body").inner_text()
        raw = [found for found in KEY.findall(text) if path not in ("/audit", "/settings/keys")]
        assert raw == [], path
        if (language, scheme) in (("en", "light"), ("ru", "dark")):
            barriers += console.barriers()
    assert not barriers, "\n".join(barriers)


def test_language_and_scheme_are_kept(console: Console) -> None:
    console.open("/")
    console.button("Language").click()
    console.page.get_by_role("menuitem", name="Русский").click()
    console.page.get_by_role("heading", name="Обзор").wait_for()
    console.button("Светлая или тёмная тема").click()
    console.page.get_by_role("menuitem", name="Тёмная", exact=True).click()
    console.reload()
    expect(console.page.locator("h1")).to_have_text("Обзор")
    assert console.page.locator("html").get_attribute("lang") == "ru"
    assert console.page.locator("html").get_attribute("data-mantine-color-scheme") == "dark"
