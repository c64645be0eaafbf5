"""News that comes by mail: delivery status notifications (RFC 3464), abuse reports (RFC 5965), bounces of older kinds, and what
customers write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import compat32
from email.utils import parseaddr, parsedate_to_datetime
from itertools import islice

from flufl.bounce import all_failures

from antiphon.execution.channels.email.digest import digest
from antiphon.execution.channels.email.letters import read_letter
from antiphon.execution.channels.model import Signal
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
MOST = 500  # news one mail can hold
_RETURN = re.compile(r"\bb\+[0-9a-f]{20,60}@[A-Za-z0-9.-]+", re.IGNORECASE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"\b([45]\d\d)\b")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def read_mail(raw: bytes, recipient: str | None) -> Sequence[Signal]:
    """What a mail says about a message of ours; nothing if it says nothing. Never raises for what is in it.

    ``recipient`` is the envelope address it came to: the signed return path, if the mail is about one of ours.
    """
    try:
        tame = digest(raw)
        return list(islice(_read(message_from_bytes(tame, policy=compat32), tame, recipient), MOST))
    except Exception as failed:  # many heuristics read hostile input here; a mail must never be refused for ever
        log.warning("a mail could not be read", error=repr(failed), octets=len(raw))
        return []


def _read(mail: Mail, raw: bytes, recipient: str | None) -> Iterator[Signal]:
    kind = _parameter(mail, "report-type")
    if kind == "feedback-report":
        yield from _complaint(mail, raw, recipient)
        return
    statuses = [part for part in mail.walk() if part.get_content_type() in _DSN]
    if statuses:
        yield from _notification(statuses, _token(mail, raw, recipient))
        return
    token = _token(mail, raw, recipient)
    if mail.get("from") and "staff@hotmail.com" in _header(mail, "from").lower():
        yield from _junk(mail, token)
        return
    if _automatic(mail) and not _of_a_mail_system(mail):
        return
    if not _header(mail, "from"):
        return  # nobody's, and flufl wants a sender
    temporary, permanent = all_failures(mail)
    if not temporary and not permanent:
        yield from read_letter(mail, recipient, token)
    for address in sorted(_text(a) for a in permanent):
        yield Signal(kind="bounced", token=token, address=address, permanent=True, detail=_subject(mail))
    for address in sorted(_text(a) for a in temporary - permanent):
        yield Signal(kind="deferred", token=token, address=address, detail=_subject(mail))


_DSN = ("message/delivery-status", "message/global-delivery-status")


def _notification(statuses: list[Mail], token: str | None) -> Iterator[Signal]:
    for status in statuses:
        blocks = status.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            action = _header(block, "action").split(" ")[0].lower()
            if not action:
                continue  # the block about the whole message
            address = _typed(block, "original-recipient") or _typed(block, "final-recipient")
            code = _header(block, "status").split(" ")[0]
            detail = _typed(block, "diagnostic-code") or code
            if action == "failed":
                yield Signal(
                    kind="bounced",
                    token=token,
                    address=address,
                    permanent=is_hard(code, detail),
                    code=code,
                    detail=detail,
                )
            elif action == "delayed":
                yield Signal(kind="deferred", token=token, address=address, code=code, detail=detail)
            elif action in ("delivered", "relayed", "expanded"):
                yield Signal(kind="delivered", token=token, address=address, code=code, detail=detail)


def is_hard(code: str, detail: str) -> bool:
    """Whether the address should not be tried again: RFC 3463 subjects 1 (address) and 2.1 (disabled mailbox), 5.0.0
    and bare 5xx answers; a full mailbox, a policy refusal or a broken network are failures, but not the address's."""
    found = _STATUS.match(code)
    if found is None:
        plain = _CODE.search(detail)
        return plain is not None and plain[1] in ("550", "551", "553")
    if found[1] != "5":
        return False
    subject, specific = found[2], found[3]
    if subject == "0":
        plain = _CODE.search(detail)
        return plain is None or plain[1] in ("550", "551", "553")
    return subject == "1" or (subject, specific) == ("2", "1")


def _complaint(mail: Mail, raw: bytes, recipient: str | None) -> Iterator[Signal]:
    report = next((part for part in mail.walk() if part.get_content_type() == "message/feedback-report"), None)
    if report is None:
        return
    fields = report.get_payload()
    block = fields[0] if isinstance(fields, list) and fields else report
    if _header(block, "feedback-type").lower() not in ("abuse", "fraud", "not-spam", "other", "virus", ""):
        return
    if _header(block, "feedback-type").lower() == "not-spam":
        return
    address = parseaddr(_header(block, "original-rcpt-to"))[1] or None
    when = None
    try:
        when = parsedate_to_datetime(_header(block, "arrival-date") or _header(block, "received-date"))
    except (ValueError, TypeError):
        pass
    yield Signal(
        kind="complained",
        token=_token(mail, raw, recipient),
        address=address,
        permanent=True,
        code=_header(block, "feedback-type").lower() or "abuse",
        detail=_header(block, "user-agent"),
        at=when if when is not None and when.tzinfo is not None else None,
    )


def _junk(mail: Mail, token: str | None) -> Iterator[Signal]:
    """Microsoft's junk mail reports, which are no ARF: the message enclosed, the complainer in a header of it."""
    enclosed = next((part for part in mail.walk() if part is not mail and part.get("x-hmxmroriginalrecipient")), None)
    if enclosed is not None:
        address = _header(enclosed, "x-hmxmroriginalrecipient").strip(" <>") or None
        yield Signal(kind="complained", token=token, address=address, permanent=True, code="abuse", detail=_subject(mail))


def _token(mail: Mail, raw: bytes, recipient: str | None) -> str | None:
    """The signed return path: where the mail came to, or named inside (Message-ID, Return-Path, the returned headers)."""
    if recipient and _RETURN.match(recipient):
        return recipient.lower()
    found = _RETURN.search(raw.decode("latin-1"))
    return found[0].lower() if found else None


def _automatic(mail: Mail) -> bool:
    """Whether this is an out-of-office answer and no bounce (RFC 3834)."""
    value = _header(mail, "auto-submitted").lower()
    return value.startswith("auto-replied") or bool(mail.get("x-autoreply"))


def _of_a_mail_system(mail: Mail) -> bool:
    """Whether a mail server wrote it: Exim marks its bounces as automatic answers, too."""
    local = parseaddr(_header(mail, "from"))[1].partition("@")[0].lower()
    return mail.get("x-failed-recipients") is not None or local in ("mailer-daemon", "postmaster")


def _parameter(mail: Mail, name: str) -> str:
    value = mail.get_param(name)
    return value.lower() if isinstance(value, str) else ""


def _header(part: object, name: str) -> str:
    value = part.get(name) if isinstance(part, Mail) else None
    return _CONTROL.sub(" ", str(value)).strip()[:500] if value is not None else ""


def _typed(block: object, name: str) -> str | None:
    """The value of a ``type; value`` field."""
    value = _header(block, name)
    return (value.partition(";")[2] or value).strip(" <>") or None


def _subject(mail: Mail) -> str:
    return _header(mail, "subject")


def _text(address: object) -> str:
    return address.decode("latin-1") if isinstance(address, bytes) else str(address)
