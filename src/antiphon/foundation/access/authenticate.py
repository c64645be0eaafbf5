"""Who calls: by session cookie, with CSRF protection, or by a key in the Authorization header."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from antiphon.foundation.access import store
from antiphon.foundation.access.errors import CrossSite
from antiphon.foundation.access.keys import Access
from antiphon.foundation.access.model import hash_token, principal_of
from antiphon.foundation.access.signin import csrf_token, idle_term
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal

Connection = ASGIConnection[Any, Any, Any, Any]
CSRF_COOKIE = "antiphon_csrf"
CSRF_HEADER = "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}


def is_secure(ctx: Context) -> bool:
    """Whether people reach this installation over https, so that cookies must, too."""
    return ctx.settings.base_url.startswith("https:")


def session_cookie(ctx: Context) -> str:
    """The cookie's name. Over https it has the prefix that ties it to this host."""
    return "__Host-antiphon_session" if is_secure(ctx) else "antiphon_session"


def client_address(ctx: Context, connection: Connection) -> str:
    """The caller's address; behind a trusted proxy the last address it did not vouch for itself."""
    client = connection.scope.get("client")
    address = client[0] if client else ""
    trusted = ctx.settings.trusted_proxies
    if trusted and _is_trusted(address, trusted):
        for hop in reversed(connection.headers.get("x-forwarded-for", "").split(",")):
            if hop.strip():
                address = hop.strip()
                if not _is_trusted(address, trusted):
                    break
    return address[:100]


def _is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    try:
        return any(ip_address(address) in ip_network(network, strict=False) for network in trusted)
    except ValueError:
        return address in trusted


def check_same_site(ctx: Context, connection: Connection) -> None:
    """Refuse a browser's request that another site made. Raises CrossSite."""
    headers = connection.headers
    origin = headers.get("origin")
    if origin is not None:
        host = urlsplit(origin).netloc
        if not host or host not in {headers.get("host", ""), urlsplit(ctx.settings.base_url).netloc}:
            raise CrossSite
    elif headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise CrossSite


def key_in(connection: Connection) -> str | None:
    """The key in the Authorization header: Bearer, or Basic with the key as user name (as Segment's clients do)."""
    scheme, _, rest = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        try:
            return b64decode(rest.strip(), validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
    return None


async def authenticate(ctx: Context, connection: Connection) -> Principal | None:
    """The caller, or None for a stranger. Raises CrossSite for a cookie without its CSRF token."""
    access = ctx.get(Access)
    if "authorization" in connection.headers:
        key = key_in(connection)
        return None if key is None else await access.key(ctx, key)
    token = connection.cookies.get(session_cookie(ctx))
    if not token:
        return None
    digest = hash_token(token)
    async with ctx.db.connection() as conn:
        person = await store.find_session(conn, digest, idle_term(ctx))
        if person is None:
            return None
        if person.stale:
            await store.touch_session(conn, digest)
    if connection.scope.get("method", "GET") not in _SAFE:
        check_same_site(ctx, connection)
        if not hmac.compare_digest(connection.headers.get(CSRF_HEADER, "").encode(), csrf_token(ctx, digest).encode()):
            raise CrossSite
    return principal_of(person, access.declared, digest)
