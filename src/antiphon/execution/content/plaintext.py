"""The plain-text part, made from HTML. Runs once on a template's source, with its Liquid hidden, not once a person."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "html",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ]
)
_LINES = frozenset(["br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "caption"])
_SKIPPED = frozenset(["head", "script", "style", "title", "noscript", "template", "svg"])
_VOIDS = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


class _Reader(HTMLParser):
    def __init__(self, mark: str) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._mark = mark
        self._skipping: list[str] = []
        self._links: list[tuple[str | None, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipping or tag in _SKIPPED:
            if tag not in _VOIDS:
                self._skipping.append(tag)
            return
        named = dict(attrs)
        if _hidden(named.get("style")):
            if tag not in _VOIDS:
                self._skipping.append(tag)
            return
        if tag in _BLOCKS:
            self.out.append("\n\n")
        elif tag in _LINES:
            self.out.append("\n\n" if tag[0] == "h" else "\n")
        if tag == "li":
            self.out.append("- ")
        elif tag == "td" or tag == "th":
            self.out.append(" ")
        elif tag == "img" and named.get("alt"):
            self.out.append(named["alt"] or "")
        elif tag == "a":
            self._links.append((named.get("href"), len(self.out)))

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag in self._skipping:
                del self._skipping[len(self._skipping) - 1 - self._skipping[::-1].index(tag) :]
            return
        if tag in _BLOCKS:
            self.out.append("\n\n")
        elif tag in _LINES and tag != "br":
            self.out.append("\n")
        elif tag == "a" and self._links:
            href, start = self._links.pop()
            label = "".join(self.out[start:]).strip()
            if href and not href.startswith("#") and href != label:
                self.out.append(f" ( {unescape(href)} )" if label else unescape(href))

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.out.append(re.sub(r"[ \t\r\n\f]+", " ", data))

    def handle_comment(self, data: str) -> None:
        # Liquid tags travel as comments; they are kept even where text is skipped, so that blocks stay balanced.
        if data.startswith(self._mark):
            self.out.append(f"<!--{data}-->")


def _hidden(style: str | None) -> bool:
    return bool(style) and re.search(r"display\s*:\s*none", style or "", re.IGNORECASE) is not None


def from_html(html: str, mark: str) -> str:
    """Readable text: paragraphs apart, list items marked, addresses of links after their words."""
    reader = _Reader(mark)
    reader.feed(html)
    reader.close()
    text = "".join(reader.out).replace("\xa0", " ")
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
    text = re.sub(r"[ \t]{2,}", " ", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
