"""The second factor: TOTP (RFC 6238), confirmed before it counts, with recovery codes."""

from __future__ import annotations

import io
import os
import time

import msgspec
import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from antiphon.foundation.access import store
from antiphon.foundation.access.auditing import audit
from antiphon.foundation.access.errors import (
    NoSuchPerson,
    PersonOnly,
    SecondFactorOff,
    SecondFactorOn,
    WrongCode,
)
from antiphon.foundation.access.model import Credentials, hash_recovery, new_recovery_codes
from antiphon.foundation.access.proof import prove_password
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

STEP = 30  # seconds of one code
_NONCE = 12


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator app needs: the secret, its address, and that address as a picture to scan."""

    secret: str
    uri: str
    qr_svg: str


def _cipher(ctx: Context) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"antiphon second factor").derive(ctx.secret))


def _seal(ctx: Context, secret: str, person_id: int) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(ctx).encrypt(nonce, secret.encode(), str(person_id).encode())


def _unseal(ctx: Context, person: Credentials) -> str | None:
    if person.totp_secret is None:
        return None
    sealed = person.totp_secret
    try:
        return _cipher(ctx).decrypt(sealed[:_NONCE], sealed[_NONCE:], str(person.id).encode()).decode()
    except InvalidTag:
        return None


def matching_step(ctx: Context, person: Credentials, code: str) -> int | None:
    """The time step whose code this is: the present one, or the one before or after it; None if it is of none.

    Machine time, as the app that shows the code goes by the time of day.
    """
    secret = _unseal(ctx, person)
    digits = code.replace(" ", "")
    if secret is None or not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    now = int(time.time()) // STEP
    for step in (now, now - 1, now + 1):
        if step > person.totp_last_step and pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None


async def _person(conn: Connection, who: Principal) -> Credentials:
    if who.kind != "person":
        raise PersonOnly
    person = await store.lock_credentials(conn, who.id)
    if person is None:
        raise NoSuchPerson
    return person


async def enrol(ctx: Context, who: Principal, password: str) -> Enrolment:
    """Begin: a new secret, which counts once confirmed. Raises SecondFactorOn, WrongPassword, PersonOnly."""
    secret = pyotp.random_base32()
    await prove_password(ctx, who, password)
    async with ctx.db.transaction() as conn:
        person = await _person(conn, who)
        if person.totp_confirmed:
            raise SecondFactorOn
        await store.set_totp(conn, who.id, _seal(ctx, secret, who.id), False, [])
    uri = pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name="Antiphon")
    picture = io.BytesIO()
    segno.make(uri, error="m").save(picture, kind="svg", scale=5, xmldecl=False, svgns=True)
    return Enrolment(secret=secret, uri=uri, qr_svg=picture.getvalue().decode())


async def confirm(ctx: Context, who: Principal, code: str) -> list[str]:
    """Switch it on with a first code; returns the recovery codes, shown this once. Raises WrongCode."""
    async with ctx.db.transaction() as conn:
        person = await _person(conn, who)
        if person.totp_confirmed:
            raise SecondFactorOn
        if person.totp_secret is None:
            raise SecondFactorOff
        step = matching_step(ctx, person, code)
        if step is None:
            raise WrongCode(field="code")
        codes = new_recovery_codes()
        hashes = [hash_recovery(one) for one in codes]
        await store.set_totp(conn, who.id, person.totp_secret, True, hashes, step)
        await audit(conn, who, action="access.second_factor_on", subject=f"person:{who.id}")
    return codes


async def disable(ctx: Context, who: Principal, password: str) -> None:
    """Switch one's own second factor off. Raises WrongPassword."""
    await prove_password(ctx, who, password)
    async with ctx.db.transaction() as conn:
        await _person(conn, who)
        await store.set_totp(conn, who.id, None, False, [])
        await audit(conn, who, action="access.second_factor_off", subject=f"person:{who.id}")


async def reset(ctx: Context, who: Principal, person_id: int) -> None:
    """An owner switches off the second factor of somebody who lost it; their sessions end."""
    async with ctx.db.transaction() as conn:
        if await store.lock_credentials(conn, person_id) is None:
            raise NoSuchPerson
        await store.set_totp(conn, person_id, None, False, [])
        await store.close_sessions(conn, person_id)
        await audit(conn, who, action="access.second_factor_reset", subject=f"person:{person_id}")
