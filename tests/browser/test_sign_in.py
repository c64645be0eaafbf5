"""The door: a wrong password, a right one, a second factor, an invitation."""

from __future__ import annotations

import pyotp
from tests.browser.stage import Console

PASSWORD = "a long enough password"


def sign_in(door: Console, email: str, password: str) -> None:
    door.page.goto(door.stage.base + "/sign-in")
    door.page.get_by_label("E-mail address").fill(email)
    door.page.get_by_label("Password", exact=True).fill(password)
    door.button("Sign in").click()


def invited(door: Console, email: str, role: str) -> None:
    """Makes a person, who follows their link to choose a password."""
    link = door.stage.call("POST", "/v1/people", {"email": email, "name": email.partition("@")[0].title(), "role": role})["link"]
    door.page.goto(link)
    door.page.get_by_label("New password").fill(PASSWORD)
    door.button("Set the password").click()
    door.says("Your password is set")
    door.page.get_by_role("link", name="Sign in").click()
    door.page.wait_for_url("**/sign-in")


def test_sign_in_and_out(door: Console) -> None:
    door.page.goto(door.stage.base + "/segments")
    door.page.wait_for_url("**/sign-in?*")
    door.is_accessible()
    sign_in_here = door.page.url
    sign_in(door, door.stage.email, "not the password")
    assert "wrong" in door.page.get_by_role("alert").inner_text()
    door.is_accessible()
    door.page.goto(sign_in_here)
    door.page.get_by_label("E-mail address").fill(door.stage.email)
    door.page.get_by_label("Password", exact=True).fill(door.stage.password)
    door.page.keyboard.press("Enter")
    door.page.get_by_role("heading", name="Segments", level=1).wait_for()
    door.page.reload()
    door.page.get_by_role("heading", name="Segments", level=1).wait_for()
    door.page.get_by_role("button", name="Account of Ada Owner").click()
    door.page.get_by_role("menuitem", name="Sign out").click()
    door.page.wait_for_url("**/sign-in")
    door.page.goto(door.stage.base + "/")
    door.page.wait_for_url("**/sign-in")


def test_an_invited_analyst_sees_what_an_analyst_may(door: Console) -> None:
    invited(door, "nora@example.com", "analyst")
    sign_in(door, "nora@example.com", PASSWORD)
    door.page.get_by_role("heading", name="Overview").wait_for()
    rooms = door.page.get_by_role("navigation").inner_text()
    assert "Segments" in rooms
    assert "Audit" not in rooms
    door.open("/campaigns")
    assert door.page.get_by_role("link", name="New campaign").count() == 0


def test_second_factor(door: Console) -> None:
    invited(door, "tom@example.com", "marketer")
    sign_in(door, "tom@example.com", PASSWORD)
    door.page.get_by_role("heading", name="Overview").wait_for()
    door.open("/settings/account")
    factor = door.page.locator("section", has_text="Second factor")
    factor.get_by_label("Present password").fill(PASSWORD)
    factor.get_by_role("button", name="Switch on").click()
    secret = door.page.get_by_test_id("totp-secret").inner_text()
    door.is_accessible()
    factor.locator("input[inputmode=numeric]").first.click()
    door.page.keyboard.type(pyotp.TOTP(secret).now())
    codes = door.page.get_by_test_id("recovery-codes").inner_text().split()
    door.button("I have kept them").click()
    door.page.get_by_role("button", name="Account of Tom").click()
    door.page.get_by_role("menuitem", name="Sign out").click()
    door.page.wait_for_url("**/sign-in")
    sign_in(door, "tom@example.com", PASSWORD)
    door.says("Your account has a second factor")
    door.is_accessible()
    door.button("Use a recovery code instead").click()
    door.page.get_by_label("Recovery code").fill(codes[0])
    door.button("Continue").click()
    door.page.get_by_role("heading", name="Overview").wait_for()
