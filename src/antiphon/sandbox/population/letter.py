"""What a customer sees of a mail: its links, its pixel, and the ways to leave."""

from __future__ import annotations

import email
import email.policy
import re
from html import unescape

import msgspec

_LINK = re.compile(r"""<a\b[^>]*?\bhref\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_IMAGE = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_ANGLED = re.compile(r"<(https?://[^>]+)>")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as read: addresses to fetch are those of our own installation only (`ours`)."""

    message_id: str
    subject: str
    images: list[str]
    links: list[str]
    one_click: str | None
    """Where RFC 8058's POST goes; None when the mail does not offer it."""
    unsubscribe_page: str | None


def read_letter(content: bytes, ours: str) -> Letter:
    """Parse a mail. `ours` is the beginning of addresses that may be fetched: nothing else on the network is touched."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    part = mail.get_body(("html",))
    html = part.get_content() if part is not None else ""
    target = _ANGLED.search(str(mail.get("List-Unsubscribe", "")))
    leave = target[1] if target and target[1].startswith(ours) else None
    one_click = "one-click" in str(mail.get("List-Unsubscribe-Post", "")).lower()
    links = [unescape(found) for found in _LINK.findall(html)]
    page = next((link for link in links if link.startswith(f"{ours}/u/")), leave)
    return Letter(
        message_id=str(mail.get("Message-ID", "")),
        subject=str(mail.get("Subject", "")),
        images=[url for url in map(unescape, _IMAGE.findall(html)) if url.startswith(ours)],
        links=[link for link in links if link.startswith(ours) and not link.startswith(f"{ours}/u/")],
        one_click=leave if one_click else None,
        unsubscribe_page=page,
    )
