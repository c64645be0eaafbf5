"""The provider `smpp`: the contract, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from antiphon.execution.channels.model import (
    Account,
    Callback,
    Capabilities,
    Hear,
    Manifest,
    Message,
    Receipt,
    Signal,
    Size,
    Speaking,
    Trial,
    Wire,
)
from antiphon.execution.channels.sms.alphabet import clean, transliterate
from antiphon.execution.channels.sms.keywords import keyword
from antiphon.execution.channels.sms.number import number
from antiphon.execution.channels.sms.parts import allowed, fitted, measure
from antiphon.execution.channels.sms.smpp.pdu import ROK
from antiphon.execution.channels.sms.smpp.pool import Pool
from antiphon.execution.channels.sms.smpp.receipts import answered_id
from antiphon.execution.channels.sms.smpp.session import Answer, BindRefused, SmppError, connect
from antiphon.execution.channels.sms.smpp.settings import SmppSettings
from antiphon.execution.channels.sms.smpp.verdicts import THROTTLED, broken, refused, status_name
from antiphon.execution.channels.sms.smpp.write import UCS2, bodies, encoded

_BODIES = msgspec.msgpack.Decoder(list[bytes])
_PAUSES = (0.2, 0.4, 0.8, 1.6)  # seconds between attempts while the SMSC wants us slower
_RETIRED = 5.0  # seconds the connections of a changed account have for their last answers


class SmppChannel:
    """Speaks SMPP 3.4. One object a process: it holds the connections of all accounts."""

    manifest = Manifest(
        name="smpp",
        title="SMPP",
        channel="sms",
        channel_title="SMS",
        default=True,
        identity="phone",
        settings=SmppSettings,
        secrets=frozenset({"password"}),
        sent_to={"password": "host"},
        capabilities=Capabilities(two_way=True, receipts=True, clicks=True, max_length=160, max_batch=50),
    )

    def __init__(self) -> None:
        self._pools: dict[int, Pool] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def prepare(self, message: Message, account: Account) -> Wire:
        """Fit the text, cut it, and write each part's submit_sm.

        Raises `BadNumber`, `TextEmpty`, `TextTooLong`, `TooManyParts`."""
        settings: SmppSettings = account.settings
        to = number(message.address)
        text = fitted(message.content.text, plain=settings.transliterate)
        written, parts = bodies(settings, to, text, message.delivery_id)
        allowed(parts, splits=message.split, most=settings.most_parts)
        return Wire(
            delivery_id=message.delivery_id,
            address=to,
            sender=settings.sender,
            payload=msgspec.msgpack.encode(written),
            parts=parts,
        )

    def answer(self, text: str, account: Account) -> str | None:
        """The account's answer to a call for help."""
        asked = keyword(text, account.settings.keywords) == "help"
        return account.settings.help_answer or None if asked else None

    def measure(self, text: str, account: Account | None) -> Size:
        """The parts of a text."""
        settings: SmppSettings | None = account.settings if account else None
        if settings is None:
            return measure(clean(text))
        text = transliterate(clean(text)) if settings.transliterate else clean(text)
        return measure(text, settings.joining, "ucs2" if encoded(text, settings)[1] == UCS2 else "gsm")

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """Say all of them at once, as far as the window allows; see the contract."""
        if not batch:
            return []
        pool = self._pool(account)
        try:
            await pool.take()
        except SmppError as failed:
            return [_unheard(wire.delivery_id, failed) for wire in batch]
        await on_speaking([wire.delivery_id for wire in batch])
        return await asyncio.gather(*(self._say(pool, wire) for wire in batch))

    async def listen(self, account: Account, hear: Hear) -> None:
        """Stay bound and hand over receipts and replies; each is acknowledged when `hear` has returned."""
        self._pool(account, hear)
        while (pool := self._pools.get(account.id)) is not None:
            pool.ear.hear = hear
            await pool.stay()

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """Nothing: an SMSC tells its news on the connection."""
        return []

    async def test(self, account: Account) -> Trial:
        """Connect, encrypt and bind as a transmitter; then leave."""
        settings: SmppSettings = account.settings
        steps = [f"connect: {settings.host}:{settings.port}"]
        try:
            session = await connect(settings, "transmitter", lambda session, heard: None)
        except BindRefused as failed:
            return Trial(ok=False, steps=[*steps, "bind"], detail=status_name(failed.status))
        except SmppError as failed:
            return Trial(ok=False, steps=[*steps, failed.kind], detail=failed.detail)
        await session.close()
        steps.append("encrypted" if settings.security != "none" else "not-encrypted")
        return Trial(ok=True, steps=[*steps, "bound"])

    async def close(self) -> None:
        """Unbind and hang up everywhere."""
        pools, self._pools = list(self._pools.values()), {}
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*(pool.close() for pool in pools), *self._closing, return_exceptions=True)

    # --- speaking

    async def _say(self, pool: Pool, wire: Wire) -> Receipt:
        """The first part, then the others together: a message that is refused is refused before anything of it went out."""
        first, *rest = _BODIES.decode(wire.payload)
        try:
            answer = await self._submit(pool, first)
        except SmppError as failed:
            return _unheard(wire.delivery_id, failed) if not failed.spoken else broken(wire.delivery_id, failed)
        if answer.status != ROK:
            return refused(wire.delivery_id, answer.status)
        answers = await asyncio.gather(*(self._submit(pool, body) for body in rest), return_exceptions=True)
        return _judged(wire.delivery_id, [answer, *answers], pool.settings)

    async def _submit(self, pool: Pool, body: bytes) -> Answer:
        """One part, again while the SMSC wants us slower, or over another connection if this one broke before it."""
        retried = False
        for pause in (*_PAUSES, None):
            answer: Answer | None = None
            while answer is None:
                await pool.slowed()
                session = await pool.take()
                async with session.window:
                    try:
                        answer = await session.submit(body)
                    except SmppError as failed:
                        if failed.spoken or retried:
                            raise
                        retried = True
            if answer.status not in THROTTLED or pause is None:
                return answer
            pool.slow(pause)
        raise AssertionError("unreachable")

    def _pool(self, account: Account, hear: Hear | None = None) -> Pool:
        known = self._pools.get(account.id)
        if known is not None and known.account.version >= account.version:
            return known
        pool = self._pools[account.id] = Pool(account, hear or (known.ear.hear if known else None))
        if known is not None:
            task = asyncio.create_task(_retire(known))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return pool


async def _retire(pool: Pool) -> None:
    """Let a changed account's connections hear their last answers."""
    until = asyncio.get_running_loop().time() + _RETIRED
    try:
        while pool.busy and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await pool.close()


def _unheard(delivery_id: int, failed: SmppError) -> Receipt:
    """Nothing was said: a refused sign-in tells its own code."""
    if isinstance(failed, BindRefused):
        return Receipt(
            delivery_id=delivery_id, outcome="deferred", code=status_name(failed.status), detail=failed.detail, account_fault=True
        )
    return broken(delivery_id, failed)


def _judged(delivery_id: int, answers: Sequence[Answer | BaseException], settings: SmppSettings) -> Receipt:
    """The receipt of a message whose first part was accepted."""
    ids = [answered_id(one.message_id, settings.message_ids) for one in answers if isinstance(one, Answer) and one.status == ROK]
    if len(ids) == len(answers):
        last, others = ids[-1], tuple(one for one in ids[:-1] if one)
        return Receipt(delivery_id=delivery_id, outcome="sent", code="ESME_ROK", provider_id=last or None, part_ids=others)
    for failed in answers:
        if isinstance(failed, BaseException) and not isinstance(failed, SmppError):
            raise failed
    trouble = next(one for one in answers if not isinstance(one, Answer) or one.status != ROK)
    why = status_name(trouble.status) if isinstance(trouble, Answer) else str(trouble)
    return Receipt(
        delivery_id=delivery_id,
        outcome="unknown",
        code="partly",
        detail=f"{len(ids)} of {len(answers)} parts were accepted: {why}",
        part_ids=tuple(one for one in ids if one),
    )
