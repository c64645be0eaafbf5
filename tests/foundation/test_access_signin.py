"""Signing in: sessions and their cookies, CSRF, rate limits, the second factor."""

from __future__ import annotations

from typing import Any

import httpx
import pyotp
import pytest

from antiphon.foundation.access import bootstrap_owner
from antiphon.foundation.access.passwords import use_cheap_hashing

OWNER = {"email": "owner@example.com", "password": "a long enough word"}


@pytest.fixture(autouse=True)
def cheap() -> None:
    use_cheap_hashing()


@pytest.fixture
async def owner(app: Any) -> Any:
    return await bootstrap_owner(app.app.state.ctx, OWNER["email"], OWNER["password"], "Olga")


async def test_signing_in_opens_a_session_that_me_describes(owner: Any, stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/v1/session", json=OWNER)
    assert answer.status_code == 200, answer.text
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("antiphon_session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    me = (await stranger.get("/v1/session")).json()
    assert me["email"] == OWNER["email"] and me["role"] == "owner" and me["csrf"] == answer.json()["csrf"]
    assert "access:manage_people" in me["permissions"] and "access" in me["rooms"]
