"""Templates: written, looked at as a customer, checked, published."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.stage import Console


def test_write_preview_check_publish(console: Console) -> None:
    page = console.page
    console.open("/templates")
    page.get_by_role("link", name="New template").first.click()
    page.get_by_label("Name").fill("Summer prices")
    page.get_by_label("Subject").fill("{{ firstName }}, prices for {{ plan }}")
    body = page.get_by_role("textbox", name="Body")
    body.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ firstName }}, {{ nickname }}")
    console.choose("As customer", "First4 Tester")
    expect(page.get_by_test_id("preview-subject")).to_have_text("First4, prices for Plus")
    frame = page.frame_locator("iframe[title=Preview]")
    expect(frame.get_by_text("Hello First4")).to_be_visible()
    assert page.locator("iframe[title=Preview]").get_attribute("sandbox") == ""
    page.get_by_role("tab", name="Checks").click()
    console.says("nickname")
    console.is_accessible()
    console.button("Save draft").click()
    page.wait_for_url("**/templates/*")
    page.wait_for_url(lambda url: not url.endswith("/new"))
    console.reload()
    expect(page.get_by_label("Subject")).to_have_value("{{ firstName }}, prices for {{ plan }}")


def test_hostile_html_runs_nothing(console: Console) -> None:
    body = "<p>Look</p><script>parent.document.title='taken'</script><img src=x onerror=\"parent.document.title='taken'\">"
    made = console.stage.call(
        "POST", "/v1/templates", {"name": "Hostile", "channel": "email", "format": "html", "subject": "x", "body": body}
    )
    console.open(f"/templates/{made['template']['id']}")
    expect(console.page.frame_locator("iframe[title=Preview]").get_by_text("Look")).to_be_visible()
    assert "taken" not in console.page.title()


def test_publish_and_archive(console: Console) -> None:
    source = {"format": "text", "subject": "Hi {{ firstName | default: 'you' }}", "body": "Stop: {{ unsubscribe_url }}"}
    made = console.stage.call("POST", "/v1/templates", {"name": "Short note", "channel": "email", **source})
    console.open(f"/templates/{made['template']['id']}")
    console.button("Publish").click()
    expect(console.page.get_by_text("Published", exact=True)).to_be_visible()
    console.reload()
    expect(console.page.get_by_text("Published", exact=True)).to_be_visible()
    console.button("Actions").click()
    console.page.get_by_role("menuitem", name="Archive").click()
    console.button("Undo").click()
    console.says("Template restored")


def test_a_text_message_counts_its_parts(console: Console) -> None:
    page = console.page
    console.open("/templates/new")
    page.get_by_label("Name").fill("Reminder")
    console.choose("Channel", "SMS")
    expect(page.get_by_label("Subject")).to_have_count(0)
    body = page.get_by_role("textbox", name="Body")
    body.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Hello {{ firstName | default: 'you' }}. STOP to end")
    expect(page.get_by_test_id("preview-parts")).to_contain_text("1 part")
    body.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" " + "Привет! " * 12)
    expect(page.get_by_test_id("preview-parts")).to_contain_text("2 parts")
    page.get_by_role("tab", name="Checks").click()
    console.says("The text takes 2 parts.")
    console.is_accessible()
    console.button("Publish").click()
    page.wait_for_url(lambda url: not url.endswith("/new"))
    expect(page.get_by_text("Published", exact=True)).to_be_visible()
