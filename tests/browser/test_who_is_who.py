"""Merge review and identities. It adds customers, so it comes after the tests that count them.

Two people side by side, decided and taken back by the keyboard; identities added and removed.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Console, Stage, wait_for


def _identify(user: str, name: str, when: str, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "timestamp": when, "traits": {"name": name} | traits}


@pytest.fixture(scope="module")
def doubles(stage: Stage) -> dict[str, int]:
    """Two people with one e-mail, and a telephone number that came to somebody else."""
    stage.track(
        _identify("M1", "Mia Double", "2026-01-01T10:00:00Z", email="mia@example.org", city="Leeds", tier="gold"),
        _identify("M2", "M. Double", "2026-01-02T10:00:00Z", email="mia@example.org", city="Leeds", tier="silver"),
        _identify("P1", "Olga Former", "2025-01-01T10:00:00Z", phone="+442079460011"),
        _identify("P2", "Nina Latter", "2026-01-02T10:00:00Z", phone="+442079460011"),
    )
    wait_for(lambda: len(stage.call("GET", "/v1/merge-proposals?state=open")["items"]) >= 2)
    return {user: stage.profile(user) for user in ("M1", "M2", "P1", "P2")}


def test_a_number_that_changed_hands_is_decided_by_the_keyboard(console: Console, doubles: dict[str, int]) -> None:
    console.open("/customers")
    console.page.get_by_role("link", name="Look at them").click()
    console.page.get_by_role("button", name="Nina Latter").click()
    console.says("is it Nina Latter's now, and no longer Olga Former's?")
    console.is_accessible()
    console.page.keyboard.press("y")
    console.says("Decided")
    console.open(f"/customers/{doubles['P2']}")
    expect(console.page.locator("section", has_text="Identities").last).to_contain_text("+442079460011")
    console.open(f"/customers/{doubles['P1']}")
    console.says("+442079460011 until")
    console.open("/customers/merges?state=accepted")
    console.page.get_by_role("button", name="Nina Latter").click()
    console.says("Accepted by Ada Owner")
    console.page.keyboard.press("u")
    console.says("The decision is taken back")
    console.open("/customers/merges")
    console.says("Nina Latter")


def test_two_people_are_merged_and_parted_again(console: Console, doubles: dict[str, int]) -> None:
    console.open("/customers/merges")
    console.page.get_by_role("button", name="Mia Double").click()
    console.says("Both came with E-mail mia@example.org. Are they one person?")
    table = console.page.get_by_role("table", name="Both side by side")
    expect(table).to_contain_text("silver")
    expect(table).to_contain_text("gold")
    console.is_accessible()
    console.button("One person").click()
    console.says("Decided")
    console.open(f"/customers/{doubles['M2']}")
    console.says("mia@example.org")
    assert console.stage.call("GET", f"/v1/profiles/{doubles['M2']}")["id"] == doubles["M1"]
    console.open("/customers/merges?state=accepted")
    console.page.get_by_role("button", name="Double").click()
    console.button("Take the decision back").click()
    console.says("The decision is taken back")
    console.reload()
    console.says("Nothing was accepted yet")
    assert console.stage.call("GET", f"/v1/profiles/{doubles['M2']}")["id"] == doubles["M2"]


def test_an_identity_is_added_and_removed(console: Console) -> None:
    profile = console.stage.profile("C010")
    console.open(f"/customers/{profile}")
    console.button("Add an identity").click()
    console.choose("Kind", "Loyalty card")
    console.page.get_by_label("Value").fill("77 00-1x")
    console.is_accessible()
    console.page.get_by_role("dialog").get_by_role("button", name="Add").click()
    console.says("77001X")
    console.reload()
    console.says("added by Ada Owner")
    console.button("Remove 77001X").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    console.says("Identity removed")
    console.reload()
    console.says("c010@example.org")
    assert "77001X" not in console.page.content()
