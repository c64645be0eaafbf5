"""A customer's own page of preferences, and the page that confirms a consent. Opening either changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape
from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.params import Parameter

from antiphon.awareness.consent import service, store as ledger
from antiphon.awareness.consent.hosted import HEADERS, hosted_page, is_language
from antiphon.awareness.consent.model import ChannelKind, ChannelRegistry, ConfirmationExpired, Evidence, LinkUsedUp
from antiphon.awareness.consent.preferences import model, page, store
from antiphon.awareness.consent.preferences.model import LinkExpired, PreferenceInvalid, Said, Subject
from antiphon.awareness.consent.preferences.pace import Pace
from antiphon.awareness.consent.preferences.service import state_preferences
from antiphon.awareness.consent.preferences.words import WORDS
from antiphon.awareness.profiles import canonical, every_id
from antiphon.foundation.access import client_address
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.http import PUBLIC, get, post
from antiphon.foundation.ids import BadSignature
from antiphon.foundation.postgres import Connection, PostgresError
from antiphon.foundation.telemetry import get_logger
from antiphon.foundation.words import Language, language_of

log = get_logger(__name__)
Token = Annotated[str, Parameter(max_length=300)]
Asked = Request[Any, Any, Any]
Html = Response[str]
MOST_CHANGES = 200
PERIOD = timedelta(minutes=10)
"""A customer's page writes at most so many rows in so long a time."""


@get("/p/{token:str}", permission=PUBLIC, media_type="text/html", problems=(404, 429))
async def preference_page(ctx: Context, request: Asked, token: Token) -> Html:
    """A customer's preferences: topics by channel, how often, in which language, when not. Opening it changes nothing."""
    saved = request.query_params.get("saved", "")
    return await _answer(ctx, request, token, saved=saved)


@post("/p/{token:str}", permission=PUBLIC, status=200, media_type="text/html", max_body=20_000, problems=(404, 413, 429))
async def save_preferences(ctx: Context, request: Asked, token: Token) -> Html:
    """The customer says what they want; every choice that differs from what the page showed is written with its evidence."""
    if request.headers.get("sec-fetch-site") == "cross-site":  # the link is in our page alone: no other page has a reason
        return _page(_says(language_of(request.headers.get("accept-language")), "invalid"), 404)
    try:
        return await _answer(ctx, request, token, body=await request.body())
    except (AntiphonError, PostgresError) as failed:
        log.warning("preferences could not be noted", error=repr(failed))
        return _page(_says(language_of(request.headers.get("accept-language")), "busy"), 503, {"retry-after": "30"})


async def _answer(ctx: Context, request: Asked, token: str, *, body: bytes | None = None, saved: str = "") -> Html:
    accepted = language_of(request.headers.get("accept-language"))
    try:
        profile_id = model.read_link(ctx.secret, token, ctx.clock.now())
    except BadSignature:
        if not ctx.get(Pace).take(f"forged {client_address(ctx, request)}"):
            return _page(_says(accepted, "often"), 429, {"retry-after": "60"})
        return _page(_says(accepted, "invalid"), 404)
    except LinkExpired:
        return _page(_says(accepted, "expired"), 404)
    if not ctx.get(Pace).take(token):
        return _page(_says(accepted, "often"), 429, {"retry-after": "60"})
    async with ctx.db.transaction() as conn:
        shown = await _shown(ctx, conn, request, token, profile_id, accepted, saved)
        if shown is None:
            return _page(_says(accepted, "invalid"), 404)
        if body is None:
            return _page(page.render(shown))
        if not shown.preview:
            person = await canonical(conn, profile_id)
            assert person is not None
            ids = await every_id(conn, person)
            if await store.count_recent(conn, ids, source=model.OWN_PAGE, period=PERIOD) > MOST_CHANGES:
                return _page(_says(shown.language, "often"), 429, {"retry-after": "300"})
            answer = page.read(body, ctx.clock.now())
            try:
                async with conn.transaction():
                    await _note(ctx, conn, request, shown, person, answer)
            except PreferenceInvalid:
                return _page(page.render(msgspec.structs.replace(shown, wrong=True)), 400)
            done = "none" if answer.nothing else "yes"
        else:
            done = ""
    return Response("", status_code=303, media_type="text/html",
                    headers={**HEADERS, "location": f"?lang={shown.language}&saved={done}"})  # fmt: skip


async def _shown(
    ctx: Context, conn: Connection, request: Asked, token: str, profile_id: int, accepted: Language, saved: str
) -> page.Shown | None:
    """What the page shows; None for somebody who was erased."""
    centre = await store.find_centre(conn)
    registry = ctx.get(ChannelRegistry)
    channels = [k for k in registry if centre.channels is None or k.name in centre.channels]
    subjects = [s for s in await store.list_subjects(conn) if centre.topics is None or s.name in centre.topics]
    preview = profile_id == model.NOBODY
    person_id = None if preview else await canonical(conn, profile_id)
    person = None
    if not preview:
        person = await store.find_person(conn, person_id or 0, [k.identity for k in channels])
        if person is None:
            return None
    wishes: dict[Any, Any] = {}
    granted: frozenset[tuple[str, str]] = frozenset()
    if person_id is not None:
        current = (await store.list_current(conn, [person_id])).get(person_id, [])
        wishes = {w.aspect: w.value for w in current}
        if str(wishes.get("paused_until", "9")) <= ctx.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"):
            del wishes["paused_until"]  # the pause is over
        granted = frozenset((s.channel, s.topic) for s in await ledger.list_states(conn, [person_id]) if s.state == "granted")
    traits = [person.language, person.locale] if person else []
    offered: Sequence[Language] = centre.languages or ["en"]
    asked = request.query_params.get("lang", "")
    if is_language(asked) and asked in offered:
        language = asked
    else:
        language = page.language_for(wishes.get("language"), traits, accepted, offered)
    words = WORDS[language]
    return page.Shown(
        language=language,
        languages=offered,
        logo=centre.logo,
        title=centre.titles.get(language, ""),
        subjects=subjects,
        channels=channels,
        granted=granted,
        wishes=wishes,
        addresses=(person.addresses or {}) if person else {},
        token=token,
        preview=preview,
        status={"yes": words.saved, "none": words.saved_none}.get(saved, "") if not preview else "",
    )


async def _note(ctx: Context, conn: Connection, request: Asked, shown: page.Shown, person: int, answer: page.Answer) -> None:
    """Write down what a customer chose on the page, each with the text that stood beside it."""
    now = ctx.clock.now()
    words = WORDS[shown.language]
    evidence = Evidence(
        url=f"{ctx.settings.base_url}/p/",
        address=client_address(ctx, request),
        user_agent=request.headers.get("user-agent", "")[:400].replace("\0", ""),
    )
    if answer.nothing:
        shown_text = msgspec.structs.replace(evidence, text=words.none)
        for kind in ctx.get(ChannelRegistry):
            await service.withdraw_all(conn, person, kind.name, at=now, source=model.OWN_PAGE, evidence=shown_text)
        return
    boxes: dict[tuple[str, str], tuple[Subject, ChannelKind]] = {
        (kind.name, subject.name): (subject, kind) for kind in shown.channels for subject in shown.subjects
    }
    consents = {box: yes for box, yes in answer.consents.items() if box in boxes}
    labels: dict[Any, str] = {
        "channel": words.channel, "frequency": words.frequency, "language": words.language, "quiet_hours": words.quiet,
        "paused_until": words.pause,
    }  # fmt: skip
    texts = labels | {box: page.choice(shown.language, *boxes[box]) for box in consents}
    said = Said(
        profile_id=person, at=now, source=model.OWN_PAGE, wishes=answer.wishes, consents=consents, evidence=evidence, texts=texts
    )
    await state_preferences(ctx, conn, [said])


def _says(language: Language, what: str) -> str:
    words = WORDS[language]
    title = {"busy": words.busy_title, "often": words.often_title}.get(what, words.invalid_title)
    return hosted_page(language, title, f'<p role="alert">{escape(getattr(words, what))}</p>')


def _page(html: str, status: int = 200, headers: dict[str, str] | None = None) -> Html:
    return Response(html, status_code=status, media_type="text/html", headers={**HEADERS, **(headers or {})})


_CONFIRM: dict[Language, tuple[str, str, str, str, str]] = {
    "en": ("Confirm: {0}", "You would like to receive: {0}.", "Yes, I confirm", "Thank you", "Your choice is recorded: {0}."),
    "ru": ("Подтверждение: {0}", "Вы хотите получать: {0}.", "Да, подтверждаю", "Спасибо", "Ваш выбор сохранён: {0}."),
    "zh": ("请确认：{0}", "您希望收到：{0}。", "是的，我确认", "谢谢", "已记录您的选择：{0}。"),
}


_EXPIRED: dict[Language, tuple[str, str, str, str, str]] = {
    "en": (
        "This link has expired",
        "You were asked a while ago whether you would like to receive: {0}. If you still would, have a new link sent to you.",
        "Send me a new link", "A new link is on its way", "Please confirm by the new message: {0}.",
    ),
    "ru": (
        "Срок ссылки истёк",
        "Некоторое время назад мы спрашивали, хотите ли вы получать: {0}. Если хотите, запросите новую ссылку.",
        "Прислать новую ссылку", "Новая ссылка отправлена", "Подтвердите, пожалуйста, из нового сообщения: {0}.",
    ),
    "zh": (
        "链接已过期", "我们曾询问您是否希望收到：{0}。如仍愿意，请获取新的链接。", "给我发送新链接", "新链接已发送",
        "请通过新消息确认：{0}。",
    ),
}  # fmt: skip


def _too_late(language: Language, called: str) -> str:
    """The page of a link that expired, with the way to a new one."""
    title, text, button, _, _ = _EXPIRED[language]
    form = f'<form method="post" action="?again=true"><button>{escape(button)}</button></form>'
    return hosted_page(language, title, f'<p role="alert">{escape(text.format(called))}</p>{form}')


@get("/confirm/{token:str}", permission=PUBLIC, media_type="text/html", problems=(404, 410))
async def confirmation_page(ctx: Context, request: Asked, token: Token) -> Html:
    """The page a double opt-in message links to. Opening it changes nothing: scanners open links, too."""
    accepted = language_of(request.headers.get("accept-language"))
    async with ctx.db.connection() as conn:
        try:
            pending, expired = await service.pending_of(ctx, conn, token)
        except LinkUsedUp:
            return _page(_says(accepted, "invalid"), 404)
        language = await _spoken(conn, pending.profile_id, accepted)
        called = await _called(conn, pending.topic, language)
        if expired and await service.said_since(ctx, conn, pending) is None:
            return _page(_too_late(language, called), 410)
    title, question, button, _, _ = _CONFIRM[language]
    shown = pending.evidence.text or question.format(called)
    return _page(
        hosted_page(
            language, title.format(called), f'<p>{escape(shown)}</p><form method="post"><button>{escape(button)}</button></form>'
        )
    )


@post("/confirm/{token:str}", permission=PUBLIC, status=200, media_type="text/html", max_body=20_000, problems=(404, 410, 413))
async def confirm_consent(ctx: Context, request: Asked, token: Token, again: bool = False) -> Html:
    """The customer confirms; their consent counts from now. After a later no the link is too old to say yes; one that expired
    says so, and with ``again`` a new one is sent."""
    accepted = language_of(request.headers.get("accept-language"))
    evidence = Evidence(
        url=f"{ctx.settings.base_url}/confirm",
        address=client_address(ctx, request),
        user_agent=request.headers.get("user-agent", "")[:400],
    )
    async with ctx.db.transaction() as conn:
        try:
            counts = await (service.ask_anew(ctx, conn, token) if again else service.confirm(ctx, conn, token, evidence))
        except LinkUsedUp:
            return _page(_says(accepted, "invalid"), 404)
        except ConfirmationExpired:
            pending, _ = await service.pending_of(ctx, conn, token)
            language = await _spoken(conn, pending.profile_id, accepted)
            return _page(_too_late(language, await _called(conn, pending.topic, language)), 410)
        language = await _spoken(conn, counts.profile_id, accepted)
        called = await _called(conn, counts.topic, language)
    if counts.state == "withdrawn":
        return _page(_says(language, "expired"), 404)
    if counts.state == "pending" and again:
        *_, sent, look = _EXPIRED[language]
        return _page(hosted_page(language, sent, f'<p role="status">{escape(look.format(called))}</p>'))
    *_, thanks, done = _CONFIRM[language]
    return _page(hosted_page(language, thanks, f'<p role="status">{escape(done.format(called))}</p>'))


async def _spoken(conn: Connection, profile_id: int, accepted: Language) -> Language:
    """The language of pages for a customer: as they said, as their traits tell, or as their browser asks."""
    centre = await store.find_centre(conn)
    person_id = await canonical(conn, profile_id) or profile_id
    person = await store.find_person(conn, person_id, [])
    current = (await store.list_current(conn, [person_id])).get(person_id, [])
    said = next((w.value for w in current if w.aspect == "language"), None)
    traits = [person.language, person.locale] if person else []
    return page.language_for(said, traits, accepted, centre.languages or ["en"])


async def _called(conn: Connection, topic: str, language: Language) -> str:
    found = {subject.name: subject for subject in await store.list_subjects(conn)}
    return found[topic].called(language)[0] if topic in found else topic


PUBLIC_ROUTES = (preference_page, save_preferences, confirmation_page, confirm_consent)
