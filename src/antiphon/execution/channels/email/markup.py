"""HTML of strangers as the lines of text a reader would see, in one pass and without a tree: what mail programs mark as quoted is
left away."""

from __future__ import annotations

import re
from html import unescape

MOST = 400_000  # characters looked at
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})([^<>]{0,4000})>")
_OTHER = re.compile(r"<[!?/][^<>]{0,4000}>")
_SKIPPED = frozenset({"blockquote", "style", "script", "head", "title"})
_LINES = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "table", "ul", "ol", "hr"})
_EMPTY = frozenset({"br", "hr", "img", "input", "meta", "link"})
_QUOTED = re.compile(r"gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix|OutlookMessageHeader")
# From here on everything is the message answered: Outlook's marks.
_END = re.compile(r"divRplyFwdMsg|appendonsend|isForwardContent|mail-editor-reference-message-container")
_BLANK = re.compile(r"[ \t\r\f\v]+")


def text_of_html(html: str) -> str:
    """The text, its lines parted as the markup parts them."""
    html = _without_comments(html[:MOST])
    out: list[str] = []
    at, skipping, depth = 0, "", 0
    for tag in _TAG.finditer(html):
        if not skipping:
            out.append(_shown(html[at : tag.start()]))
        at = tag.end()
        closes, name, more = tag[1], tag[2].lower(), tag[3]
        if skipping:
            if name == skipping:
                depth += -1 if closes else 1
                skipping = skipping if depth else ""
        elif not closes and _END.search(more):
            at = len(html)
            break
        elif not closes and name not in _EMPTY and (name in _SKIPPED or _QUOTED.search(more)):
            skipping, depth = name, 1
        elif name in _LINES:
            out.append("\n")
    if not skipping:
        out.append(_shown(html[at:]))
    lines = [_BLANK.sub(" ", line).strip() for line in "".join(out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _shown(text: str) -> str:
    return unescape(_OTHER.sub("", text).replace("\n", " "))


def _without_comments(html: str) -> str:
    out: list[str] = []
    at = 0
    while (start := html.find("<!--", at)) >= 0:
        out.append(html[at:start])
        end = html.find("-->", start + 4)
        if end < 0:
            return "".join(out)
        at = end + 3
    out.append(html[at:])
    return "".join(out)
