"""Addresses as SMTP and headers want them (RFC 5321, 5322, 6531, IDNA)."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from antiphon.execution.channels.errors import Unsuitable

_PLAIN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+\Z")


class BadAddress(Unsuitable):
    """{address} is not an e-mail address."""

    code = "email-address-invalid"


class Mailbox(NamedTuple):
    """An address ready for the wire; ``utf8`` when its local part needs SMTPUTF8."""

    address: str
    utf8: bool


def mailbox(address: str) -> Mailbox:
    """Check an address and put its domain into ASCII. Raises `BadAddress`."""
    if len(address) <= 254 and _PLAIN.match(address) and address.index("@") <= 64:
        return Mailbox(address, False)
    return _unusual(address)


@lru_cache(maxsize=4096)
def _unusual(address: str) -> Mailbox:
    try:
        found = validate_email(address.strip(), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as bad:
        raise BadAddress(address=address[:100]) from bad
    if found.ascii_email is not None:
        return Mailbox(found.ascii_email, False)
    return Mailbox(f"{found.local_part}@{found.ascii_domain}", True)


def one_line(text: str) -> str:
    """Text that cannot end a header: every run of control characters is one space."""
    return _CONTROL.sub(" ", text).strip()


def encoded(text: str) -> str:
    """Unstructured header text (RFC 2047): as it is if ASCII, else in encoded words; folded; always one header."""
    text = one_line(text)
    if text.isascii() and "=?" not in text:
        return text if len(text) <= 66 else _folded(text)
    return encoded_words(text)


def _folded(text: str) -> str:
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > 66:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    if max(map(len, lines)) > 900:  # a "word" of a thousand letters: RFC 5322's limit is 998
        return encoded_words(text)
    return "\r\n ".join(lines)


def _chunks(text: str) -> list[bytes]:
    chunks: list[bytes] = []
    room = bytearray()
    for char in text:
        raw = char.encode()
        if len(room) + len(raw) > 39:  # with "Subject: " before it a line has 73 characters; RFC 2047 allows 76
            chunks.append(bytes(room))
            room.clear()
        room += raw
    chunks.append(bytes(room))
    return chunks


def named(name: str, address: str) -> str:
    """``Name <address>`` for a header."""
    name = one_line(name)
    if not name:
        return address
    if _ATOMS.match(name):
        return f"{name} <{address}>"
    if name.isascii() and "=?" not in name and len(name) < 60:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{encoded_words(name)}\r\n <{address}>"


def encoded_words(text: str) -> str:
    """Always in encoded words: for display names, where bare text has a syntax of its own."""
    return "\r\n ".join(f"=?utf-8?b?{b64encode(chunk).decode()}?=" for chunk in _chunks(one_line(text)))
