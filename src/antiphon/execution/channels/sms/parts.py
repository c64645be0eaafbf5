"""How many parts a text takes and where it is cut (3GPP TS 23.040, 9.2.3.24.1: concatenated short messages).

A part holds 140 octets: 160 septets or 70 UTF-16 units alone; less behind a header that joins it to the others.
An extension character's two septets and a surrogate pair's two units are never cut apart.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from antiphon.execution.channels.errors import TextTooLong, Unsuitable
from antiphon.execution.channels.model import Size
from antiphon.execution.channels.sms.alphabet import EXTENDED, Alphabet, alphabet_of, clean, septets, transliterate

Joining = Literal["8bit", "16bit", "payload"]
MOST = 255  # parts one header can count


class Room(NamedTuple):
    """Units of one part: alone, and joined to others."""

    alone: int
    joined: int


_ROOM: dict[tuple[Alphabet, bool], Room] = {
    ("gsm", False): Room(160, 153),  # header of six octets: seven septets
    ("gsm", True): Room(160, 152),  # of seven octets: eight septets
    ("ucs2", False): Room(70, 67),
    ("ucs2", True): Room(70, 66),
}


class TextEmpty(Unsuitable):
    """There is nothing to say: the text is empty."""

    code = "sms-text-empty"


class TooManyParts(TextTooLong):
    """The text needs {parts} parts; at most {most} are allowed."""

    code = "sms-too-many-parts"


def room(alphabet: Alphabet, joining: Joining = "8bit") -> Room:
    """The units a part has room for."""
    return _ROOM[alphabet, joining == "16bit"]


def units(text: str, alphabet: Alphabet) -> int:
    """Septets or UTF-16 units of a text."""
    if alphabet == "gsm":
        return septets(text)
    return len(text.encode("utf-16-be")) // 2


def split(text: str, alphabet: Alphabet, joining: Joining = "8bit") -> list[str]:
    """The parts of a text, in order; joined they are the text again. An empty text is one empty part."""
    space = room(alphabet, joining)
    if units(text, alphabet) <= space.alone:
        return [text]
    parts: list[str] = []
    start = used = 0
    for at, char in enumerate(text):
        width = 2 if (char in EXTENDED if alphabet == "gsm" else char > "\uffff") else 1
        if used + width > space.joined:
            parts.append(text[start:at])
            start, used = at, 0
        used += width
    parts.append(text[start:])
    return parts


def measure(text: str, joining: Joining = "8bit", alphabet: Alphabet | None = None) -> Size:
    """Measure a text as it is, in the alphabet it needs or a given one; units are septets, or UTF-16 units."""
    alphabet = alphabet or alphabet_of(text)
    parts = split(text, alphabet, joining)
    space = room(alphabet, joining)
    per_part = space.alone if len(parts) == 1 else space.joined
    wide = "" if alphabet == "gsm" else "".join(dict.fromkeys(c for c in text if alphabet_of(c) != "gsm"))
    return Size(
        alphabet=alphabet,
        units=units(text, alphabet),
        parts=len(parts),
        left=per_part - units(parts[-1], alphabet),
        per_part=per_part,
        widening=wide[:50],
    )


def fitted(text: str, *, plain: bool) -> str:
    """The text as it will be said: cleaned and, if ``plain``, put into the GSM alphabet where that can be. Raises `TextEmpty`."""
    text = clean(text)
    if not text:
        raise TextEmpty(field="text")
    return transliterate(text) if plain else text


def allowed(count: int, *, splits: bool, most: int) -> None:
    """Whether a message may go in so many parts. Raises `TextTooLong`, `TooManyParts`."""
    if count > 1 and not splits:
        raise TextTooLong(parts=count)
    if count > min(most, MOST):
        raise TooManyParts(parts=count, most=min(most, MOST))
