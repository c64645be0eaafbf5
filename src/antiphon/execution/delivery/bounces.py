"""Bounces, complaints and replies: mail that comes is read by its channel and noted before it is accepted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.channels import Account, Callback, Channels
from antiphon.execution.channels.email import ROLES, EmailSettings, File, MailboxFailed, Reader, listen
from antiphon.execution.delivery.heard import OF_PEOPLE
from antiphon.execution.delivery.hearing import Hearing, count_forged
from antiphon.execution.delivery.signals import heard_of
from antiphon.foundation.context import Context
from antiphon.foundation.errors import BadSettings
from antiphon.foundation.ids import BadSignature
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
AT_ONCE = 50  # mails read from a mailbox in one go
AT_HAND = 10.0  # seconds the addresses customers answer to are taken as they were


class Postbox:
    """Where mail about our messages, and answers to them, are handed in. Implements the e-mail channel's `Receiver`."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._answers_to: dict[str, int] = {}
        self._read_at = -AT_HAND

    async def knows(self, address: str) -> bool:
        """Signed return paths, the mailboxes every mail domain has, and the addresses our senders are answered at."""
        if address.partition("@")[0].lower() in ROLES or await self._account(address):
            return True
        try:
            self._ctx.get(Hearing).tracker.read_return_path(address)
        except BadSignature:
            count_forged("return-path")
            return False
        return True

    async def receive(
        self, address: str | None, mail: bytes, account_id: int = 0, *, files: tuple[File, ...] = ()
    ) -> None:
        """Note what a mail says, and what a customer attached to their answer; durable when this returns. What says nothing to us
        is dropped, and counted in the log."""
        account_id = account_id or (await self._account(address) if address else 0)
        signals = self._ctx.get(Channels)["smtp"].parse_callback(Callback(body=mail, recipient=address), None)
        hearing = self._ctx.get(Hearing)
        kinds, now = self._ctx.get(ChannelRegistry), self._ctx.clock.now()
        every = heard_of(hearing.tracker, kinds, "email", account_id, signals, now)
        news = [
            msgspec.structs.replace(heard, files=files) if heard.kind == "replied" else heard
            for heard in every if heard.key is not None or heard.kind in OF_PEOPLE
        ]  # fmt: skip
        if not news:
            log.info("a mail that says nothing about a message of ours", octets=len(mail))
        await hearing.hear_all(news)

    async def _account(self, address: str) -> int:
        """The account whose messages are answered at this address; 0 for none."""
        if time.monotonic() - self._read_at > AT_HAND:
            async with self._ctx.db.connection() as conn:
                accounts = await self._ctx.get(Channels).accounts(conn, "email")
            self._answers_to = {}
            for account in reversed(accounts):
                answered_at = getattr(account.settings, "reply_to", "") or getattr(account.settings, "from_email", "")
                self._answers_to[answered_at.strip().lower()] = account.id
            self._read_at = time.monotonic()
        return self._answers_to.get(address.strip().lower(), 0)


@asynccontextmanager
async def open_postbox(ctx: Context) -> AsyncIterator[Postbox]:
    """The resource of a worker: listens on ``bounce_port`` if that is set, for SMTP and LMTP alike."""
    postbox = Postbox(ctx)
    server = None
    if ctx.settings.bounce_port:
        host, port = ctx.settings.bounce_host, ctx.settings.bounce_port
        try:
            server = await listen(postbox, host, port)
        except OSError as failed:
            raise BadSettings(f"bounces cannot be received on {host}:{port}: {failed.strerror}", field="bounce_port") from failed
        log.info("listening for bounces", host=host, port=port)
    try:
        yield postbox
    finally:
        if server is not None:
            server.close()


async def read_mailboxes(ctx: Context, held: Held) -> bool:
    """One look into each account's mailbox; a mail is marked as read when what it says is durable."""
    async with ctx.db.connection() as conn:
        await held.fence(conn)
        every = await ctx.get(Channels).accounts(conn, "email")
    accounts = [one for one in every if isinstance(one.settings, EmailSettings) and one.settings.imap_host]
    more = False
    for account in accounts:
        try:
            more = await _read(ctx, account) or more
        except MailboxFailed as failed:
            log.warning("a mailbox could not be read", account=account.name, error=str(failed))
    return more


async def _read(ctx: Context, account: Account) -> bool:
    settings: EmailSettings = account.settings
    reader = Reader(settings)
    try:
        await reader.open()
        letters = await reader.unread(AT_ONCE)
        for letter in letters:
            await ctx.get(Postbox).receive(letter.recipient, letter.raw, account.id, files=letter.files)
        await reader.done([letter.uid for letter in letters])
        return len(letters) == AT_ONCE or any(letter.files for letter in letters)
    finally:
        await reader.close()


MAILBOX_LOOP = Loop("delivery.mailboxes", read_mailboxes, interval=60.0, buckets=1)
