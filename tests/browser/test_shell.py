"""Getting about: by keyboard, by palette, past the navigation."""

from __future__ import annotations

import re

from tests.browser.stage import Console


def test_palette_finds_rooms_and_customers(console: Console) -> None:
    console.open("/")
    console.page.keyboard.press("Control+k")
    console.page.get_by_placeholder("Find or do anything…").fill("templ")
    console.page.get_by_role("dialog").get_by_text("Overview").wait_for(state="detached")
    console.page.keyboard.press("Enter")
    console.page.get_by_role("heading", name="Templates", level=1).wait_for()
    console.page.keyboard.press("Control+k")
    console.page.get_by_placeholder("Find or do anything…").fill("C004")
    console.is_accessible()
    console.page.get_by_text("Look for customers").click()
    console.page.get_by_role("link", name="First4 Tester").wait_for()


def test_shortcuts(console: Console) -> None:
    console.open("/")
    console.page.keyboard.press("g")
    console.page.keyboard.press("s")
    console.page.get_by_role("heading", name="Segments", level=1).wait_for()
    console.page.keyboard.press("?")
    console.page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    console.is_accessible()


def test_skip_link_and_focus(console: Console) -> None:
    console.open("/campaigns")
    console.page.keyboard.press("Tab")
    assert console.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    console.page.keyboard.press("Enter")
    assert console.page.evaluate("document.activeElement.id") == "main"


def test_an_unknown_address_says_so(console: Console) -> None:
    console.open("/no-such-page")
    console.says("There is no such page")


def test_on_a_phone(console: Console) -> None:
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.open("/campaigns")
    console.button("Menu").first.click()
    console.page.get_by_role("link", name="Customers").click()
    console.page.get_by_role("heading", name="Customers", level=1).wait_for()
    assert console.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    console.is_accessible()


def test_pages_fit_a_phone(console: Console) -> None:
    """In the language with the longest words, nothing makes the page itself scroll sideways."""
    console.page.add_init_script("try { localStorage.setItem('antiphon.language', 'ru'); } catch {}")
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.open("/")
    for path in ("/settings/consent", "/traits?tab=computed", "/customers/merges", "/deliveries", "/segments", "/imports"):
        console.go(path)
        assert console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_palette_finds_people_and_segments(console: Console) -> None:
    page = console.page
    if not console.stage.call("GET", "/v1/segments?search=Palette")["items"]:
        console.stage.call("POST", "/v1/segments", {"name": "Palette people", "tree": {"kind": "event", "name": "Top Up", "op": "did"}})
    console.open("/")
    page.keyboard.press("Control+k")
    page.get_by_role("textbox", name="Find or do anything").fill("C007")
    page.get_by_role("button", name=re.compile("First7 Tester")).click()
    page.wait_for_url(f"**/customers/{console.stage.profile('C007')}")
    page.keyboard.press("Control+k")
    page.get_by_role("textbox", name="Find or do anything").fill("Palette")
    page.get_by_role("button", name=re.compile("Palette people")).click()
    page.wait_for_url("**/segments/*")


def test_an_unknown_page_keeps_the_navigation(console: Console) -> None:
    console.open("/no/such/page")
    console.page.get_by_role("navigation").get_by_role("link", name="Customers").click()
    console.page.wait_for_url("**/customers")
