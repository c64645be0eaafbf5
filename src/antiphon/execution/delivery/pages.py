"""The hosted pages customers see: plain HTML in their language, no scripts, nothing loaded from anywhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Literal

import msgspec

Language = Literal["en", "ru", "zh"]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page says, in one language."""

    title: str
    question: str
    address: str
    one: str
    all: str
    done_title: str
    done: str
    done_all: str
    invalid_title: str
    invalid: str
    busy_title: str
    busy: str


WORDS: Mapping[Language, Words] = {
    "en": Words(
        title="Unsubscribe",
        question="Do you no longer want to receive “{topic}”?",
        address="Messages to {address}",
        one="Unsubscribe",
        all="Unsubscribe from everything",
        done_title="You are unsubscribed",
        done="You will no longer receive “{topic}”.",
        done_all="You will no longer receive news and offers from us.",
        invalid_title="This link is not valid",
        invalid="Please use the link from the message again, whole and unchanged.",
        busy_title="Please try again",
        busy="Your choice could not be saved just now. Please try again in a minute.",
    ),
    "ru": Words(
        title="Отписаться",
        question="Больше не присылать вам «{topic}»?",
        address="Сообщения на адрес {address}",
        one="Отписаться",
        all="Отписаться от всех рассылок",
        done_title="Вы отписаны",
        done="Мы больше не будем присылать вам «{topic}».",
        done_all="Мы больше не будем присылать вам новости и предложения.",
        invalid_title="Ссылка недействительна",
        invalid="Откройте ссылку из письма ещё раз, целиком и без изменений.",
        busy_title="Попробуйте ещё раз",
        busy="Сейчас не удалось сохранить ваш выбор. Попробуйте через минуту.",
    ),
    "zh": Words(
        title="退订",
        question="您不想再收到“{topic}”了吗？",
        address="发送至 {address} 的消息",
        one="退订",
        all="退订全部消息",
        done_title="您已退订",
        done="您将不再收到“{topic}”。",
        done_all="您将不再收到我们的新闻和优惠信息。",
        invalid_title="链接无效",
        invalid="请重新使用邮件中的完整链接。",
        busy_title="请重试",
        busy="暂时无法保存您的选择，请稍后再试。",
    ),
}

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
}

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title><style>
body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;color:#1b1b1f;background:#fff}}
button{{font:inherit;padding:.6rem 1.4rem;border:1px solid #1f4fd8;border-radius:.4rem;background:#1f4fd8;color:#fff;
cursor:pointer;margin:0 .6rem .6rem 0}}
button.second{{background:#fff;color:#1f4fd8}}button:focus-visible{{outline:3px solid #e08a00}}
.quiet{{color:#5a5a66}}
@media(prefers-color-scheme:dark){{body{{color:#eee;background:#17181c}}.quiet{{color:#b4b4c0}}
button.second{{background:#17181c;color:#9db6ff}}}}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""


def language_of(accepted: str | None) -> Language:
    """The best of our languages for an Accept-Language header; English if none fits."""
    wanted: list[tuple[float, str]] = []
    for part in (accepted or "")[:500].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        wanted.append((-weight, tag.strip().lower().partition("-")[0]))
    for weight, tag in sorted(wanted, key=lambda w: w[0]):
        if tag in ("en", "ru", "zh") and weight < 0:
            return tag  # type: ignore[return-value]
    return "en"


def veiled(address: str) -> str:
    """An address that its owner recognises and nobody else learns: a••••@example.com."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}••••{at}{domain}" if at else f"{address[:2]}••••{address[-2:]}"


def question(language: Language, topic: str, address: str | None) -> str:
    """The page an unsubscribe link opens. Opening it changes nothing: scanners open links, too."""
    words = WORDS[language]
    about = f'<p class="quiet">{escape(words.address.format(address=veiled(address)))}</p>' if address else ""
    return _page(
        language,
        words.title,
        f"<p>{escape(words.question.format(topic=topic))}</p>{about}"
        f'<form method="post"><button name="scope" value="topic">{escape(words.one)}</button>'
        f'<button class="second" name="scope" value="all">{escape(words.all)}</button></form>',
    )


def done(language: Language, topic: str, everything: bool) -> str:
    """The page after unsubscribing."""
    words = WORDS[language]
    text = words.done_all if everything else words.done.format(topic=topic)
    return _page(language, words.done_title, f'<p role="status">{escape(text)}</p>')


def invalid(language: Language) -> str:
    """The page for a token that is not ours."""
    words = WORDS[language]
    return _page(language, words.invalid_title, f"<p>{escape(words.invalid)}</p>")


def busy(language: Language) -> str:
    """The page when nothing could be stored."""
    words = WORDS[language]
    return _page(language, words.busy_title, f'<p role="alert">{escape(words.busy)}</p>')


def _page(language: Language, title: str, body: str) -> str:
    return _PAGE.format(language=language, title=escape(title), body=body)
