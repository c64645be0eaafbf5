"""Signing in: sessions and their cookies, CSRF, rate limits, the second factor."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pyotp
import pytest

from antiphon.foundation.access import bootstrap_owner, proof
from antiphon.foundation.access.factors import STEP
from antiphon.foundation.access.passwords import use_cheap_hashing
from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.web.room import ROOM as WEB

HOUSE = (ACCESS, WEB)

OWNER = {"email": "owner@example.com", "password": "a long enough word"}
COOKIE = "antiphon_session"


@pytest.fixture
def rooms() -> Any:
    return HOUSE


@pytest.fixture(autouse=True)
def cheap() -> None:
    use_cheap_hashing()


@pytest.fixture
async def owner(app: Any) -> Any:
    return await bootstrap_owner(app.app.state.ctx, OWNER["email"], OWNER["password"], "Olga")


@pytest.fixture
async def signed_in(owner: Any, stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    answer = await stranger.post("/v1/session", json=OWNER)
    stranger.headers["x-csrf-token"] = answer.json()["csrf"]
    return stranger


async def sql(app: Any, statement: str, *params: Any) -> Any:
    async with app.app.state.ctx.db.connection() as conn:
        return await conn.execute(statement, params)


async def test_signing_in_opens_a_session_that_me_describes(owner: Any, stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/v1/session", json=OWNER)
    assert answer.status_code == 200, answer.text
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    me = (await stranger.get("/v1/session")).json()
    assert me["email"] == OWNER["email"]
    assert me["role"] == "owner"
    assert me["csrf"] == answer.json()["csrf"]
    assert "access:manage_people" in me["permissions"]
    assert "access" in me["rooms"]


async def test_the_token_is_kept_as_a_hash_only(app: Any, signed_in: httpx.AsyncClient) -> None:
    kept = await (await sql(app, "select token_hash from session")).fetchone()
    token = signed_in.cookies[COOKIE]
    assert token.encode() not in kept[0]
    row = await (await sql(app, "select password_hash from person")).fetchone()
    assert row[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("email", "password"),
    [("owner@example.com", "wrong"), ("nobody@example.com", "wrong"), ("not an address", "wrong")],
)
async def test_wrong_credentials_all_sound_the_same(
    owner: Any, stranger: httpx.AsyncClient, email: str, password: str
) -> None:
    answer = await stranger.post("/v1/session", json={"email": email, "password": password})
    assert answer.status_code == 401
    assert answer.json()["code"] == "wrong-credentials"
    assert "set-cookie" not in answer.headers


async def test_signing_out_ends_the_session(signed_in: httpx.AsyncClient) -> None:
    token = signed_in.cookies[COOKIE]
    assert (await signed_in.delete("/v1/session")).status_code == 204
    signed_in.cookies.set(COOKIE, token)
    assert (await signed_in.get("/v1/session")).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        "update session set expires_at = clock_timestamp() - interval '1 second'",
        "update session set last_seen_at = clock_timestamp() - interval '13 hours'",
        "update person set disabled_at = clock_timestamp()",
    ],
)
async def test_a_session_ends_by_age_by_idleness_and_with_its_person(
    app: Any, signed_in: httpx.AsyncClient, change: str
) -> None:
    assert (await signed_in.get("/v1/session")).status_code == 200
    await sql(app, change)
    assert (await signed_in.get("/v1/session")).status_code == 401


async def test_use_keeps_a_session_alive(app: Any, signed_in: httpx.AsyncClient) -> None:
    await sql(app, "update session set last_seen_at = clock_timestamp() - interval '11 hours'")
    await signed_in.get("/v1/session")
    seen = await (await sql(app, "select clock_timestamp() - last_seen_at < interval '5 seconds' from session")).fetchone()
    assert seen[0]


class TestCsrf:
    async def test_a_change_needs_the_token(self, signed_in: httpx.AsyncClient) -> None:
        del signed_in.headers["x-csrf-token"]
        answer = await signed_in.patch("/v1/session/preferences", json={"theme": "dark"})
        assert answer.status_code == 403
        assert answer.json()["code"] == "cross-site"

    async def test_the_token_of_another_session_does_not_do(self, signed_in: httpx.AsyncClient) -> None:
        signed_in.headers["x-csrf-token"] = "0" * 32
        assert (await signed_in.patch("/v1/session/preferences", json={"theme": "dark"})).status_code == 403

    async def test_reading_needs_none(self, signed_in: httpx.AsyncClient) -> None:
        del signed_in.headers["x-csrf-token"]
        assert (await signed_in.get("/v1/session")).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    )
    async def test_another_site_is_refused_even_with_the_token(
        self, signed_in: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        answer = await signed_in.patch("/v1/session/preferences", json={"theme": "dark"}, headers=headers)
        assert answer.status_code == 403
        assert (await signed_in.post("/v1/session", json=OWNER, headers=headers)).status_code == 403

    async def test_our_own_page_may(self, signed_in: httpx.AsyncClient) -> None:
        headers = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
        answer = await signed_in.patch("/v1/session/preferences", json={"theme": "dark"}, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["theme"] == "dark"


class TestRateLimits:
    async def test_an_account_is_held_after_too_many_failures(
        self, app: Any, owner: Any, stranger: httpx.AsyncClient
    ) -> None:
        for _ in range(proof.PER_ACCOUNT):
            assert (await stranger.post("/v1/session", json={**OWNER, "password": "no"})).status_code == 401
        answer = await stranger.post("/v1/session", json=OWNER)
        assert answer.status_code == 429
        assert answer.json()["code"] == "too-many-attempts"
        assert 1 <= int(answer.headers["retry-after"]) <= proof.WINDOW.total_seconds()
        await sql(app, "update sign_in_attempt set since = since - interval '16 minutes'")
        assert (await stranger.post("/v1/session", json=OWNER)).status_code == 200

    async def test_an_address_is_held_whichever_accounts_it_tries(self, owner: Any, stranger: httpx.AsyncClient) -> None:
        for number in range(proof.PER_ADDRESS):
            body = {"email": f"guess{number}@example.com", "password": "no"}
            assert (await stranger.post("/v1/session", json=body)).status_code == 401
        assert (await stranger.post("/v1/session", json=OWNER)).status_code == 429

    async def test_success_forgets_the_account_s_failures(self, owner: Any, stranger: httpx.AsyncClient) -> None:
        for _ in range(3):
            for _ in range(proof.PER_ACCOUNT - 1):
                await stranger.post("/v1/session", json={**OWNER, "password": "no"})
            assert (await stranger.post("/v1/session", json=OWNER)).status_code == 200


class TestSecondFactor:
    async def enrol(self, http: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
        answer = await http.post("/v1/totp", json={"password": OWNER["password"]})
        assert answer.status_code == 201, answer.text
        assert answer.json()["qr_svg"].startswith("<svg")
        totp = pyotp.TOTP(answer.json()["secret"])
        self.step = int(time.time()) // STEP
        confirmed = await http.post("/v1/totp/confirm", json={"code": totp.generate_otp(self.step)})
        assert confirmed.status_code == 200, confirmed.text
        return totp, confirmed.json()["recovery_codes"]

    async def test_sign_in_then_needs_a_code_that_was_not_used_before(self, signed_in: httpx.AsyncClient) -> None:
        totp, _ = await self.enrol(signed_in)
        without = await signed_in.post("/v1/session", json=OWNER)
        assert (without.status_code, without.json()["code"]) == (401, "second-factor-needed")
        for code in ("000000", "abc", totp.generate_otp(self.step)):  # this one was spent by confirming
            answer = await signed_in.post("/v1/session", json={**OWNER, "code": code})
            assert (answer.status_code, answer.json()["code"]) == (401, "second-factor-wrong")
        following = totp.generate_otp(self.step + 1)
        assert (await signed_in.post("/v1/session", json={**OWNER, "code": following})).status_code == 200
        assert (await signed_in.post("/v1/session", json={**OWNER, "code": following})).status_code == 401

    async def test_a_recovery_code_works_once(self, signed_in: httpx.AsyncClient) -> None:
        _, codes = await self.enrol(signed_in)
        assert len(set(codes)) == 10
        spoken = codes[0].upper().replace("-", " ")
        assert (await signed_in.post("/v1/session", json={**OWNER, "code": spoken})).status_code == 200
        assert (await signed_in.post("/v1/session", json={**OWNER, "code": codes[0]})).status_code == 401
        assert (await signed_in.post("/v1/session", json={**OWNER, "code": codes[1]})).status_code == 200

    async def test_it_counts_only_once_confirmed(self, signed_in: httpx.AsyncClient) -> None:
        await signed_in.post("/v1/totp", json={"password": OWNER["password"]})
        wrong = await signed_in.post("/v1/totp/confirm", json={"code": "000000"})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "code")
        assert (await signed_in.post("/v1/session", json=OWNER)).status_code == 200

    async def test_switching_off_asks_for_the_password(self, signed_in: httpx.AsyncClient) -> None:
        await self.enrol(signed_in)
        assert (await signed_in.post("/v1/totp/disable", json={"password": "no"})).status_code == 400
        assert (await signed_in.post("/v1/totp/disable", json={"password": OWNER["password"]})).status_code == 204
        assert (await signed_in.post("/v1/session", json=OWNER)).status_code == 200

    async def test_the_secret_is_sealed_at_rest(self, app: Any, signed_in: httpx.AsyncClient) -> None:
        totp, codes = await self.enrol(signed_in)
        row = await (await sql(app, "select totp_secret, recovery_hashes from person")).fetchone()
        assert totp.secret.encode() not in row[0]
        assert codes[0].encode() not in b"".join(row[1])

    async def test_wrong_codes_count_as_attempts(self, signed_in: httpx.AsyncClient) -> None:
        await self.enrol(signed_in)
        statuses = [
            (await signed_in.post("/v1/session", json={**OWNER, "code": "000000"})).status_code
            for _ in range(proof.PER_ACCOUNT + 1)
        ]
        assert statuses[-1] == 429


async def test_changing_the_password_signs_out_elsewhere(app: Any, signed_in: httpx.AsyncClient) -> None:
    other = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver")
    async with other:
        await other.post("/v1/session", json=OWNER)
        assert (await other.get("/v1/session")).status_code == 200
        body = {"present": OWNER["password"], "new": "another long word"}
        assert (await signed_in.put("/v1/session/password", json={**body, "present": "no"})).json()["field"] == "present"
        weak = (await signed_in.put("/v1/session/password", json={**body, "new": "short"})).json()
        assert (weak["code"], weak["field"]) == ("weak-password", "new")
        assert (await signed_in.put("/v1/session/password", json=body)).status_code == 204
        assert (await other.get("/v1/session")).status_code == 401
        assert (await signed_in.get("/v1/session")).status_code == 200
        sessions = (await signed_in.get("/v1/session/all")).json()
        assert [one["current"] for one in sessions] == [True]


async def test_asking_for_the_password_again_is_limited_too(signed_in: httpx.AsyncClient) -> None:
    for _ in range(proof.PER_ACCOUNT):
        assert (await signed_in.post("/v1/totp", json={"password": "guess"})).status_code == 400
    held = await signed_in.put("/v1/session/password", json={"present": OWNER["password"], "new": "another long word"})
    assert held.status_code == 429


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("::ffff:192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("unix", "address:unix"),
    ],
)
def test_attempts_count_against_what_one_host_has(address: str, subject: str) -> None:
    assert proof.address_subject(address) == subject
