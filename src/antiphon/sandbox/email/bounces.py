"""Sending back what became of accepted mail: delivery status notifications (RFC 3464), complaints (RFC 5965), answers."""

from __future__ import annotations

import asyncio
import email
import email.policy
import smtplib
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path

from antiphon.foundation.telemetry import get_logger
from antiphon.sandbox.email.faults import BACK
from antiphon.sandbox.email.log import Received, read_received

log = get_logger(__name__)
_DOMAIN = "mail.sandbox.example"


def delivery_status(entry: Received, content: bytes, now: datetime) -> bytes:
    """The notification that `entry` failed for good: text, message/delivery-status, and the original's headers."""
    original = email.message_from_bytes(content)
    report = MIMEMultipart("report", report_type="delivery-status", boundary=f"=_{entry.n}_{entry.offset}")
    report["From"] = f"Mail Delivery System <mailer-daemon@{_DOMAIN}>"
    report["To"] = entry.sender
    report["Subject"] = "Undelivered mail returned to sender"
    report["Date"] = format_datetime(now)
    report["Message-ID"] = make_msgid(domain=_DOMAIN)
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText("Your message could not be delivered: there is no such mailbox.\n", "plain", "us-ascii"))
    whole = Message()
    whole["Reporting-MTA"] = f"dns; {_DOMAIN}"
    whole["Arrival-Date"] = format_datetime(entry.at)
    status = Message()
    status["Content-Type"] = "message/delivery-status"
    status.set_payload([whole, *(_failed(address) for address in entry.recipients)])
    report.attach(status)
    headers = Message()
    headers["Content-Type"] = "text/rfc822-headers"
    headers.set_payload("".join(f"{name}: {value}\n" for name, value in original.items()))
    report.attach(headers)
    return report.as_bytes(policy=email.policy.SMTP)


def _failed(address: str) -> Message:
    block = Message()
    block["Final-Recipient"] = f"rfc822; {address}"
    block["Action"] = "failed"
    block["Status"] = "5.1.1"
    block["Diagnostic-Code"] = "smtp; 550 5.1.1 No such mailbox here"
    return block


def abuse_report(entry: Received, content: bytes, now: datetime) -> bytes:
    """A complaint about `entry`, as providers' feedback loops send it: text, message/feedback-report, the original."""
    original = email.message_from_bytes(content)
    report = MIMEMultipart("report", report_type="feedback-report", boundary=f"=_{entry.n}_{entry.offset}")
    report["From"] = f"Feedback loop <fbl@{_DOMAIN}>"
    report["To"] = entry.sender
    report["Subject"] = "FW: " + str(original.get("Subject", ""))
    report["Date"] = format_datetime(now)
    report["Message-ID"] = make_msgid(domain=_DOMAIN)
    report.attach(MIMEText("This is an abuse report for a message that one of our users marked as spam.\n", "plain", "us-ascii"))
    fields = Message()
    fields["Feedback-Type"] = "abuse"
    fields["User-Agent"] = "Sandbox/1"
    fields["Version"] = "1"
    fields["Original-Mail-From"] = entry.sender
    fields["Original-Rcpt-To"] = entry.recipients[0]
    fields["Arrival-Date"] = format_datetime(entry.at)
    feedback = Message()
    feedback["Content-Type"] = "message/feedback-report"
    feedback.set_payload([fields])
    report.attach(feedback)
    enclosed = Message()
    enclosed["Content-Type"] = "message/rfc822"
    enclosed.set_payload([original])
    report.attach(enclosed)
    return report.as_bytes(policy=email.policy.SMTP)


def answer(entry: Received, content: bytes, now: datetime) -> bytes:
    """What the customer answers `entry`: a person, or a program while they are away."""
    original = email.message_from_bytes(content)
    away = entry.fault == "away"
    quoted = "" if away else f"\n\nOn {entry.at:%a, %d %b %Y at %H:%M}, {original['From']} wrote:\n\n> {original['Subject']}\n"
    mail = MIMEText(("I am away until Monday." if away else "Yes, please tell me more.") + quoted, "plain", "utf-8")
    mail["From"] = entry.recipients[0]
    mail["To"] = str(original.get("Reply-To") or original["From"])
    mail["Subject"] = ("Automatic reply: " if away else "Re: ") + str(original["Subject"])
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<answer.{entry.n}@{_DOMAIN}>"
    mail["In-Reply-To"] = mail["References"] = str(original["Message-ID"])
    if away:
        mail["Auto-Submitted"] = "auto-replied"
    return mail.as_bytes(policy=email.policy.SMTP)


def sent_back(entry: Received, content: bytes, now: datetime) -> tuple[str, str, bytes]:
    """The mail that answers `entry`: envelope sender, recipient and what it says."""
    match entry.fault:
        case "complain":
            return "", entry.sender, abuse_report(entry, content, now)
        case "away":
            return "", entry.sender, answer(entry, content, now)
        case "reply":
            original = email.message_from_bytes(content)
            to = parseaddr(str(original.get("Reply-To") or original["From"]))[1]
            return entry.recipients[0], to, answer(entry, content, now)
        case _:
            return "", entry.sender, delivery_status(entry, content, now)


class Bouncer:
    """Follows the log and sends back each bounce, complaint and answer, at least once, remembering how far it is."""

    def __init__(self, folder: Path, host: str, port: int, *, lmtp: bool = False, delay: timedelta = timedelta()) -> None:
        self._folder, self._host, self._port, self._lmtp, self._delay = folder, host, port, lmtp, delay
        self._noted = folder / "bounced"

    async def run(self) -> None:
        """For ever."""
        pause = 0.2
        while True:
            try:
                pause = 0.2 if await asyncio.to_thread(self.send_due) else min(pause * 1.5, 1.0)
            except (OSError, smtplib.SMTPException) as failed:
                log.info("bounces wait", error=str(failed))
                pause = min(pause * 2, 5.0)
            await asyncio.sleep(pause)

    def send_due(self) -> int:
        """Send back what is due now; returns how many. Raises OSError or SMTPException when nobody takes them."""
        position = int(self._noted.read_text()) if self._noted.exists() else 0
        start, sent = position, 0
        client: smtplib.SMTP | None = None
        try:
            for after, entry, content in read_received(self._folder, position):
                if entry.fault in BACK and entry.sender:
                    if datetime.now(UTC) - entry.at < self._delay:
                        break
                    client = client or (smtplib.LMTP if self._lmtp else smtplib.SMTP)(self._host, self._port)
                    sender, to, mail = sent_back(entry, content, datetime.now(UTC))
                    client.sendmail(sender, [to], mail)
                    sent += 1
                position = after
                if sent >= 200:
                    break
        finally:
            if position != start:
                self._remember(position)
            if client is not None:
                client.close()
        return sent

    def _remember(self, position: int) -> None:
        temporary = self._noted.with_suffix(".new")
        temporary.write_text(str(position))
        temporary.replace(self._noted)
