"""Every page in every language and in the dark: it opens, holds no raw key, and is accessible."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console

PAGES = (
    "/", "/customers", "/customers/{customer}", "/segments", "/segments/new", "/segments/sets", "/events", "/events?tab=rejects", "/events?tab=sources",
    "/imports", "/imports/new", "/campaigns", "/campaigns/new", "/templates", "/templates/new", "/deliveries", "/channels", "/channels/{account}", "/channels?tab=routing", "/channels?tab=refused",
    "/rules", "/rules?tab=hours", "/rules?tab=suitability", "/rules?tab=holdout", "/rules?tab=approval", "/rules?tab=classes", "/budgets",
    "/experiments", "/experiments/new", "/experiments/plan", "/experiments/layers",
    "/settings/account", "/settings/people", "/settings/keys", "/settings/consent", "/settings/installation", "/audit",
)  # fmt: skip
KEY = re.compile(
    r"\b(?:common|shell|nav|floor|problem|state|access|account|audit|campaigns|channels|consent|content|delivery|events|imports|keys"
    r"|overview|experiments|people|profiles|rules|budgets|setting|cost|channel|reason|segments|sets|settings)\.[a-z_]+\b"
)
TITLES = {"en": "Overview", "ru": "Обзор", "zh": "总览"}


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("en", "dark"), ("ru", "light"), ("zh", "light")])
def test_every_page_speaks(console: Console, language: str, scheme: str) -> None:
    console.page.add_init_script(f"""
        try {{ localStorage.setItem('antiphon.language', '{language}'); localStorage.setItem('antiphon.scheme', '{scheme}'); }} catch {{}}
    """)
    names = {"customer": console.stage.profile("C001"), "account": console.stage.call("GET", "/v1/channels")[0]["id"]}
    barriers: list[str] = []
    console.open("/audit")
    for path in PAGES:
        console.go(path.format(**names))
        if path == "/":
            expect(console.page.locator("h1")).to_have_text(TITLES[language])
        text = console.page.locator("body").inner_text()
        raw = [found for found in KEY.findall(text) if path not in ("/audit", "/settings/keys")]
        assert raw == [], path
        if language == "en":
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
