"""Links found and marked once, when a template is compiled; their final addresses are filled in for each person.

A link whose address holds no Liquid is *static*: it becomes a row of ``link``, and clicks on it can be counted per link.
One with Liquid in it is *personal*: its finished address travels inside its own signed token.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import urlsplit

from antiphon.execution.content.model import Link, Links as LinksOf
from antiphon.execution.content.tokens import Hidden

_HREF = re.compile(
    r"(<(?:a|area)\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*?\s)href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE
)
_UNTRACKED = re.compile(r"\sdata-track\s*=\s*[\"']?off\b", re.IGNORECASE)
_BARE = re.compile(r"https?://[^\s<>\"'()\[\]{}|\\^`]+[^\s<>\"'()\[\]{}|\\^`.,;:!?]")
_UNSUBSCRIBE = re.compile(r"\{\{-?\s*(?:unsubscribe_url|preferences_url)\b.*\}\}", re.DOTALL)
_SAFE = ("http://", "https://", "mailto:", "tel:", "sms:", "#")


class LinkTable:
    """The links of one template in the order found; each static address once."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.urls: list[str] = []
        self.found: list[Link] = []

    def static(self, url: str) -> str:
        """The placeholder of a static address."""
        if url not in self.urls:
            self.urls.append(url)
            self.found.append(Link(url=url, static=True))
        return f"{self.mark}S{self.urls.index(url)}q"

    def personal(self, inner: str, written: str) -> str:
        """The placeholders around an address that is only known per person."""
        link = Link(url=written, static=False)
        if link not in self.found:
            self.found.append(link)
        return f"{self.mark}D{inner}{self.mark}E"


def mark_html(html: str, hidden: Hidden, table: LinkTable) -> str:
    """Put placeholders into the ``href`` of each link; what cannot be tracked stays as it is."""

    def swap(found: re.Match[str]) -> str:
        raw = found[2] if found[2] is not None else found[3] if found[3] is not None else found[4]
        if _UNTRACKED.search(found[0]) or _UNTRACKED.search(html[found.end() : html.find(">", found.end())]):
            return found[0]
        if raw in hidden:
            if _UNSUBSCRIBE.fullmatch(hidden.piece(raw) or ""):
                return found[0]
            return f'{found[1]}href="{table.personal(raw, hidden.restore(unescape(raw)))}"'
        url = unescape(raw).strip()
        if not url.lower().startswith(("http://", "https://")):
            return found[0]
        return f'{found[1]}href="{table.static(url)}"'

    return _HREF.sub(swap, html)


def mark_text(text: str, hidden: Hidden, table: LinkTable) -> str:
    """Put placeholders around bare addresses of a plain text."""

    def swap(found: re.Match[str]) -> str:
        url = found[0]
        return table.personal(url, hidden.restore(url)) if url in hidden else table.static(url)

    return _BARE.sub(swap, text)


def picture(url: str | None) -> str:
    """The image whose loading counts as an open."""
    return f'<img src="{escape(url)}" width="1" height="1" alt="" style="display:block;border:0">' if url else ""


def filler(mark: str) -> Callable[[str, LinksOf, dict[str, str], bool], str]:
    """A function that replaces all placeholders of one rendered part: ``fill(text, links, fixed, html)``."""
    pattern = re.compile(rf"{mark}(?:S(\d+)q|D(.*?){mark}E|(P))", re.DOTALL)

    def fill(text: str, links: LinksOf, fixed: dict[str, str], html: bool) -> str:
        def swap(found: re.Match[str]) -> str:
            if found[1] is not None:
                return fixed[found[1]]
            if found[2] is not None:
                url = (unescape(found[2]) if html else found[2]).strip()
                if not url.lower().startswith(_SAFE):
                    return "#"
                signed = links.signed(url)
                return escape(signed) if html else signed
            return picture(links.open_url)

        return pattern.sub(swap, text)

    return fill


FAULTS = {
    "empty": "the address is empty",
    "only_hash": "the address is only #",
    "space": "the address contains a space",
    "malformed": "the address is broken",
    "relative": "the address is relative: in a message it leads nowhere",
    "scheme": "such an address cannot be opened from a message",
    "host": "the address has no proper host",
}
"""What can be wrong with an address, by a stable code."""


def fault(url: str) -> str | None:
    """The code in ``FAULTS`` of what is wrong with a static address; None if nothing is."""
    if not url:
        return "empty"
    if url.startswith("#"):
        return None if len(url) > 1 else "only_hash"
    if re.search(r"\s", url):
        return "space"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "malformed"
    if parts.scheme in ("mailto", "tel", "sms"):
        return None if parts.path else "empty"
    if not parts.scheme:
        return "relative"
    if parts.scheme not in ("http", "https"):
        return "scheme"
    if not host or ("." not in host and ":" not in host and host != "localhost") or ".." in host:
        return "host"
    return None
