"""Imports: a file brought, mapped, tried, imported; what was refused comes back with reasons."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from tests.browser.stage import Console

ROWS = "E-mail,Tariff,Visits\nann@import.example,Plus,3\nnot an address,Lite,4\nbob@import.example,Max,5\n"


def figure(console: Console, label: str, value: str) -> None:
    """Waits until the figure with this label shows the value."""
    card = console.page.get_by_text(label, exact=True).locator("xpath=ancestor::div[contains(@class, 'stat')][1]")
    expect(card).to_contain_text(value)


def test_upload_map_try_import(console: Console, tmp_path: Path) -> None:
    page = console.page
    file = tmp_path / "customers.csv"
    file.write_text(ROWS)
    console.open("/imports")
    page.get_by_role("link", name="New import").first.click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("region", name="What the columns mean").wait_for()
    page.get_by_role("textbox", name="Name for Visits").fill("visits")
    console.is_accessible()
    console.button("Dry run").click()
    console.says("Nothing was changed")
    figure(console, "Rows read", "3")
    figure(console, "Can be imported", "2")
    figure(console, "Refused", "1")
    assert console.stage.call("GET", "/v1/profiles?q=ann@import.example")["items"] == []
    console.button("Import").click()
    page.wait_for_url("**/imports/*")
    console.page.get_by_text("Dry run").first.wait_for(state="detached")
    figure(console, "New customers", "2")
    console.is_accessible()
    console.reload()
    figure(console, "New customers", "2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Refused rows").click()
    assert "not an address" in Path(download.value.path()).read_text()
    console.open("/customers?q=ann@import.example")
    console.page.get_by_role("cell", name="ann@import.example").first.wait_for()


def test_an_empty_file_is_refused_in_words(console: Console, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.touch()
    console.open("/imports/new")
    console.page.locator("input[type=file]").set_input_files(file)
    expect(console.page.get_by_role("alert")).to_contain_text("empty")


def test_consents_and_a_card_come_with_the_customers(console: Console, tmp_path: Path) -> None:
    """The map is pointed at a column of yes and no, one of wishes and one of cards; each is found with the customer again."""
    page = console.page
    file = tmp_path / "club.csv"
    file.write_text("E-mail,Member,Letters,Tongue\ncleo@import.example,4000 1234,yes,ru\ndan@import.example,4000 1235,no,\n")
    topic = console.stage.call("GET", "/v1/topics")[0]
    console.open("/imports/new")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("region", name="What the columns mean").wait_for()

    def choose(label: str, option: str) -> None:
        page.get_by_role("combobox", name=label, exact=True).first.click()
        page.get_by_role("option", name=option, exact=True).locator("visible=true").first.click()

    choose("What Member becomes", "Identity")
    page.get_by_role("combobox", name="Name for Member").fill("loyalty_card")
    page.keyboard.press("Escape")
    console.button("Add a consent").click()
    choose("Yes or no in", "Letters")
    choose("Topic", topic["title"])
    page.get_by_label("Text they saw").fill("Write to me about the club.")
    choose("Language", "Tongue")
    console.is_accessible()
    console.button("Import").click()
    page.wait_for_url("**/imports/*")
    figure(console, "New customers", "2")
    figure(console, "Consents and wishes", "3")
    console.reload()
    figure(console, "Consents and wishes", "3")
    (found,) = console.stage.call("GET", "/v1/profiles?q=cleo@import.example")["items"]
    kinds = {one["kind"] for one in console.stage.call("GET", f"/v1/profiles/{found['id']}")["identities"]}
    assert kinds == {"email", "loyalty_card"}
    console.open(f"/customers/{found['id']}")
    page.get_by_text("cleo@import.example").first.wait_for()
