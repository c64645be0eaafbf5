"""How the customers reach Antiphon: the write key's endpoints, the addresses in their mails, and mail itself."""

from __future__ import annotations

import asyncio
import re
import smtplib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from html import unescape
from typing import Any, Self
from urllib.parse import urljoin

import httpx2 as httpx

from antiphon.foundation.errors import Unavailable
from antiphon.sandbox.email import Received
from antiphon.sandbox.population.model import Customer, Deed

_TOGETHER = 100  # calls in a batch
_CONNECTIONS = 8
_PATIENCE = 60.0  # seconds for which a server that is busy or restarting is asked again
_AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"
_FORM = re.compile(r"<form\b[^>]*>(.*?)</form>", re.IGNORECASE | re.DOTALL)
_ACTION = re.compile(r"""<form\b[^>]*?\baction\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_FIELD = re.compile(r"<(?:input|button)\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(name|value|type)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)


class ServerSilent(Unavailable):
    """Antiphon does not answer at {url}."""


class Reach:
    """A crowd's way to the installation at `base`. Every call waits while the server is busy (503) or restarting."""

    def __init__(self, base: str, write_key: str) -> None:
        self._key = write_key
        self._http = httpx.AsyncClient(
            base_url=base, timeout=30, trust_env=False, follow_redirects=False, headers={"user-agent": _AGENT},
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def fetch(self, url: str, method: str = "GET", **more: Any) -> httpx.Response:
        """One request, tried again while nobody answers. Raises ServerSilent."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        pause = 0.1
        while True:
            try:
                answer = await self._http.request(method, url, **more)
                if answer.status_code not in (429, 503):
                    return answer
                pause = max(pause, float(answer.headers.get("retry-after", "0.2")))
            except httpx.TransportError:
                pass
            if asyncio.get_running_loop().time() > until:
                raise ServerSilent(url=url)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 3.0)

    async def tell(self, calls: Sequence[dict[str, Any]]) -> None:
        """Send calls of the Segment spec by its batch endpoint, a hundred at a time, several at once."""
        lanes = asyncio.Semaphore(_CONNECTIONS)

        async def send(part: Sequence[dict[str, Any]]) -> None:
            async with lanes:
                sent_at = datetime.now(UTC).isoformat()
                answer = await self.fetch("/v1/batch", "POST", json={"batch": part, "sentAt": sent_at}, auth=(self._key, ""))
                answer.raise_for_status()

        async with asyncio.TaskGroup() as group:
            for start in range(0, len(calls), _TOGETHER):
                group.create_task(send(calls[start : start + _TOGETHER]))

    async def leave_by_one_click(self, url: str) -> None:
        """RFC 8058: a mail program's unsubscribe button."""
        await self.fetch(url, "POST", content="List-Unsubscribe=One-Click",
                         headers={"content-type": "application/x-www-form-urlencoded"})  # fmt: skip

    async def leave_by_page(self, url: str) -> None:
        """Open the hosted page and press its first form's button."""
        page = await self.fetch(url)
        form = _FORM.search(page.text)
        if form is None:
            return
        action = _ACTION.search(form[0])
        fields: dict[str, str] = {}
        for tag in _FIELD.findall(form[1]):
            found = {name.lower(): unescape(value) for name, value in _ATTRIBUTE.findall(tag)}
            button = tag[1:7].lower() == "button" or found.get("type", "").lower() == "submit"
            if "name" in found and (not button or not any(name == found["name"] for name in fields)):
                fields.setdefault(found["name"], found.get("value", "on"))
        await self.fetch(urljoin(url, unescape(action[1])) if action else url, "POST", data=fields)


def identify(who: Customer, key: str) -> dict[str, Any]:
    """The `identify` call of a customer."""
    return {"type": "identify", "userId": who.user_id, "traits": who.traits(), "messageId": f"{key}:{who.number}:who"}


def track(who: Customer, deed: Deed, key: str, now: datetime | None = None) -> dict[str, Any]:
    """The `track` call of a deed; `key` makes a repeated call the same one."""
    at = (now or datetime.now(UTC)) - deed.ago
    return {
        "type": "track", "userId": who.user_id, "event": deed.name, "properties": deed.properties,
        "timestamp": at.isoformat(), "messageId": key,
    }  # fmt: skip


def moments_ago(deeds: Iterable[Deed], longest: timedelta) -> list[Deed]:
    """Those of the deeds that are no older than `longest`."""
    return [deed for deed in deeds if deed.ago <= longest]


def complain(host: str, port: int, mail: Received, content: bytes, *, lmtp: bool) -> None:
    """A mailbox provider's abuse report (RFC 5965) about a mail, sent to its return path."""
    report = MIMEMultipart("report", report_type="feedback-report", boundary=f"=_report_{mail.n}")
    report["From"] = "Feedback loop <feedback@mail.sandbox.example>"
    report["To"] = mail.sender
    report["Subject"] = "Complaint about a message from you"
    report.attach(MIMEText("A customer marked this message as spam.\n", "plain", "us-ascii"))
    fields = Message()
    fields["Content-Type"] = "message/feedback-report"
    fields.set_payload(
        f"Feedback-Type: abuse\nUser-Agent: AntiphonSandbox/1\nVersion: 1\nOriginal-Rcpt-To: <{mail.recipients[0]}>\n"
        f"Original-Mail-From: <{mail.sender}>\n"
    )
    report.attach(fields)
    headers = Message()
    headers["Content-Type"] = "text/rfc822-headers"
    headers.set_payload(content.partition(b"\r\n\r\n")[0].decode("ascii", "replace"))
    report.attach(headers)
    with (smtplib.LMTP if lmtp else smtplib.SMTP)(host, port) as client:
        client.sendmail("feedback@mail.sandbox.example", [mail.sender], report.as_bytes(policy=SMTP))
