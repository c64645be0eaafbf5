"""What people attach to their mail: taken out while the mail is made small, so many and so large, and named harmlessly."""

from __future__ import annotations

import binascii
import quopri
import re
from email import message_from_bytes
from email.policy import compat32

import msgspec

from antiphon.execution.channels.email.address import one_line
from antiphon.execution.channels.email.letters import words

MOST_FILES = 10
MOST_FILE = 5_000_000  # octets of one, decoded
MOST_OCTETS = 10_000_000  # of all
RAW_FILE = MOST_FILE * 11 // 8  # as Base64 with its lines
RAW_OCTETS = MOST_OCTETS * 11 // 8
_NAME = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?\"<>|]+")
_KIND = re.compile(r"^[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}$")


class File(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment. Its name is safe to show and to save under; its type is what its sender says."""

    name: str
    content_type: str
    octets: bytes


def file_of(head: bytes, body: bytes) -> File | None:
    """The attachment of an entity's headers and body; None where there is nothing in it. Never raises."""
    try:
        part = message_from_bytes(head.rstrip(b"\r\n") + b"\r\n\r\n", policy=compat32)
        octets = _decoded(body, str(part.get("content-transfer-encoding", "")).strip().lower())
        if not octets or len(octets) > MOST_FILE:
            return None
        kind = part.get_content_type().lower()
        kind = kind if _KIND.match(kind) else "application/octet-stream"
        return File(name=harmless(words(part.get_filename() or "")), content_type=kind, octets=octets)
    except Exception:  # a stranger's headers: a file nobody can read is none
        return None


def harmless(name: str) -> str:
    """A name without folders, control and direction marks, of at most 120 characters."""
    last = re.split(r"[/\\]", one_line(name))[-1]
    plain = _NAME.sub("_", last).strip(" .")[:120].strip(" .")
    return plain or "attachment"


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        clean = re.sub(rb"[^A-Za-z0-9+/=]", b"", body)
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    return body.removesuffix(b"\r\n").removesuffix(b"\n")
