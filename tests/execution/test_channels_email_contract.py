"""SMTP by the suite that every provider must pass, against the sandbox's mail server with sign-in and Postfix's sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from antiphon.execution.channels import Account, Callback, Channel, Signal
from antiphon.execution.channels.contract import ChannelContract, Emulator, Fault, Genuine, Probe, Taken
from antiphon.execution.channels.email import EmailChannel
from antiphon.execution.channels.email.dkim import generate_key

RSA, ED = generate_key("rsa"), generate_key("ed25519")
PLAIN: dict[str, Any] = {
    "host": "127.0.0.1", "security": "none", "from_email": "shop@shop.example", "from_name": "The Shop", "timeout": 2.0,
    "data_timeout": 2.0, "username": "shop", "password": "a-pass-word",
}  # fmt: skip


class Post:
    """A mail server that needs a sign-in, with troubles by recipient."""

    def __init__(self) -> None:
        self.mails: list[Taken] = []
        self.seen: list[Any] = []
        self.faults: dict[str, Fault] = {}
        self.locked_out = False
        self.delay = 0.0
        self.envelope_delay = 0.0
        self.sessions = 0
        self.at_once = self.most_at_once = 0
        self.server: asyncio.Server | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        assert self.server is not None
        return {**PLAIN, "port": self.server.sockets[0].getsockname()[1]}

    def taken(self) -> Sequence[Taken]:
        return self.mails

    def sees(self) -> Any:
        return self.seen

    async def fault(self, fault: Fault, address: str) -> None:
        if fault == "down":
            assert self.server is not None
            self.server.close()
        elif fault == "sign_in":
            self.locked_out = True
        else:
            self.faults[address] = fault

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        good = data.login == b"shop" and data.password == b"a-pass-word" and not self.locked_out
        self.seen.append(("auth", data.login, good))
        return AuthResult(success=good)

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: list[str]) -> list[str]:
        session.host_name = name
        self.seen.append(("ehlo", name))
        return answers

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        await asyncio.sleep(self.envelope_delay)
        self.seen.append(("mail", address))
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        match self.faults.get(address):
            case "gone":
                return "550 5.1.1 No such user here"
            case "defer":
                return "450 4.2.1 Not now"
            case "busy":
                return "451 4.7.1 Greylisted, try again in 7 minutes"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        (address,) = envelope.rcpt_tos
        if self.faults.get(address) == "reject":
            return "554 5.7.1 Looks like spam"
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.delay)
        self.at_once -= 1
        content = cast(bytes, envelope.content)
        mail = cast(EmailMessage, message_from_bytes(content, policy=default))
        body = mail.get_body(("plain",))
        assert body is not None
        self.mails.append(Taken(address=address, text=str(body.get_content())))
        self.seen.append(("data", envelope.mail_from, content))
        if self.faults.get(address) == "silent":
            await asyncio.sleep(20)
        return "250 2.0.0 Ok"


@asynccontextmanager
async def running() -> AsyncIterator[Post]:
    post = Post()
    loop = asyncio.get_running_loop()
    transports: list[Any] = []

    def session() -> SMTP:
        post.sessions += 1
        made = SMTP(
            post, loop=loop, enable_SMTPUTF8=True, authenticator=post.authenticate, auth_required=True, auth_require_tls=False,
            hostname="post.example",
        )  # fmt: skip
        transports.append(made)
        return made

    post.server = await loop.create_server(session, "127.0.0.1", 0)
    try:
        yield post
    finally:
        post.server.close()
        for one in transports:
            if one.transport is not None:
                one.transport.abort()
        await asyncio.sleep(0.02)


async def _sessions(rig: Any, emulator: Post, account: Account) -> Any:
    channel = rig.channel()
    try:
        for number in (1, 2, 3):
            await rig.speak(channel, account, [number])
    finally:
        await channel.close()
    return emulator.sessions


async def _at_once(rig: Any, emulator: Post, account: Account) -> Any:
    emulator.delay = 0.1
    channel = rig.channel()
    try:
        await rig.speak(channel, account, list(range(12)))
    finally:
        await channel.close()
    return emulator.most_at_once > 1


async def _patience(rig: Any, emulator: Post, account: Account) -> Any:
    emulator.envelope_delay = 0.5
    return await _outcome(rig, account)


async def _patience_for_data(rig: Any, emulator: Post, account: Account) -> Any:
    emulator.delay = 0.5
    return await _outcome(rig, account)


async def _outcome(rig: Any, account: Account) -> Any:
    channel = rig.channel()
    try:
        return [one.outcome for one in await rig.speak(channel, account, [1])]
    finally:
        await channel.close()


KEYS = {"dkim_selector": "s1", "dkim_key": RSA, "dkim_selector_2": "s2", "dkim_key_2": ED}
MAILBOX = "read by the IMAP reader, tried against a real server in test_delivery_bounces"


class TestSmtp(ChannelContract):
    keyless = "SMTP has no idempotency keys"
    unsigned = "news comes by mail: its word is the signed return path it was sent to"
    probes = {
        "host": "127.0.0.2.nowhere.invalid",
        "port": 9,
        "security": "starttls",
        "username": "other",
        "password": "another",
        "from_email": "other@shop.example",
        "from_name": "Другой магазин",
        "reply_to": "answers@shop.example",
        "bounce_domain": "bounces.shop.example",
        "helo": "mail.shop.example",
        "connections": Probe(value=1, observe=_at_once),
        "messages_per_connection": Probe(value=1, observe=_sessions),
        "timeout": Probe(value=0.2, observe=_patience),
        "data_timeout": Probe(value=0.2, observe=_patience_for_data),
        "dkim": Probe(value=True, along=KEYS),
        "dkim_domain": Probe(value="mail.shop.example", along={**KEYS, "dkim": True}),
        "dkim_selector": Probe(value="s3", along={**KEYS, "dkim": True}),
        "dkim_key": Probe(value=generate_key("rsa"), along={**KEYS, "dkim": True}),
        "dkim_selector_2": Probe(value="s4", along={**KEYS, "dkim": True}),
        "dkim_key_2": Probe(value=generate_key("ed25519"), along={**KEYS, "dkim": True}),
    }
    exempt = {
        "verify_certificate": "needs a server with TLS: test_channels_email_smtp has one with a certificate of nobody's",
        "imap_host": MAILBOX,
        "imap_port": MAILBOX,
        "imap_security": MAILBOX,
        "imap_username": MAILBOX,
        "imap_password": MAILBOX,
        "imap_folder": MAILBOX,
    }

    def channel(self) -> Channel:
        return EmailChannel()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        return running()

    def offline(self) -> Mapping[str, Any]:
        return {**PLAIN, **KEYS, "dkim": True}

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        path = "b+0123456789abcdef0123456789abcdef@shop.example"
        mail = DSN.replace("PATH", path).replace("\n", "\r\n").encode()
        heard = Signal(kind="bounced", token=path, permanent=True, address="ann@x.example", code="5.1.1")
        return [Genuine(callback=Callback(body=mail, recipient=path), signals=[heard])]


# RFC 3464, appendix E
DSN = """From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>
To: <PATH>
Subject: Returned mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="RAA14128.773615765/mx.example"

--RAA14128.773615765/mx.example

The original message was received at Sat, 2 Jul 1994 17:10:28 -0400

--RAA14128.773615765/mx.example
content-type: message/delivery-status

Reporting-MTA: dns; mx.example

Original-Recipient: rfc822;ann@x.example
Final-Recipient: rfc822;ann+alias@y.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--RAA14128.773615765/mx.example--
"""
