"""MIME, written from a skeleton: what is alike in many messages is made once, each message only fills it in."""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from antiphon.execution.channels.email.address import encoded, mailbox, named, one_line
from antiphon.execution.channels.email.dkim import Signer
from antiphon.execution.channels.errors import Unsuitable
from antiphon.execution.channels.model import Message

_TOKEN = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+\Z")
_OURS = frozenset(
    [
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "sender",
        "reply-to",
        "message-id",
        "return-path",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "feedback-id",
        "received",
        "dkim-signature",
    ]
)
_FEEDBACK = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 900  # octets of a line; RFC 5321 allows 998


class BadHeader(Unsuitable):
    """The header {name} cannot be set this way."""

    code = "email-header-invalid"


class Letterhead(Protocol):
    """Who writes: what an account's settings say of the sender."""

    @property
    def from_email(self) -> str: ...
    @property
    def from_name(self) -> str: ...
    @property
    def reply_to(self) -> str: ...
    @property
    def domain(self) -> str: ...


class Skeleton:
    """The constant headers and the boundary of one kind of message of one account."""

    __slots__ = ("boundary", "domain", "head", "signer")

    def __init__(self, settings: Letterhead, key: str, feedback: tuple[str, ...], signer: Signer | None = None) -> None:
        self.signer = signer
        sender = mailbox(settings.from_email).address
        lines = [f"From: {named(settings.from_name, sender)}"]
        if settings.reply_to:
            lines.append(f"Reply-To: {mailbox(settings.reply_to).address}")
        if feedback:
            lines.append(f"Feedback-ID: {feedback_id(feedback)}")
        lines.append("MIME-Version: 1.0")
        # "=_" occurs neither in quoted-printable nor in base64, so only a 7bit part could contain the boundary.
        self.boundary = "=_" + blake2b(f"{key}|{sender}".encode(), digest_size=12).hexdigest()
        self.domain = mailbox(f"x@{settings.domain}").address.partition("@")[2]
        self.head = ("\r\n".join(lines) + "\r\n").encode()

    def fill(self, message: Message, to: str) -> bytes:
        """The whole message, lines ended by CRLF."""
        content = message.content
        head = (
            f"Date: {_date(message.date.replace(microsecond=0))}\r\n"
            f"To: {to}\r\n"
            f"Subject: {encoded(content.subject)}\r\n"
            f"Message-ID: <{self._id(message)}>\r\n"
        )
        if message.unsubscribe_url or message.headers:
            head += "".join(f"{name}: {value}\r\n" for name, value in further(message))
        start = head.encode() + self.head
        text_encoding, text = _body(content.text)
        if content.html is None:
            start += b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n" % text_encoding
            body = text
        else:
            html_encoding, html = _body(content.html)
            edge = self.boundary.encode()
            while b"--" + edge in text or b"--" + edge in html:
                edge += b"_"
            start += b'Content-Type: multipart/alternative; boundary="%b"\r\n' % edge
            body = (
                b"--%b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n"
                b"--%b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n"
                b"--%b--\r\n" % (edge, text_encoding, text, edge, html_encoding, html, edge)
            )
        if self.signer is None:
            return b"%b\r\n%b" % (start, body)
        return b"%b%b\r\n%b" % (self.signer.sign(start, body, int(message.date.timestamp())), start, body)

    def _id(self, message: Message) -> str:
        if message.return_path and message.return_path.isascii():
            local, _, domain = message.return_path.partition("@")
            return f"{one_line(local)}@{one_line(domain)}"
        return f"d{message.delivery_id}.{int(message.date.timestamp() * 1000)}@{self.domain}"


def further(message: Message) -> Iterator[tuple[str, str]]:
    """The headers a message brings with it: unsubscribing by one click (RFC 8058) and its own. Raises `BadHeader`."""
    if message.unsubscribe_url:
        if not _URL.match(message.unsubscribe_url):
            raise BadHeader(name="List-Unsubscribe")
        yield "List-Unsubscribe", f"<{message.unsubscribe_url}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    for name, value in message.headers.items():
        if not _TOKEN.match(name) or name.lower() in _OURS:
            raise BadHeader(name=one_line(name)[:60])
        yield name, encoded(value)


def feedback_id(labels: tuple[str, ...]) -> str:
    """The value of Feedback-ID: three labels and who sends."""
    clean = [_FEEDBACK.sub("-", label)[:60] for label in labels]
    return ":".join(([*clean, "", "", ""])[:3]) + ":antiphon"


@lru_cache(maxsize=64)
def _date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC))


def _body(text: str) -> tuple[bytes, bytes]:
    """A part's transfer encoding, and the part in it: the lightest that carries it over any server."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if not text.endswith("\n"):
        text += "\n"
    if text.isascii():
        if _lines_fit(text):
            return b"7bit", text.replace("\n", "\r\n").encode()
        return b"quoted-printable", _quoted(text.encode())
    raw = text.encode("utf-8", "replace")
    # A Latin letter costs one octet, any other at least two: many octets over the letters means few are Latin.
    if len(raw) - len(text) > len(text) // 6:
        return b"base64", _base64(raw.replace(b"\n", b"\r\n"))
    return b"quoted-printable", _quoted(raw)


def _lines_fit(text: str) -> bool:
    """Whether no line is longer than `_LONGEST`; leaps from one line's end to the last within reach."""
    at = 0
    while len(text) - at > _LONGEST:
        at = text.rfind("\n", at, at + _LONGEST + 1) + 1
        if at == 0:
            return False
    return True


def _quoted(raw: bytes) -> bytes:
    return b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")


def _base64(raw: bytes) -> bytes:
    return b"".join(b2a_base64(raw[at : at + 57], newline=False) + b"\r\n" for at in range(0, len(raw), 57))
