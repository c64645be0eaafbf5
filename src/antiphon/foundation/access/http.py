"""Routes of people, sessions, keys and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.params import Parameter

from antiphon.foundation.access import factors, keys, people, signin
from antiphon.foundation.access.auditing import read_audit
from antiphon.foundation.access.authenticate import (
    CSRF_COOKIE,
    check_same_site,
    client_address,
    is_secure,
    session_cookie,
)
from antiphon.foundation.access.factors import Enrolment
from antiphon.foundation.access.keys import Access, IssuedKey
from antiphon.foundation.access.model import (
    AuditEntry,
    Key,
    Person,
    Session,
    hash_token,
    permissions_of,
)
from antiphon.foundation.access.people import Invited
from antiphon.foundation.access.shapes import (
    Acceptance,
    Accepted,
    CodeProof,
    Invitation,
    Me,
    NewKey,
    PasswordChange,
    PasswordProof,
    PersonChange,
    Preferences,
    RecoveryCodes,
    RoleInfo,
    SignIn,
)
from antiphon.foundation.context import Context
from antiphon.foundation.http import (
    PUBLIC,
    SIGNED_IN,
    Cursor,
    Limit,
    Page,
    decode_cursor,
    delete,
    encode_cursor,
    get,
    patch,
    post,
    put,
)
from antiphon.foundation.principal import ROLES, Principal


async def describe(ctx: Context, who: Principal) -> Me:
    """The caller as the console wants to know them."""
    access = ctx.get(Access)
    person: Person | None = None
    if who.kind == "person":
        async with ctx.db.connection() as conn:
            person = await people.find_person(conn, who.id)
    return Me(
        kind=who.kind, id=who.id, name=person.name if person else who.name, email=person.email if person else None,
        role=who.role, permissions=sorted(who.permissions), rooms=list(access.rooms),
        locale=person.locale if person else "en", theme=person.theme if person else "auto",
        second_factor=person.second_factor if person else False,
        csrf=signin.csrf_token(ctx, who.session_id) if who.session_id else None,
    )  # fmt: skip


def _cookies(ctx: Context, token: str | None) -> list[Cookie]:
    """The session's cookie and its CSRF twin, or their removal."""
    secure = is_secure(ctx)
    age = int(signin.ABSOLUTE.total_seconds()) if token else 0
    csrf = signin.csrf_token(ctx, hash_token(token)) if token else ""
    session = session_cookie(ctx)
    return [
        Cookie(key=session, value=token or "", path="/", max_age=age, httponly=True, secure=secure, samesite="lax"),
        Cookie(key=CSRF_COOKIE, value=csrf, path="/", max_age=age, httponly=False, secure=secure, samesite="strict"),
    ]


@post("/v1/session", permission=PUBLIC, status=200, problems=(401, 403, 429))
async def sign_in(ctx: Context, request: Request[Any, Any, Any], data: SignIn) -> Response[Me]:
    """Sign in. The answer sets the session's cookies."""
    check_same_site(ctx, request)
    agent = request.headers.get("user-agent", "")
    token = await signin.sign_in(ctx, data.email, data.password, data.code, client_address(ctx, request), agent)
    access = ctx.get(Access)
    who = await signin.who_is(ctx, token, access.declared)
    return Response(await describe(ctx, who), cookies=_cookies(ctx, token), headers={"cache-control": "no-store"})


@get("/v1/session", permission=SIGNED_IN)
async def me(ctx: Context, who: Principal) -> Me:
    """Who I am and what I may do."""
    return await describe(ctx, who)


@delete("/v1/session", permission=SIGNED_IN)
async def sign_out(ctx: Context, who: Principal) -> Response[None]:
    """Sign out."""
    await signin.sign_out(ctx, who)
    return Response(None, cookies=_cookies(ctx, None))


@get("/v1/session/all", permission=SIGNED_IN)
async def list_sessions(ctx: Context, who: Principal) -> list[Session]:
    """Where I am signed in."""
    return await signin.list_sessions(ctx, who)


@delete("/v1/session/others", permission=SIGNED_IN)
async def sign_out_elsewhere(ctx: Context, who: Principal) -> None:
    """Sign out everywhere else."""
    await signin.sign_out_elsewhere(ctx, who)


@patch("/v1/session/preferences", permission=SIGNED_IN)
async def change_preferences(ctx: Context, who: Principal, data: Preferences) -> Me:
    """Change my name, language or theme."""
    await people.change_preferences(ctx, who, name=data.name, locale=data.locale, theme=data.theme)
    return await describe(ctx, who)


@put("/v1/session/password", permission=SIGNED_IN, status=204)
async def change_password(ctx: Context, who: Principal, data: PasswordChange) -> None:
    """Change my password; I am signed out everywhere else."""
    await signin.change_password(ctx, who, data.present, data.new)


@post("/v1/totp", permission=SIGNED_IN, problems=(409,))
async def enrol_second_factor(ctx: Context, who: Principal, data: PasswordProof) -> Enrolment:
    """Begin with a second factor: the secret for an authenticator app."""
    return await factors.enrol(ctx, who, data.password)


@post("/v1/totp/confirm", permission=SIGNED_IN, status=200, problems=(409,))
async def confirm_second_factor(ctx: Context, who: Principal, data: CodeProof) -> RecoveryCodes:
    """Switch the second factor on by a first code."""
    return RecoveryCodes(recovery_codes=await factors.confirm(ctx, who, data.code))


@post("/v1/totp/disable", permission=SIGNED_IN, status=204)
async def disable_second_factor(ctx: Context, who: Principal, data: PasswordProof) -> None:
    """Switch my second factor off."""
    await factors.disable(ctx, who, data.password)


@get("/v1/people", permission="access:read_people")
async def list_people(ctx: Context) -> list[Person]:
    """Everybody who works here."""
    return await people.list_people(ctx)


@post("/v1/people", permission="access:manage_people", problems=(409,))
async def invite_person(ctx: Context, who: Principal, data: Invitation) -> Invited:
    """Invite somebody; hand over the link if no mail is sent."""
    return await people.invite_person(ctx, who, data.email, data.name, data.role)


@get("/v1/people/{person_id:int}", permission="access:read_people")
async def find_person(ctx: Context, person_id: int) -> Person:
    """One person."""
    async with ctx.db.connection() as conn:
        return await people.find_person(conn, person_id)


@patch("/v1/people/{person_id:int}", permission="access:manage_people", problems=(409,))
async def change_person(ctx: Context, who: Principal, person_id: int, data: PersonChange) -> Person:
    """Change somebody's name or role, disable or enable them."""
    return await people.change_person(ctx, who, person_id, name=data.name, role=data.role, disabled=data.disabled)


@post("/v1/people/{person_id:int}/reset", permission="access:manage_people")
async def reset_password(ctx: Context, who: Principal, person_id: int) -> Invited:
    """A new link by which somebody sets a password."""
    return await people.reset_password(ctx, who, person_id)


@delete("/v1/people/{person_id:int}/sessions", permission="access:manage_people")
async def sign_out_person(ctx: Context, who: Principal, person_id: int) -> None:
    """Sign somebody out everywhere."""
    await people.sign_out_person(ctx, who, person_id)


@delete("/v1/people/{person_id:int}/totp", permission="access:manage_people")
async def reset_second_factor(ctx: Context, who: Principal, person_id: int) -> None:
    """Switch off the second factor of somebody who lost it."""
    await factors.reset(ctx, who, person_id)


@post("/v1/invitations/accept", permission=PUBLIC, status=200, problems=(403, 404))
async def accept_invitation(ctx: Context, request: Request[Any, Any, Any], data: Acceptance) -> Accepted:
    """Set a password by an invitation or reset link."""
    check_same_site(ctx, request)
    return Accepted(email=await people.accept_invitation(ctx, data.token, data.password, data.name))


@get("/v1/roles", permission="access:read_people")
async def list_roles(ctx: Context) -> list[RoleInfo]:
    """Roles and their permissions."""
    declared = ctx.get(Access).declared
    return [RoleInfo(role=role, permissions=sorted(permissions_of(role, declared))) for role in ROLES]


@get("/v1/keys", permission="access:read_keys")
async def list_keys(ctx: Context) -> list[Key]:
    """API keys and write keys."""
    return await keys.list_keys(ctx)


@post("/v1/keys", permission="access:manage_keys")
async def issue_key(ctx: Context, who: Principal, data: NewKey) -> IssuedKey:
    """Make a key; its token is shown in this answer and never again."""
    async with ctx.db.transaction() as conn:
        return await keys.issue_key(
            conn, who, name=data.name, kind=data.kind, permissions=data.permissions, source_id=data.source_id,
            expires_at=data.expires_at, declared=ctx.get(Access).declared,
        )  # fmt: skip


@delete("/v1/keys/{key_id:int}", permission="access:manage_keys")
async def revoke_key(ctx: Context, who: Principal, key_id: int) -> None:
    """Revoke a key; it stops working within seconds."""
    await keys.revoke_key(ctx, who, key_id)


Filter = Annotated[str | None, Parameter(max_length=200)]


@get("/v1/audit", permission="access:read_audit")
async def list_audit(
    ctx: Context, who_name: Filter = None, action: Filter = None, subject: Filter = None,
    since: datetime | None = None, until: datetime | None = None, limit: Limit = 50, cursor: Cursor = None,
) -> Page[AuditEntry]:  # fmt: skip
    """Changes, latest first. `action` and `subject` match by their beginning, `who_name` by any part."""
    place = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        entries = await read_audit(
            conn, limit=limit + 1, before_id=int(str(place[0])) if place else None, who=who_name, action=action,
            subject=subject, since=since, until=until,
        )  # fmt: skip
    more = len(entries) > limit
    return Page(items=entries[:limit], next=encode_cursor(entries[limit - 1].id) if more else None)


ROUTES = (
    sign_in, me, sign_out, list_sessions, sign_out_elsewhere, change_preferences, change_password,
    enrol_second_factor, confirm_second_factor, disable_second_factor,
    list_people, invite_person, find_person, change_person, reset_password, sign_out_person, reset_second_factor,
    accept_invitation, list_roles, list_keys, issue_key, revoke_key, list_audit,
)  # fmt: skip
