"""Who works here: invitations, roles, preferences, password resets. The last owner stays."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from antiphon.foundation.access import store
from antiphon.foundation.access.auditing import audit
from antiphon.foundation.access.errors import EmailTaken, InvitationGone, LastOwner, NoSuchPerson, OwnerOnly, PersonOnly
from antiphon.foundation.access.model import Locale, Person, Theme, check_password, normalise_email
from antiphon.foundation.access.passwords import hash_password
from antiphon.foundation.context import Context
from antiphon.foundation.ids import BadSignature, sign, unsign
from antiphon.foundation.notices import Notice, publish
from antiphon.foundation.postgres import Connection, UniqueViolation
from antiphon.foundation.principal import SYSTEM, Principal, Role

INVITATION_TERM = timedelta(days=7)
RESET_TERM = timedelta(hours=24)


class PersonInvited(Notice, frozen=True):
    """Somebody is to get a link by which to set a password: an invitation, or a reset. Whoever sends mail makes the
    link with `invitation_link`."""

    invitation_id: int
    person_id: int
    email: str
    name: str
    locale: str
    purpose: str


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """A person and the link by which they set a password, to be handed over if no mail is sent."""

    person: Person
    link: str


def invitation_token(ctx: Context, invitation_id: int) -> str:
    """What the link carries: the invitation's id under our signature."""
    return sign(ctx.secret, "invitation", invitation_id.to_bytes(8, "big"))


def invitation_link(ctx: Context, invitation_id: int) -> str:
    """The console's page where the invited person sets a password."""
    return f"{ctx.settings.base_url}/welcome?token={invitation_token(ctx, invitation_id)}"


async def find_person(conn: Connection, person_id: int) -> Person:
    """Raises NoSuchPerson."""
    person = await store.find_person(conn, person_id)
    if person is None:
        raise NoSuchPerson
    return person


async def list_people(ctx: Context) -> list[Person]:
    """Everybody, disabled ones last."""
    async with ctx.db.connection() as conn:
        return await store.list_people(conn)


async def _invite(ctx: Context, conn: Connection, person: Person, purpose: str, term: timedelta) -> Invited:
    invitation = await store.add_invitation(conn, person.id, purpose, term)
    await publish(
        conn,
        PersonInvited(
            invitation_id=invitation, person_id=person.id, email=person.email, name=person.name,
            locale=person.locale, purpose=purpose,
        ),
    )  # fmt: skip
    return Invited(person=person, link=invitation_link(ctx, invitation))


async def invite_person(ctx: Context, who: Principal, email: str, name: str, role: Role) -> Invited:
    """Add somebody, who sets a password by the link. Raises EmailTaken, InvalidEmail, OwnerOnly."""
    email = normalise_email(email)
    if role == "owner" and who.role != "owner":
        raise OwnerOnly(field="role")
    try:
        async with ctx.db.transaction() as conn:
            person = await find_person(conn, await store.add_person(conn, email, name.strip(), role, None))
            invited = await _invite(ctx, conn, person, "invitation", INVITATION_TERM)
            await audit(conn, who, action="access.invite_person", subject=f"person:{person.id}", after=person)
    except UniqueViolation:
        raise EmailTaken(field="email") from None
    return invited


async def reset_password(ctx: Context, who: Principal, person_id: int) -> Invited:
    """A new link for somebody who cannot sign in. The old password works until it is used. Raises OwnerOnly."""
    async with ctx.db.transaction() as conn:
        person = await find_person(conn, person_id)
        if person.role == "owner" and who.role != "owner":
            raise OwnerOnly
        purpose, term = ("invitation", INVITATION_TERM) if person.invited else ("reset", RESET_TERM)
        invited = await _invite(ctx, conn, person, purpose, term)
        await audit(conn, who, action="access.reset_password", subject=f"person:{person_id}")
    return invited


async def accept_invitation(ctx: Context, token: str, password: str, name: str | None) -> str:
    """Set the password of an invited person and end their sessions; returns their address. Raises InvitationGone."""
    try:
        invitation = int.from_bytes(unsign(ctx.secret, "invitation", token), "big")
    except BadSignature:
        raise InvitationGone from None
    hashed = await hash_password(password)
    async with ctx.db.transaction() as conn:
        used = await store.use_invitation(conn, invitation)
        if used is None:
            raise InvitationGone
        person_id, email = used
        check_password(password, email)
        person = await find_person(conn, person_id)
        await store.set_password(conn, person_id, hashed)
        if name:
            await store.change_preferences(conn, person_id, name.strip(), person.locale, person.theme)
        await store.close_sessions(conn, person_id)
        who = Principal(id=person_id, kind="person", name=name or person.name or email)
        await audit(conn, who, action="access.accept_invitation", subject=f"person:{person_id}")
    return email


async def change_person(
    ctx: Context, who: Principal, person_id: int, *, name: str | None, role: Role | None, disabled: bool | None
) -> Person:
    """Change name or role, disable or enable. Raises LastOwner, OwnerOnly, NoSuchPerson."""
    async with ctx.db.transaction() as conn:
        owners = await store.lock_owners(conn)
        before = await find_person(conn, person_id)
        off = before.disabled_at is not None if disabled is None else disabled
        became = role or before.role
        if (before.role == "owner" or became == "owner") and who.role != "owner":
            raise OwnerOnly
        if owners == [person_id] and (off or became != "owner"):
            raise LastOwner
        await store.change_person(conn, person_id, before.name if name is None else name.strip(), became, off)
        if off:
            await store.close_sessions(conn, person_id)
        after = await find_person(conn, person_id)
        await audit(conn, who, action="access.change_person", subject=f"person:{person_id}", before=before, after=after)
    return after


async def sign_out_person(ctx: Context, who: Principal, person_id: int) -> None:
    """End every session of a person."""
    async with ctx.db.transaction() as conn:
        await find_person(conn, person_id)
        await store.close_sessions(conn, person_id)
        await audit(conn, who, action="access.sign_out_person", subject=f"person:{person_id}")


async def change_preferences(
    ctx: Context, who: Principal, *, name: str | None, locale: Locale | None, theme: Theme | None
) -> Person:
    """A person's own name, language and theme."""
    if who.kind != "person":
        raise PersonOnly
    async with ctx.db.transaction() as conn:
        before = await find_person(conn, who.id)
        await store.change_preferences(
            conn, who.id, before.name if name is None else name.strip(), locale or before.locale, theme or before.theme
        )
        after = await find_person(conn, who.id)
        await audit(conn, who, action="access.change_preferences", subject=who.subject, before=before, after=after)
    return after


async def has_people(conn: Connection) -> bool:
    """Whether anybody could ever sign in to this installation."""
    return bool(await store.list_people(conn))


async def bootstrap_owner(ctx: Context, email: str, password: str, name: str = "") -> Person:
    """Make an owner from the command line, or give the person with that address this password and the owner's role.

    Idempotent. Raises InvalidEmail, WeakPassword.
    """
    email = normalise_email(email)
    check_password(password, email)
    hashed = await hash_password(password)
    async with ctx.db.transaction() as conn:
        known = await store.find_credentials(conn, email)
        if known is None:
            person_id = await store.add_person(conn, email, name, "owner", hashed)
        else:
            person_id = known.id
            before = await find_person(conn, person_id)
            await store.change_person(conn, person_id, name or before.name, "owner", False)
            await store.set_password(conn, person_id, hashed)
        person = await find_person(conn, person_id)
        await audit(conn, SYSTEM, action="access.bootstrap_owner", subject=f"person:{person_id}", after=person)
    return person
