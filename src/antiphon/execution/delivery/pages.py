"""The hosted pages customers see: plain HTML in their language, no scripts, nothing loaded from anywhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import msgspec

from antiphon.awareness.consent import HOSTED_HEADERS, hosted_page, veiled
from antiphon.foundation.words import Language

HEADERS = HOSTED_HEADERS
__all__ = ["HEADERS", "WORDS", "Language", "busy", "done", "invalid", "question", "veiled"]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page says, in one language."""

    title: str
    question: str
    address: str
    one: str
    all: str
    more: str
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
        more="Choose what you receive",
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
        more="Выбрать, что получать",
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
        more="选择接收内容",
        done_title="您已退订",
        done="您将不再收到“{topic}”。",
        done_all="您将不再收到我们的新闻和优惠信息。",
        invalid_title="链接无效",
        invalid="请重新使用邮件中的完整链接。",
        busy_title="请重试",
        busy="暂时无法保存您的选择，请稍后再试。",
    ),
}


def question(language: Language, topic: str, address: str | None, preferences: str) -> str:
    """The page an unsubscribe link opens, with the way to the preference page. Opening it changes nothing: scanners do."""
    words = WORDS[language]
    about = f'<p class="quiet">{escape(words.address.format(address=veiled(address)))}</p>' if address else ""
    return hosted_page(
        language,
        words.title,
        f"<p>{escape(words.question.format(topic=topic))}</p>{about}"
        f'<form method="post"><button name="scope" value="topic">{escape(words.one)}</button>'
        f'<button class="second" name="scope" value="all">{escape(words.all)}</button></form>'
        f'<p><a href="{escape(preferences)}">{escape(words.more)}</a></p>',
    )


def done(language: Language, topic: str, everything: bool, preferences: str) -> str:
    """The page after unsubscribing, with the way to the preference page."""
    words = WORDS[language]
    text = words.done_all if everything else words.done.format(topic=topic)
    return hosted_page(
        language,
        words.done_title,
        f'<p role="status">{escape(text)}</p><p><a href="{escape(preferences)}">{escape(words.more)}</a></p>',
    )


def invalid(language: Language) -> str:
    """The page for a token that is not ours."""
    words = WORDS[language]
    return hosted_page(language, words.invalid_title, f"<p>{escape(words.invalid)}</p>")


def busy(language: Language) -> str:
    """The page when nothing could be stored."""
    words = WORDS[language]
    return hosted_page(language, words.busy_title, f'<p role="alert">{escape(words.busy)}</p>')
