"""Asking for a password, at sign-in and again before what matters: attempts are counted before they are tried."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from antiphon.foundation.access import store
from antiphon.foundation.access.errors import NoSuchPerson, PersonOnly, TooManyAttempts, WrongPassword
from antiphon.foundation.access.model import Credentials
from antiphon.foundation.access.passwords import password_matches
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_ADDRESS = 50


def address_subject(address: str) -> str:
    """What attempts from an address count against: itself, or its /64 network, of which an IPv6 host has all."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"address:{address}"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"address:{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return f"address:{getattr(parsed, 'ipv4_mapped', None) or parsed}"


async def count_attempt(ctx: Context, account: str, address: str | None = None) -> None:
    """Count one more attempt, before it is tried, so that guesses made at once count, too. Raises TooManyAttempts."""
    subjects = [account] if address is None else [account, address]
    async with ctx.db.transaction() as conn:
        counted = await store.count_attempt(conn, subjects, WINDOW)
    for one in counted:
        if one.attempts > (PER_ACCOUNT if one.subject == account else PER_ADDRESS):
            raise TooManyAttempts(retry_after=max(1.0, one.wait))


async def prove_password(ctx: Context, who: Principal, password: str, field: str = "password") -> Credentials:
    """The person who acts, once their password is right. Raises PersonOnly, WrongPassword, TooManyAttempts."""
    if who.kind != "person":
        raise PersonOnly
    subject = f"proof:{who.id}"
    await count_attempt(ctx, subject)
    async with ctx.db.connection() as conn:
        person = await store.lock_credentials(conn, who.id)
    if person is None:
        raise NoSuchPerson
    if not await password_matches(person.password_hash, password):
        raise WrongPassword(field=field)
    async with ctx.db.connection() as conn:
        await store.forget_attempts(conn, subject, "")
    return person
