"""Signing in and out: rate limits first, then the password, then the second factor, then a session."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from antiphon.foundation.access import store
from antiphon.foundation.access.auditing import audit
from antiphon.foundation.access.errors import (
    InvalidEmail,
    PersonOnly,
    SecondFactorNeeded,
    SecondFactorWrong,
    WrongCredentials,
)
from antiphon.foundation.access.factors import matching_step
from antiphon.foundation.access.model import (
    Credentials,
    Session,
    check_password,
    hash_recovery,
    hash_token,
    normalise_email,
    principal_of,
)
from antiphon.foundation.access.passwords import hash_password, password_matches
from antiphon.foundation.access.proof import address_subject, count_attempt, prove_password
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_hash, random_token
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal, Role

ABSOLUTE = timedelta(days=7)
"""A session ends after this however busy it is; idle ones end after `session_hours`."""


def idle_term(ctx: Context) -> timedelta:
    """How long an unused session lasts."""
    return timedelta(hours=ctx.settings.session_hours)


def csrf_token(ctx: Context, session: bytes) -> str:
    """The token a browser must repeat in a header; it belongs to one session."""
    return keyed_hash(ctx.secret, "csrf", session).hex()


async def _second_factor(ctx: Context, conn: Connection, person: Credentials, code: str | None) -> int:
    """The step of the code used, 0 where none is needed or a recovery code was spent."""
    if not person.totp_confirmed:
        return 0
    if not code:
        raise SecondFactorNeeded(field="code")
    step = matching_step(ctx, person, code)
    if step is not None:
        return step
    if await store.spend_recovery(conn, person.id, hash_recovery(code)):
        return 0
    raise SecondFactorWrong(field="code")


async def sign_in(ctx: Context, email: str, password: str, code: str | None, address: str, agent: str) -> str:
    """A new session's token. Raises WrongCredentials, SecondFactorNeeded, SecondFactorWrong, TooManyAttempts."""
    try:
        email = normalise_email(email)
    except InvalidEmail:
        raise WrongCredentials from None
    by_account, by_address = f"account:{email}", address_subject(address)
    await count_attempt(ctx, by_account, by_address)
    async with ctx.db.connection() as conn:
        person = await store.find_credentials(conn, email)
    right = await password_matches(person.password_hash if person else None, password)
    if person is None or not right or person.disabled:
        raise WrongCredentials
    token = random_token(32)
    async with ctx.db.transaction() as conn:
        step = await _second_factor(ctx, conn, person, code)
        if not await store.note_sign_in(conn, person.id, step):
            raise SecondFactorWrong(field="code")
        await store.open_session(conn, hash_token(token), person.id, ABSOLUTE, address[:100], agent[:300])
        await store.forget_attempts(conn, by_account, by_address)
        who = Principal(id=person.id, kind="person", name=person.name or person.email)
        await audit(conn, who, action="access.sign_in", subject=f"person:{person.id}", after={"address": address})
    return token


async def sign_out(ctx: Context, who: Principal) -> None:
    """End the session that asks."""
    if who.session_id is None:
        raise PersonOnly
    async with ctx.db.transaction() as conn:
        await store.close_session(conn, who.session_id)
        await audit(conn, who, action="access.sign_out", subject=who.subject)


async def sign_out_elsewhere(ctx: Context, who: Principal) -> None:
    """End every other session of the person who asks."""
    if who.kind != "person":
        raise PersonOnly
    async with ctx.db.transaction() as conn:
        await store.close_sessions(conn, who.id, but=who.session_id)
        await audit(conn, who, action="access.sign_out_elsewhere", subject=who.subject)


async def list_sessions(ctx: Context, who: Principal) -> list[Session]:
    """Where the person who asks is signed in."""
    if who.kind != "person":
        raise PersonOnly
    async with ctx.db.connection() as conn:
        return await store.list_sessions(conn, who.id, who.session_id, idle_term(ctx))


async def change_password(ctx: Context, who: Principal, present: str, new: str) -> None:
    """Change one's own password; other sessions end. Raises WrongPassword, WeakPassword."""
    person = await prove_password(ctx, who, present, "present")
    check_password(new, person.email, field="new")
    hashed = await hash_password(new)
    async with ctx.db.transaction() as conn:
        await store.set_password(conn, who.id, hashed)
        await store.close_sessions(conn, who.id, but=who.session_id)
        await audit(conn, who, action="access.change_password", subject=who.subject)


async def who_is(ctx: Context, token: str, declared: Mapping[str, tuple[Role, ...]]) -> Principal:
    """The person a new session belongs to."""
    digest = hash_token(token)
    async with ctx.db.connection() as conn:
        person = await store.find_session(conn, digest, idle_term(ctx))
    if person is None:
        raise WrongCredentials
    return principal_of(person, declared, digest)
