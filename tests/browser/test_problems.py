"""What the server refuses is said in the language of the console, with what to do next and the code to quote."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from tests.browser.stage import Console


def _speak(console: Console, language: str) -> None:
    console.page.add_init_script(f"try {{ localStorage.setItem('antiphon.language', '{language}'); }} catch {{}}")


def test_a_taken_name_is_refused_in_russian(console: Console) -> None:
    page = console.page
    _speak(console, "ru")
    console.open("/events?tab=sources")
    console.button("Новый источник").first.click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Billing")
    page.keyboard.press("Enter")
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text("Так уже называется другой источник.")
    expect(alert).to_contain_text("Обновите страницу")
    expect(alert).to_contain_text("source-name-taken")
    assert alert.locator("[lang=en]").count() == 0


def test_an_empty_file_is_refused_in_chinese(console: Console, tmp_path: Path) -> None:
    _speak(console, "zh")
    file = tmp_path / "empty.csv"
    file.touch()
    console.open("/imports/new")
    console.page.locator("input[type=file]").set_input_files(file)
    expect(console.page.get_by_role("alert")).to_contain_text("该文件无法作为表格读取：文件为空")


def test_refused_rows_and_their_reasons_are_in_russian(console: Console) -> None:
    stage = console.stage
    rows = "E-mail,Age\nann@words.example,old\nnobody at all,3\n"
    sent = stage.api.post("/v1/imports/files?name=words.csv", content=rows, headers={"content-type": "application/octet-stream"})
    traits = {"age": {"column": "Age", "type": "number"}}
    body = {
        "file_id": sent.json()["id"],
        "map": {"kind": "customers", "identities": {"email": "E-mail"}, "traits": traits},
        "dry_run": True,
    }
    begun = stage.call("POST", "/v1/imports", body)
    _speak(console, "ru")
    console.open(f"/imports/{begun['id']}")
    console.says("«Age»: не число")
    console.says("email: написано так, что никого не обозначает")
    console.is_accessible()
