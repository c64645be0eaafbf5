"""Liquid hidden from HTML tools: tags and outputs become placeholders that survive parsing, and come back unchanged.

An output becomes a word, good in text, attributes, addresses and styles alike. A tag that stands between elements becomes a
comment, because a parser moves words out of tables but leaves comments where they are.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from antiphon.execution.content.errors import TemplateInvalid

_LIQUID = re.compile(
    r"\{%-?\s*(?P<block>raw|comment|doc)\s*-?%\}.*?\{%-?\s*end(?P=block)\s*-?%\}"
    r"|\{\{.*?\}\}"
    r"|\{%.*?%\}",
    re.DOTALL,
)
_STRUCTURE = frozenset(
    [
        "mjml",
        "mj-body",
        "mj-section",
        "mj-column",
        "mj-wrapper",
        "mj-group",
        "mj-hero",
        "mj-navbar",
        "mj-social",
        "mj-carousel",
        "mj-accordion",
        "mj-accordion-element",
    ]
)
_VOID = re.compile(r"/\s*$")


class Hidden(NamedTuple):
    """A source with placeholders in it, and how to bring the Liquid back."""

    text: str
    mark: str
    pieces: list[str]

    def restore(self, text: str) -> str:
        """Put every Liquid piece back where its placeholder now is."""
        return re.sub(rf"<!--{self.mark}(\d+)q-->|{self.mark}(\d+)q", lambda m: self.pieces[int(m[1] or m[2])], text)

    def piece(self, text: str) -> str | None:
        """The Liquid of a text that is one placeholder and nothing else."""
        found = re.fullmatch(rf"\s*{self.mark}(\d+)q\s*", text)
        return self.pieces[int(found[1])] if found else None

    def __contains__(self, text: object) -> bool:
        """Whether a text holds any placeholder."""
        return isinstance(text, str) and self.mark in text


def hide(source: str, mark: str, *, mjml: bool = False) -> Hidden:
    """Replace each piece of Liquid. ``mark`` is a word of letters that the source does not contain."""
    if mark in source:
        raise TemplateInvalid("contains the mark used while compiling")
    out: list[str] = []
    pieces: list[str] = []
    place = _Place()
    end = 0
    for found in _LIQUID.finditer(source):
        between = source[end : found.start()]
        place.read(between)
        out.append(between)
        piece = found[0]
        name = f"{mark}{len(pieces)}q"
        pieces.append(piece)
        if piece.startswith("{{"):
            between_elements = mjml and place.between_elements and place.structural
            out.append(f"<mj-raw>{name}</mj-raw>" if between_elements else name)
        elif place.between_elements:
            comment = f"<!--{name}-->"
            out.append(f"<mj-raw>{comment}</mj-raw>" if mjml and place.structural else comment)
        else:
            out.append(name)
        end = found.end()
    out.append(source[end:])
    return Hidden("".join(out), mark, pieces)


class _Place:
    """Where in HTML a scanner stands: inside a tag, a comment, a raw element, or between elements; and in which."""

    def __init__(self) -> None:
        self._state = "text"
        self._quote = ""
        self._tag = ""
        self._open: list[str] = []
        self._readers = {
            "text": self._in_text,
            "comment": self._in_comment,
            "tag": self._in_tag,
            "raw": self._in_raw,
        }

    @property
    def between_elements(self) -> bool:
        return self._state == "text"

    @property
    def structural(self) -> bool:
        return bool(self._open) and self._open[-1] in _STRUCTURE

    def read(self, text: str) -> None:
        position = 0
        while position < len(text):
            position = self._readers[self._state](text, position)

    def _in_text(self, text: str, at: int) -> int:
        start = text.find("<", at)
        if start < 0:
            return len(text)
        if text.startswith("<!--", start):
            self._state = "comment"
            return start + 4
        if start + 1 < len(text) and (text[start + 1].isalpha() or text[start + 1] in "/!?"):
            self._state, self._tag = "tag", ""
        return start + 1

    def _in_comment(self, text: str, at: int) -> int:
        end = text.find("-->", at)
        if end < 0:
            return len(text)
        self._state = "text"
        return end + 3

    def _in_tag(self, text: str, at: int) -> int:
        for index in range(at, len(text)):
            char = text[index]
            if self._quote:
                if char == self._quote:
                    self._quote = ""
            elif char in "\"'":
                self._quote = char
            elif char == ">":
                self._close_tag()
                return index + 1
            self._tag += char
        return len(text)

    def _in_raw(self, text: str, at: int) -> int:
        end = text.lower().find(f"</{self._open[-1]}", at)
        if end < 0:
            return len(text)
        self._state, self._tag = "tag", ""
        return end + 1

    def _close_tag(self) -> None:
        self._state = "text"
        match = re.match(r"(/?)\s*([a-zA-Z][\w-]*)", self._tag)
        if not match:
            return
        name = match[2].lower()
        if match[1]:
            if name in self._open:
                del self._open[len(self._open) - 1 - self._open[::-1].index(name) :]
        elif not _VOID.search(self._tag):
            self._open.append(name)
            if name in ("style", "script", "title", "textarea"):
                self._state = "raw"
