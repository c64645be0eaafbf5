"""A gateway that speaks HTTP as Twilio's Messages API does: on loopback, with a trouble of its own for some numbers.

Its receipts and customers' messages are form posts, signed as Twilio signs them. A customer who answered STOP is written to
no more until START, as Twilio itself sees to it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import uuid
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import msgspec

from antiphon.sandbox.sms.faults import Fault, Rates, fault_of
from antiphon.sandbox.sms.log import Received, SmsLog, now
from antiphon.sandbox.sms.smsc import LATE

_TRIES = 4  # of one callback
_FAILED: dict[Fault | None, tuple[str, str]] = {"undelivered": ("undelivered", "30005"), "expired": ("undelivered", "30003")}


class Request(msgspec.Struct, frozen=True):
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Gateway:
    """Takes every message for anybody who signs in, but for the faults. ``requests`` are those seen."""

    def __init__(
        self,
        log: SmsLog | None,
        seed: int = 1,
        rates: Rates | None = None,
        *,
        account_sid: str = "AC00000000000000000000000000000001",
        auth_token: str = "sandbox",  # noqa: S107
        inbound_url: str = "",
    ) -> None:
        self.log = log
        self.account_sid, self.auth_token, self.inbound_url = account_sid, auth_token, inbound_url
        self.requests: list[Request] = []
        self.callbacks: list[tuple[str, int]] = []  # (what was told, the answer's status)
        self.stopped: set[str] = set()
        self._seed, self._rates = seed, rates or Rates()
        self.forced: dict[str, Fault | None] = {}  # troubles of numbers, whatever the rates say
        self.open = self.most_open = 0  # requests at once
        self.pause = 0.0  # seconds until a request is looked at
        self._attempts: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._client = httpx2.AsyncClient(timeout=10.0, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop, and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    # --- HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(method, path, headers, body)
                self.requests.append(request)
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                try:
                    await asyncio.sleep(self.pause)
                    answer = await self._answer(request)
                finally:
                    self.open -= 1
                if answer is None:
                    writer.transport.abort()
                    return
                status, said, more = answer
                payload = msgspec.json.encode(said)
                lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(payload)}", *more]
                writer.write("\r\n".join([*lines, "", ""]).encode() + payload)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, request: Request) -> tuple[int, dict[str, Any], list[str]] | None:
        """(status, body, further headers); None hangs up."""
        if request.headers.get("authorization") != _basic(self.account_sid, self.auth_token):
            return _problem(401, 20003, "Authenticate")
        base = f"/2010-04-01/Accounts/{self.account_sid}"
        if request.method == "GET" and request.path == f"{base}.json":
            return 200, {"sid": self.account_sid, "status": "active"}, []
        if request.method != "POST" or request.path != f"{base}/Messages.json":
            return _problem(404, 20404, f"The requested resource {request.path} was not found")
        return await self._message(dict(parse_qsl(request.body.decode(), keep_blank_values=True)))

    async def _message(self, form: dict[str, str]) -> tuple[int, dict[str, Any], list[str]] | None:
        to = form.get("To", "")
        sender = form.get("From") or form.get("MessagingServiceSid", "")
        fault = self.forced[to] if to in self.forced else fault_of(self._seed, self._rates, to)
        self._attempts[to] += 1
        if not form.get("Body"):
            return _problem(400, 21602, "Message body is required.")
        if not sender:
            return _problem(400, 21603, "A 'From' phone number is required.")
        if to in self.stopped:
            return _problem(400, 21610, "Attempt to send to unsubscribed recipient")
        if fault == "refuse":
            return _problem(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if fault == "block":
            return _problem(400, 21408, "Permission to send an SMS has not been enabled for the region")
        if fault == "throttle" and self._attempts[to] <= 2:
            return _problem(429, 20429, "Too Many Requests", "retry-after: 2")
        if fault == "busy" and self._attempts[to] <= 1:
            return _problem(503, 20503, "Service unavailable")
        if fault == "close":
            return None
        if fault == "hang":
            await asyncio.sleep(3600)
        entry = Received(
            id=f"SM{uuid.uuid4().hex}", at=now(), sender=sender, recipient=to, text=form["Body"], fault=fault,
            fields={name: value for name, value in form.items() if name not in ("To", "Body")},
        )  # fmt: skip
        if self.log is not None:
            try:
                await self.log.append(entry)
            except OSError:
                return _problem(500, 20500, "Internal error")
        self._follow(entry)
        if fault == "early":
            await asyncio.sleep(0.1)
        if fault == "silent":
            return None
        if fault == "mute":
            await asyncio.sleep(3600)
        return 201, {"sid": entry.id, "status": "queued", "to": to, "body": entry.text, "error_code": None}, []

    # --- what comes back

    def _follow(self, entry: Received) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, entry: Received) -> None:
        """Receipt and reply of one message."""
        state, code = _FAILED.get(entry.fault, ("delivered", ""))
        await asyncio.sleep(LATE if entry.fault == "late" else 0.0 if entry.fault == "early" else 0.02)
        url = str(entry.fields.get("StatusCallback", ""))
        if url and entry.fault != "lost":
            fields = {
                "AccountSid": self.account_sid, "ApiVersion": "2010-04-01", "From": entry.sender, "To": entry.recipient,
                "MessageSid": entry.id, "SmsSid": entry.id, "MessageStatus": state, "SmsStatus": state,
            } | ({"ErrorCode": code} if code else {})  # fmt: skip
            await self.post(url, fields | {"MessageStatus": "sent", "SmsStatus": "sent"} if not code else fields)
            for _ in range(2 if entry.fault == "twice" else 0 if code else 1):
                await self.post(url, fields)
        if entry.fault in ("stop", "reply"):
            await self.say(entry.recipient, entry.sender, "STOP" if entry.fault == "stop" else "Thank you")

    async def say(self, source: str, destination: str, text: str) -> None:
        """A customer writes."""
        word = text.strip().upper()
        if word == "STOP":
            self.stopped.add(source)
        elif word == "START":
            self.stopped.discard(source)
        sid = f"SM{uuid.uuid4().hex}"
        if self.inbound_url:
            await self.post(self.inbound_url, {
                "AccountSid": self.account_sid, "ApiVersion": "2010-04-01", "Body": text, "From": source, "To": destination,
                "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "SmsStatus": "received", "NumMedia": "0",
                "NumSegments": "1",
            })  # fmt: skip

    async def post(self, url: str, fields: dict[str, str]) -> None:
        """A signed form; tried again when it is not taken."""
        text = url + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(self.auth_token.encode(), text.encode(), hashlib.sha1).digest()
        headers = {
            "x-twilio-signature": base64.b64encode(digest).decode(), "content-type": "application/x-www-form-urlencoded",
            "i-twilio-idempotency-token": str(uuid.uuid4()),
        }  # fmt: skip
        for attempt in range(_TRIES):
            status = 0
            try:
                status = (await self._client.post(url, content=urlencode(fields), headers=headers)).status_code
            except httpx2.HTTPError:
                pass
            self.callbacks.append((fields.get("MessageStatus", "received"), status))
            if 200 <= status < 500:
                return
            await asyncio.sleep(0.5 * 2**attempt)


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def _problem(status: int, code: int, message: str, *headers: str) -> tuple[int, dict[str, Any], list[str]]:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": message, "more_info": more, "status": status}, list(headers)
