"""Sending back what was accepted but could not be put into a mailbox: delivery status notifications (RFC 3464)."""

from __future__ import annotations

import asyncio
import email
import email.policy
import smtplib
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, make_msgid
from pathlib import Path

from antiphon.foundation.telemetry import get_logger
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


class Bouncer:
    """Follows the log and sends each bounce back to its return path, at least once, remembering how far it is."""

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
                if entry.fault == "bounce" and entry.sender:
                    if datetime.now(UTC) - entry.at < self._delay:
                        break
                    client = client or (smtplib.LMTP if self._lmtp else smtplib.SMTP)(self._host, self._port)
                    client.sendmail("", [entry.sender], delivery_status(entry, content, datetime.now(UTC)))
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
