"""What customers and their mail programs reach without signing in: open picture, links, and the way to unsubscribe."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from litestar import Request, Response
from litestar.params import Parameter

from antiphon.awareness.consent import Evidence, preferences_link
from antiphon.execution.delivery import pages
from antiphon.execution.delivery.hearing import Heard, Hearing, Kind, count_forged
from antiphon.execution.delivery.tracking import Purpose, Ref
from antiphon.foundation.access import client_address
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.http import PUBLIC, get, head, post
from antiphon.foundation.ids import BadSignature
from antiphon.foundation.postgres import PostgresError
from antiphon.foundation.telemetry import get_logger
from antiphon.foundation.words import language_of

log = get_logger(__name__)
Token = Annotated[str, Parameter(max_length=4000)]
Asked = Request[Any, Any, Any]

_PURPOSES: Mapping[str, Purpose] = {"o": "open", "c": "click", "l": "link"}  # by the first letter of a path

PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PATIENCE = 2.0  # seconds a customer waits for an answer to be noted; their link works even if it cannot be
_late: set[asyncio.Task[None]] = set()  # answers still being noted after their customer was sent on


@get("/o/{token:str}", permission=PUBLIC, media_type="image/gif", problems=(404,))
async def open_picture(ctx: Context, request: Asked, token: Token) -> Response[bytes]:
    """A picture of one pixel; its loading counts as an open."""
    ref = _ref_of(ctx, "open", token.removesuffix(".gif"))
    if ref is None:
        return Response(b"", status_code=404, media_type="image/gif")
    await _note(ctx, request, "opened", ref)
    return Response(PICTURE, media_type="image/gif", headers={"cache-control": "no-store", "x-robots-tag": "noindex"})


@get("/c/{token:str}", permission=PUBLIC, media_type="text/html", problems=(404,))
async def follow_link(ctx: Context, request: Asked, token: Token) -> Response[Any]:
    """A link that is the same for everybody: counted, then followed."""
    ref = _ref_of(ctx, "click", token)
    url = await ctx.get(Hearing).url(ref.link_id) if ref is not None and ref.link_id is not None else None
    if ref is None or url is None:
        return _invalid(request)
    await _note(ctx, request, "clicked", ref, url=url)
    return _redirect(url)


@get("/l/{token:str}", permission=PUBLIC, media_type="text/html", problems=(404,))
async def follow_personal_link(ctx: Context, request: Asked, token: Token) -> Response[Any]:
    """A link that carries its own signed address: counted, then followed."""
    ref = _ref_of(ctx, "link", token)
    if ref is None or ref.url is None:
        return _invalid(request)
    await _note(ctx, request, "clicked", ref, url=ref.url)
    return _redirect(ref.url)


@head(["/o/{token:str}", "/c/{token:str}", "/l/{token:str}"], permission=PUBLIC, include_in_schema=False)
async def check_link(ctx: Context, request: Asked, token: Token) -> Response[None]:
    """Programs look whether a link is good: what they see is kept as a machine's, and says no more than that it is."""
    purpose = _PURPOSES[request.url.path[1]]
    ref = _ref_of(ctx, purpose, token.removesuffix(".gif"))
    if ref is None:
        return Response(None, status_code=404, headers={"content-type": "text/html"})
    if purpose == "open":
        await _note(ctx, request, "opened", ref)
        return Response(None, headers={"content-type": "image/gif", "cache-control": "no-store"})
    url = ref.url if ref.link_id is None else await ctx.get(Hearing).url(ref.link_id)
    if url is None:
        return Response(None, status_code=404, headers={"content-type": "text/html"})
    await _note(ctx, request, "clicked", ref, url=url)
    answer = _redirect(url)
    return Response(None, status_code=answer.status_code, headers=answer.headers)


@get("/u/{token:str}", permission=PUBLIC, media_type="text/html", problems=(404,))
async def unsubscribe_page(ctx: Context, request: Asked, token: Token) -> Response[str]:
    """Asks whether to unsubscribe. Opening it changes nothing: scanners open links, too."""
    ref = _ref_of(ctx, "unsubscribe", token)
    row = await ctx.get(Hearing).page(ref.delivery_id, ref.profile_id) if ref is not None else None
    if ref is None or row is None:
        return _invalid(request)
    language = _language(request)
    return _page(pages.question(language, row.topic_title or row.channel, row.address, _preferences(ctx, ref)))


@post("/u/{token:str}", permission=PUBLIC, status=200, media_type="text/html", max_body=20_000, problems=(404,))
async def unsubscribe(ctx: Context, request: Asked, token: Token) -> Response[str]:
    """Withdraws the consent: from the page's buttons, or in one click from a mail program (RFC 8058)."""
    ref = _ref_of(ctx, "unsubscribe", token)
    row = await ctx.get(Hearing).page(ref.delivery_id, ref.profile_id) if ref is not None else None
    if ref is None or row is None:
        return _invalid(request)
    everything = parse_qs((await request.body()).decode("latin-1")).get("scope") == ["all"]
    language = _language(request)
    words = pages.WORDS[language]
    evidence = Evidence(
        text=words.all if everything else words.one,
        url=f"{ctx.settings.base_url}/u/",
        address=client_address(ctx, request),
        user_agent=request.headers.get("user-agent", "")[:400],
    )
    word = Heard(
        kind="unsubscribed",
        delivery_id=ref.delivery_id,
        profile_id=ref.profile_id,
        at=ctx.clock.now(),
        everything=everything,
        evidence=evidence,
    )
    try:
        await ctx.get(Hearing).hear(word)
    except (AntiphonError, PostgresError) as failed:
        log.warning("an unsubscribe could not be noted", error=repr(failed))
        return _page(pages.busy(language), 503, {"retry-after": "30"})
    return _page(pages.done(language, row.topic_title or row.channel, everything, _preferences(ctx, ref)))


def _preferences(ctx: Context, ref: Ref) -> str:
    """The way on to the customer's own page."""
    return preferences_link(ctx.secret, ctx.settings.base_url, ref.profile_id, ctx.clock.now())


def _ref_of(ctx: Context, purpose: Purpose, token: str) -> Ref | None:
    """What a token names; None, and counted, if it is not ours."""
    try:
        return ctx.get(Hearing).tracker.read(purpose, token)
    except BadSignature:
        count_forged(purpose)
        return None


async def _note(ctx: Context, request: Asked, kind: Kind, ref: Ref, url: str | None = None) -> None:
    """Keep who it was, and count it if that was a person. Failing to count never keeps a customer from their link."""
    prefetch = "prefetch" in request.headers.get("sec-purpose", "") or request.headers.get("purpose") == "prefetch"
    heard = Heard(
        kind=kind,
        delivery_id=ref.delivery_id,
        profile_id=ref.profile_id,
        at=ctx.clock.now(),
        link_id=ref.link_id,
        url=url,
        agent=request.headers.get("user-agent", ""),
        ip=client_address(ctx, request),
        method=str(request.method),
        prefetch=prefetch,
    )
    task = asyncio.create_task(_safely(ctx, heard))
    _late.add(task)
    task.add_done_callback(_late.discard)
    await asyncio.wait({task}, timeout=PATIENCE)


async def _safely(ctx: Context, heard: Heard) -> None:
    try:
        await ctx.get(Hearing).hear(heard)
    except (AntiphonError, PostgresError) as failed:
        log.warning("an answer could not be noted", kind=heard.kind, error=repr(failed))


def _language(request: Asked) -> pages.Language:
    return language_of(request.headers.get("accept-language"))


def _redirect(url: str) -> Response[Any]:
    # Personal addresses hold customers' data: whatever could end a header is percent-encoded.
    location = quote(url, safe="%/:=&?~#+!$,;'@()*[]")
    headers = {
        "location": location,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
    }
    return Response(None, status_code=302, headers=headers)


def _invalid(request: Asked) -> Response[str]:
    return _page(pages.invalid(_language(request)), 404)


def _page(html: str, status: int = 200, headers: dict[str, str] | None = None) -> Response[str]:
    return Response(html, status_code=status, media_type="text/html", headers={**pages.HEADERS, **(headers or {})})


PUBLIC_ROUTES = [open_picture, follow_link, follow_personal_link, check_link, unsubscribe_page, unsubscribe]
