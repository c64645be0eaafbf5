"""The frame of pages customers see: plain HTML in their language, no scripts, nothing loaded from anywhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TypeGuard

from antiphon.foundation.words import LANGUAGES, Language

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
h1{{font-size:clamp(1.35rem,6vw,2rem);overflow-wrap:anywhere}}
button{{font:inherit;padding:.6rem 1.4rem;border:1px solid #1f4fd8;border-radius:.4rem;background:#1f4fd8;color:#fff;
cursor:pointer;margin:0 .6rem .6rem 0}}
button.second{{background:#fff;color:#1f4fd8}}button:focus-visible{{outline:3px solid #e08a00}}
.quiet{{color:#5a5a66}}a{{color:#1f4fd8}}
@media(prefers-color-scheme:dark){{body{{color:#eee;background:#17181c}}.quiet{{color:#b4b4c0}}a{{color:#9db6ff}}
button.second{{background:#17181c;color:#9db6ff}}}}
{style}</style></head><body><main>{heading}{body}</main></body></html>"""


def hosted_page(language: Language, title: str, body: str, *, style: str = "", heading: str | None = None) -> str:
    """A whole page. ``body``, ``style`` and ``heading`` are HTML and CSS of ours, the title is text."""
    shown = f"<h1>{escape(title)}</h1>" if heading is None else heading
    return _PAGE.format(language=language, title=escape(title), body=body, style=style, heading=shown)


def is_language(tag: object) -> TypeGuard[Language]:
    """Whether it is a language these pages are written in."""
    return tag in LANGUAGES


def veiled(address: str) -> str:
    """An address that its owner recognises and nobody else learns: a••••@example.com."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}••••{at}{domain}" if at else f"{address[:2]}••••{address[-2:]}"
