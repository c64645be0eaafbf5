"""Bounces and complaints: mail that comes back is read by its channel and noted before it is accepted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.execution.channels import Account, Callback, Channels, Signal
from antiphon.execution.channels.email import EmailSettings, MailboxFailed, Reader, listen
from antiphon.execution.delivery.hearing import Heard, Hearing, Kind, count_forged
from antiphon.foundation.context import Context
from antiphon.foundation.errors import BadSettings
from antiphon.foundation.ids import BadSignature
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
AT_ONCE = 50  # mails read from a mailbox in one go
# Mailboxes that complaints and bounces without a return path of ours are sent to by agreement or custom.
ROLES = frozenset({"abuse", "fbl", "complaints", "bounces", "postmaster", "mailer-daemon"})
_KINDS: dict[str, Kind] = {"bounced": "bounced", "complained": "complained", "unsubscribed": "unsubscribed"}


class Postbox:
    """Where mail about our messages is handed in. Implements the e-mail channel's `Receiver`."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def knows(self, address: str) -> bool:
        """Only signed return paths, and the mailboxes every mail domain has."""
        if address.partition("@")[0].lower() in ROLES:
            return True
        try:
            self._ctx.get(Hearing).tracker.read_return_path(address)
        except BadSignature:
            count_forged("return-path")
            return False
        return True

    async def receive(self, address: str | None, mail: bytes) -> None:
        """Note what a mail says; durable when this returns. What says nothing to us is dropped, and counted in the log."""
        signals = self._ctx.get(Channels)["smtp"].parse_callback(Callback(body=mail, recipient=address), None)
        heard = [found for signal in signals if (found := self._understand(signal)) is not None]
        if not heard:
            log.info("a mail that says nothing about a message of ours", octets=len(mail))
        hearing = self._ctx.get(Hearing)
        await asyncio.gather(*(hearing.hear(one) for one in heard))

    def _understand(self, signal: Signal) -> Heard | None:
        kind = _KINDS.get(signal.kind)
        if kind is None or signal.token is None:
            return None
        try:
            ref = self._ctx.get(Hearing).tracker.read_return_path(signal.token)
        except BadSignature:
            count_forged("return-path")
            return None
        return Heard(
            kind=kind,
            delivery_id=ref.delivery_id,
            profile_id=ref.profile_id,
            at=self._ctx.clock.now(),
            permanent=signal.permanent,
            detail=" ".join(part for part in (signal.code, signal.detail) if part)[:1000],
        )


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
        accounts = [one for one in await ctx.get(Channels).accounts(conn, "email") if one.settings.imap_host]
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
            await ctx.get(Postbox).receive(letter.recipient, letter.raw)
        await reader.done([letter.uid for letter in letters])
        return len(letters) == AT_ONCE
    finally:
        await reader.close()


MAILBOX_LOOP = Loop("delivery.mailboxes", read_mailboxes, interval=60.0, buckets=1)
