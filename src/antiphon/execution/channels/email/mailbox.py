"""An IMAP mailbox that bounces, complaints and replies arrive in: read, and marked as read once they are kept.

Of each mail only its beginning is fetched, and of that its `digest` and a few attached files are handed on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import NamedTuple, TypeVar

from imap_tools import AND, BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessageFlags
from imap_tools.errors import ImapToolsError

from antiphon.execution.channels.email.digest import HEAD, digest_and_files
from antiphon.execution.channels.email.files import RAW_OCTETS, File
from antiphon.execution.channels.email.settings import EmailSettings

T = TypeVar("T")
TIMEOUT = 60.0  # seconds
FETCHED = 16_000_000  # octets of a mail


class MailboxFailed(Exception):
    """The mailbox could not be read."""


class Letter(NamedTuple):
    """One mail of a mailbox: its UID, its digest, the address it was delivered to if a header says so, and what was attached."""

    uid: str
    raw: bytes
    recipient: str | None
    files: tuple[File, ...] = ()


class Reader:
    """One sitting at a mailbox. The library blocks, so each step runs on a thread; steps never overlap."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._box: BaseMailBox | None = None

    async def open(self) -> None:
        """Connect, sign in, open the folder. Raises `MailboxFailed`."""
        self._box = await _thread(self._sign_in)

    async def unread(self, most: int) -> Sequence[Letter]:
        """The oldest mails nobody has read yet. They stay unread. Raises `MailboxFailed`."""
        return await _thread(lambda: self._fetch(most))

    async def done(self, uids: Sequence[str]) -> None:
        """Mark mails as read. Raises `MailboxFailed`."""
        if uids:
            await _thread(lambda: self._opened.flag(list(uids), MailMessageFlags.SEEN, True))

    async def close(self) -> None:
        """Leave, whatever the server says."""
        box, self._box = self._box, None
        if box is not None:
            try:
                await _thread(box.logout)
            except MailboxFailed:
                return

    @property
    def _opened(self) -> BaseMailBox:
        if self._box is None:
            raise MailboxFailed("the mailbox is not open")
        return self._box

    def _sign_in(self) -> BaseMailBox:
        settings = self._settings
        context = ssl.create_default_context()
        if not settings.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        box: BaseMailBox
        match settings.imap_security:
            case "tls":
                box = MailBox(settings.imap_host, settings.imap_port, timeout=TIMEOUT, ssl_context=context)
            case "starttls":
                box = MailBoxStartTls(settings.imap_host, settings.imap_port, timeout=TIMEOUT, ssl_context=context)
            case _:
                box = MailBoxUnencrypted(settings.imap_host, settings.imap_port, timeout=TIMEOUT)
        box.login(settings.imap_username, settings.imap_password, initial_folder=settings.imap_folder)
        return box

    def _fetch(self, most: int) -> list[Letter]:
        letters: list[Letter] = []
        held = 0
        box = self._opened
        for uid in box.uids(AND(seen=False))[:most]:
            kind, answer = box.client.uid("fetch", uid, f"(BODY.PEEK[]<0.{FETCHED}>)")
            if kind != "OK":
                raise MailboxFailed(f"FETCH was refused: {answer!r}"[:300])
            whole = b"".join(part[1] for part in answer if isinstance(part, tuple) and isinstance(part[1], bytes))
            raw, files = digest_and_files(whole)
            letters.append(Letter(uid, raw, _recipient(raw), files))
            held += sum(len(one.octets) for one in files)
            if held > RAW_OCTETS:  # the rest is looked at once these are safe
                break
        return letters


def _recipient(raw: bytes) -> str | None:
    """The address a mail was delivered to, if a header says so."""
    head = BytesHeaderParser(policy=compat32).parsebytes(raw[:HEAD])
    for name in ("delivered-to", "x-original-to", "envelope-to"):
        if head[name]:
            return str(head[name]).strip(" <>")[:400]
    return None


async def _thread(step: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(step)
    except (ImapToolsError, OSError, ssl.SSLError, ValueError) as failed:
        raise MailboxFailed(str(failed) or type(failed).__name__) from failed
    except Exception as failed:
        if type(failed).__module__ == "imaplib":  # imaplib.IMAP4.error derives from Exception alone
            raise MailboxFailed(str(failed)) from failed
        raise
