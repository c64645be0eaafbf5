"""The e-mail channel: the contract, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from antiphon.execution.channels.email.address import mailbox
from antiphon.execution.channels.email.bounces import read_mail
from antiphon.execution.channels.email.dkim import Signer
from antiphon.execution.channels.email.mime import Skeleton
from antiphon.execution.channels.email.settings import EmailSettings
from antiphon.execution.channels.email.smtp import SmtpError, connect
from antiphon.execution.channels.email.speak import Batch, Pool
from antiphon.execution.channels.model import (
    Account,
    Callback,
    Capabilities,
    Manifest,
    Message,
    Receipt,
    Signal,
    Speaking,
    Trial,
    Wire,
)

_KEPT = 512  # skeletons


class EmailChannel:
    """Speaks SMTP. One object a process: it holds the connections of all accounts."""

    manifest = Manifest(
        name="smtp",
        title="SMTP server",
        channel="email",
        channel_title="E-mail",
        default=True,
        identity="email",
        settings=EmailSettings,
        secrets=frozenset({"password", "imap_password", "dkim_key", "dkim_key_2"}),
        sent_to={"password": "host", "imap_password": "imap_host"},
        capabilities=Capabilities(
            html=True, subject=True, media=True, two_way=True, receipts=True, opens=True, clicks=True, max_batch=50,
            carries=False,
            receipts_by_id=False,
        ),
    )

    def __init__(self) -> None:
        self._pools: dict[int, tuple[int, Pool]] = {}
        self._skeletons: dict[tuple[int, int, str, tuple[str, ...]], Skeleton] = {}

    def prepare(self, message: Message, account: Account) -> Wire:
        """Fill the skeleton. Raises `BadAddress` or `BadHeader`, both permanent."""
        settings: EmailSettings = account.settings
        to = mailbox(message.address)
        sender = mailbox(message.return_path or settings.from_email)
        key = (account.id, account.version, message.skeleton, message.feedback)
        skeleton = self._skeletons.get(key)
        if skeleton is None:
            if len(self._skeletons) >= _KEPT:
                self._skeletons.clear()
            signer = Signer(settings.dkim_keys) if settings.dkim else None
            skeleton = self._skeletons[key] = Skeleton(settings, message.skeleton, message.feedback, signer)
        return Wire(
            delivery_id=message.delivery_id,
            address=to.address,
            sender=sender.address,
            payload=skeleton.fill(message, to.address),
            options={"smtputf8": "1"} if to.utf8 or sender.utf8 else {},
        )

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """Speak over pooled connections; see the contract."""
        return await Batch(self._pool(account), batch, on_speaking).speak() if batch else []

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """Bounces (RFC 3464 and odder ones), complaints (RFC 5965) and delays out of a mail."""
        return read_mail(callback.body, callback.recipient)

    async def test(self, account: Account) -> Trial:
        """Connect, encrypt and sign in; then leave."""
        settings: EmailSettings = account.settings
        steps = [f"connect: {settings.host}:{settings.port}"]
        try:
            talk = await connect(settings)
        except SmtpError as failed:
            return Trial(ok=False, steps=[*steps, failed.kind], detail=failed.detail)
        steps.append("encrypted" if settings.security != "none" else "not-encrypted")
        steps.append("signed-in" if settings.username else "no-sign-in")
        try:
            reply = await talk.ask(f"MAIL FROM:<{mailbox(settings.from_email).address}>", settings.timeout)
        except SmtpError as failed:
            return Trial(ok=False, steps=[*steps, "sender"], detail=failed.detail)
        finally:
            talk.close()
            await asyncio.sleep(0)
        if not reply.positive:
            return Trial(ok=False, steps=[*steps, "sender"], detail=f"{reply.code} {reply.text}")
        return Trial(ok=True, steps=[*steps, "sender-accepted"], detail=reply.text)

    async def close(self) -> None:
        """Close every pooled connection."""
        for _, pool in self._pools.values():
            pool.close()
        self._pools.clear()
        await asyncio.sleep(0)

    def _pool(self, account: Account) -> Pool:
        known = self._pools.get(account.id)
        if known is not None and known[0] == account.version:
            return known[1]
        if known is not None:
            known[1].close()
        pool = Pool(account.settings)
        self._pools[account.id] = (account.version, pool)
        return pool
