"""The alphabets of SMS: GSM 7 bit default (3GPP TS 23.038, 6.2.1, with its extension table) and UCS-2.

Octets of the GSM alphabet are one septet each, unpacked, as SMPP carries them. UCS-2 is sent as UTF-16, big-endian,
which telephones of the last twenty years read beyond the basic plane.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Alphabet = Literal["gsm", "ucs2"]

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
ESCAPE = 0x1B

_ENCODE = {char: bytes([at]) for at, char in enumerate(_BASIC) if at != ESCAPE} | {
    char: bytes([ESCAPE, at]) for char, at in _EXTENSION.items()
}
_TABLE = {ord(char): octets.decode("latin-1") for char, octets in _ENCODE.items()}
_EXTENDED = {at: char for char, at in _EXTENSION.items()}
EXTENDED = frozenset(_EXTENSION)
GSM = frozenset(_ENCODE)
_WIDE = re.compile("[" + re.escape("".join(sorted(EXTENDED))) + "]")
_ONLY_GSM = re.compile("[" + re.escape("".join(sorted(GSM))) + "]*")

_NOISE = dict[int, str | None].fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x200B, 0xFEFF)) | {
    0x0A: "\n", 0x0C: "\n", 0x0D: "\n", 0x09: " ", 0x85: "\n", 0x2028: "\n", 0x2029: "\n",
}  # fmt: skip


def clean(text: str) -> str:
    """What a telephone can show: line breaks alike, no other control characters, no halves of surrogate pairs, no blank end."""
    text = text.replace("\r\n", "\n").translate(_NOISE)
    return text.encode("utf-16-be", "replace").decode("utf-16-be").rstrip()


def alphabet_of(text: str) -> Alphabet:
    """The alphabet a text needs."""
    return "gsm" if _ONLY_GSM.fullmatch(text) else "ucs2"


def encode_gsm(text: str) -> bytes:
    """One octet for each septet of a text that is in the alphabet."""
    return text.translate(_TABLE).encode("latin-1")


def septets(text: str) -> int:
    """How many septets a text of the alphabet has."""
    return len(text) + len(_WIDE.findall(text))


def decode_gsm(octets: bytes) -> str:
    """The text of unpacked septets; what no table has becomes a blank, as 23.038 wants of an unknown extension."""
    found: list[str] = []
    escaped = False
    for octet in octets:
        septet = octet & 0x7F
        if escaped:
            found.append(_EXTENDED.get(septet, " "))
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            found.append(_BASIC[septet])
    return "".join(found)


def encode_ucs2(text: str) -> bytes:
    """UTF-16, big-endian."""
    return text.encode("utf-16-be")


def decode_ucs2(octets: bytes) -> str:
    """The text of UTF-16; broken pairs become replacement characters."""
    return octets[: len(octets) & ~1].decode("utf-16-be", "replace")


_LATIN = str.maketrans({
    **dict(zip("абвгдеёзийклмнопрстуфыэі", "abvgdeeziiklmnoprstufyei", strict=True)),
    **dict(zip("АБВГДЕЁЗИЙКЛМНОПРСТУФЫЭІ", "ABVGDEEZIIKLMNOPRSTUFYEI", strict=True)),
    "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia", "ъ": "", "ь": "",
    "Ж": "Zh", "Х": "Kh", "Ц": "Ts", "Ч": "Ch", "Ш": "Sh", "Щ": "Shch", "Ю": "Iu", "Я": "Ia", "Ъ": "", "Ь": "",
    "є": "ie", "Є": "Ie", "ї": "i", "Ї": "I", "ґ": "g", "Ґ": "G", "ў": "u", "Ў": "U",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "`": "'", "–": "-", "—": "-", "−": "-",
    "‑": "-", "…": "...", "•": "*", "·": ".", "№": "No.", "₽": "RUB", "™": "(TM)", "©": "(C)", "®": "(R)", "×": "x",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
})  # fmt: skip
"""Cyrillic as ICAO 9303 writes it in passports, and the signs word processors put in place of plain ones."""


def transliterate(text: str) -> str:
    """The same in the GSM alphabet, letter by letter, where that can be; a text that still would not fit stays as it was."""
    if alphabet_of(text) == "gsm":
        return text
    plain: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char in GSM:
            plain.append(char)
            continue
        written = char.translate(_LATIN)
        if written == char:
            written = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
        plain.append(written)
    done = "".join(plain)
    return done if alphabet_of(done) == "gsm" else text
