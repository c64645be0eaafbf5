"""Verifications: codes that are kept nowhere, one channel or two, wrong answers, sending again, falling back, forgetting."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.execution.cast import SEND, Parrot, add_account, stage, yes

from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.content import TemplateInvalid
from antiphon.execution.delivery import codes, ledger, verification_reading, verifications
from antiphon.execution.delivery.errors import CodeTextMissing, FactorUnknown, TooManyCodes, VerificationOver, VerificationUnknown
from antiphon.execution.delivery.verification_model import Checked, NewFactor, NewVerification, Verification, covered
from antiphon.execution.delivery.watching import RUNNING_OUT, WATCHING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import Principal

pytestmark = pytest.mark.store

SHOP = Principal(id=3, kind="key", name="shop")
PHONE = "+4915112345678"


class Desk:
    """SMS, voice and e-mail as parrots; customer 1 has a phone and an address."""

    def __init__(self, ctx: Context, sms: Parrot, voice: Parrot, mail: Parrot) -> None:
        self.ctx, self.sms, self.voice, self.mail = ctx, sms, voice, mail
        self.said: list[tuple[str, str]] = []
        for bird in (sms, voice, mail):
            self.answer(bird, yes)

    def answer(self, bird: Parrot, what: Any) -> None:
        def hear(wire: Wire) -> Receipt:
            self.said.append((bird.manifest.name, wire.payload.decode()))
            return what(wire)  # type: ignore[no-any-return]

        bird.answer = hear

    async def begin(self, *factors: NewFactor, **more: Any) -> Verification:
        new = NewVerification(factors=factors or [NewFactor(channel="sms", address=PHONE)], **more)
        async with self.ctx.db.transaction() as conn:
            began = await verifications.begin(self.ctx, conn, SHOP, new)
        await self.run()
        return began

    async def run(self) -> None:
        await run_until_idle(self.ctx, [SEND, WATCHING, RUNNING_OUT])

    async def check(self, began: Verification, code: str, factor: int | None = None) -> Checked:
        async with self.ctx.db.transaction() as conn:
            return await verifications.check(self.ctx, conn, began.id, code, factor)

    async def again(self, began: Verification, factor: int | None = None, **more: Any) -> Verification:
        async with self.ctx.db.transaction() as conn:
            found = await verifications.send_again(self.ctx, conn, SHOP, began.id, factor, **more)
        await self.run()
        return found

    async def read(self, began: Verification) -> Verification:
        async with self.ctx.db.connection() as conn:
            return await verification_reading.read(conn, began.id)

    def code(self, which: int = -1) -> str:
        return "".join(re.findall(r"\d", re.split("minutes|good", self.said[which][1])[0]))


@pytest.fixture
async def desk(ctx: Context) -> AsyncIterator[Desk]:
    sms, voice, mail = Parrot("sms", "phone"), Parrot("voice", "phone"), Parrot("mail", "email")
    async with stage(ctx, sms, voice, mail):
        for name in ("sms", "voice", "mail"):
            await add_account(ctx, name)
        async with ctx.db.transaction() as conn:
            await conn.execute("insert into profile (id, traits) values (1, '{}')")
            await conn.execute("insert into identity (kind, value, profile_id) values ('phone', '+4915199999999', 1), ('email', 'a@example.com', 1)")
        yield Desk(ctx, sms, voice, mail)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


async def test_the_right_code_passes_once(desk: Desk) -> None:
    began = await desk.begin()
    assert began.state == "pending" and began.profile_id is None and began.factors[0].address == "+49•••78"
    assert desk.sms.heard == [PHONE] and len(desk.code()) == 6
    found = await desk.check(began, f" {desk.code()[:3]}-{desk.code()[3:]} ")
    assert (found.correct, found.verification.state) == (True, "passed")
    assert not (await desk.check(began, desk.code())).correct


async def test_a_code_is_kept_nowhere(desk: Desk, ctx: Context, capsys: pytest.CaptureFixture[str]) -> None:
    began = await desk.begin()
    code, spaced = desk.code(), ", ".join(desk.code())

    async def everything() -> str:
        async with ctx.db.connection() as conn:
            tables = await (await conn.execute("select tablename from pg_tables where schemaname = 'public'")).fetchall()
            return " ".join([
                str(await (await conn.execute(f'select string_agg(t::text, $$ $$) from "{name}" t')).fetchone())
                for (name,) in tables
            ])  # fmt: skip

    assert not re.search(rf"(?<!\d){code}(?!\d)", await everything()) and spaced not in await everything()
    async with ctx.db.connection() as conn:
        carried = await (await conn.execute("select variables ? '_code' from delivery")).fetchall()
    await desk.check(began, code)
    async with ctx.db.connection() as conn:
        carried += await (await conn.execute("select variables ? '_code' from delivery")).fetchall()
        assert carried == [(True,), (False,)]
        assert await (await conn.execute("select seed from verification_factor")).fetchall() == [(None,)]
    assert code not in capsys.readouterr().out


async def test_too_many_wrong_ones_lock_it_even_for_the_right_one(desk: Desk) -> None:
    began = await desk.begin(attempts=3)
    for left in (2, 1, 0):
        found = await desk.check(began, wrong(desk.code()))
        assert not found.correct and found.verification.factors[0].attempts_left == left
        assert found.verification.state == ("pending" if left else "locked")
    assert (await desk.check(began, desk.code())).verification.state == "locked"
    with pytest.raises(VerificationOver):
        await desk.again(began)


async def test_two_channels_must_both_pass_each_with_its_own_code(desk: Desk, ctx: Context) -> None:
    began = await desk.begin(NewFactor(channel="mail"), NewFactor(channel="voice"), profile_id=1)
    assert sorted(name for name, _ in desk.said) == ["mail", "voice"]
    by = {name: desk.code(i) for i, (name, _) in enumerate(desk.said)}
    assert by["mail"] != by["voice"]
    with pytest.raises(FactorUnknown):
        await desk.check(began, by["mail"])
    assert not (await desk.check(began, by["mail"], 2)).correct
    found = await desk.check(began, by["mail"], 1)
    assert found.correct and found.verification.state == "pending"
    assert [factor.passed for factor in found.verification.factors] == [True, False]
    with pytest.raises(FactorUnknown):
        await desk.check(began, by["mail"], 1)
    assert (await desk.check(began, by["voice"], 2)).verification.state == "passed"


async def test_voice_says_the_code_when_no_receipt_comes(desk: Desk, clock: VirtualClock) -> None:
    began = await desk.begin(NewFactor(channel="sms", address=PHONE, fallback="voice", fallback_after=30))
    clock.advance(timedelta(seconds=31))
    await desk.run()
    assert [name for name, _ in desk.said] == ["sms", "voice"] and desk.code(0) == desk.code(1)
    assert ", ".join(desk.code(0)) in desk.said[1][1] and desk.voice.heard == [PHONE]
    assert (await desk.read(began)).factors[0].said_by == "voice"
    assert (await desk.check(began, desk.code())).verification.state == "passed"


async def test_voice_says_the_code_when_nobody_takes_the_message(desk: Desk, clock: VirtualClock) -> None:
    desk.answer(desk.sms, lambda wire: Receipt(delivery_id=wire.delivery_id, outcome="deferred", code="down", account_fault=True))
    began = await desk.begin(NewFactor(channel="sms", address=PHONE, fallback="voice", fallback_after=30))
    clock.advance(timedelta(seconds=29))
    await desk.run()
    assert "voice" not in [name for name, _ in desk.said]
    clock.advance(timedelta(seconds=1))
    await desk.run()
    assert desk.said[-1][0] == "voice" and desk.voice.heard == [PHONE]
    factor = (await desk.read(began)).factors[0]
    assert (factor.said_by, factor.sentence) == ("voice", f"+49•••78 accepted it at {clock.now():%Y-%m-%d %H:%M} UTC; no bounce since.")
    desk.answer(desk.sms, yes)
    clock.advance(timedelta(minutes=5))
    await desk.run()
    assert [name for name, _ in desk.said].count("voice") == 1 and desk.said[-1][0] == "voice", "the first is not said any more"


async def test_a_code_is_good_for_as_long_as_was_asked(desk: Desk, clock: VirtualClock) -> None:
    assert (await desk.begin(lifetime=timedelta(minutes=10) - timedelta(milliseconds=40))).state == "pending"
    assert "good for 10 minutes" in desk.said[0][1]


async def test_voice_says_the_code_when_the_message_fails(desk: Desk) -> None:
    desk.answer(desk.sms, lambda wire: Receipt(delivery_id=wire.delivery_id, outcome="rejected", code="x", permanent=True))
    await desk.begin(NewFactor(channel="sms", address=PHONE, fallback="voice"))
    assert [name for name, _ in desk.said] == ["sms", "voice"]


async def test_what_has_passed_is_not_said_any_more(desk: Desk, clock: VirtualClock, ctx: Context) -> None:
    began = await desk.begin(NewFactor(channel="sms", address=PHONE, fallback="voice", fallback_after=30))
    await desk.check(began, desk.code())
    clock.advance(timedelta(minutes=5))
    await desk.run()
    assert [name for name, _ in desk.said] == ["sms"]
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select 1 from delivery_watch")).fetchone() is None


async def test_the_same_code_is_sent_again_but_not_too_soon_nor_too_often(desk: Desk, clock: VirtualClock) -> None:
    began = await desk.begin(NewFactor(channel="sms", address=PHONE, fallback="voice", fallback_after=600), sendings=3)
    with pytest.raises(TooManyCodes) as caught:
        await desk.again(began)
    assert caught.value.retry_after == 30
    clock.advance(timedelta(seconds=30))
    assert (await desk.again(began)).factors[0].sendings_left == 1
    clock.advance(timedelta(seconds=30))
    await desk.again(began, by_fallback=True)
    clock.advance(timedelta(seconds=30))
    with pytest.raises(TooManyCodes):
        await desk.again(began)
    assert [name for name, _ in desk.said] == ["sms", "sms", "voice"] and len({desk.code(i) for i in range(3)}) == 1


async def test_an_address_is_not_flooded_by_asking_anew(desk: Desk, clock: VirtualClock) -> None:
    for _ in range(verifications.MOST_LATELY):
        await desk.begin()
    with pytest.raises(TooManyCodes):
        await desk.begin()
    await desk.begin(NewFactor(channel="sms", address="+4915100000000"))
    clock.advance(timedelta(hours=1))
    await desk.begin()


async def test_asking_twice_under_one_key_is_asking_once(desk: Desk) -> None:
    first = await desk.begin(key="login 7: b")
    again = await desk.begin(key="login 7: b")
    assert again.id == first.id and again.key == "login 7: b" and len(desk.said) == 1


async def test_it_runs_out(desk: Desk, clock: VirtualClock, ctx: Context) -> None:
    checked, left = await desk.begin(), await desk.begin()
    clock.advance(timedelta(minutes=10))
    assert (await desk.check(checked, desk.code(0))).verification.state == "expired"
    await desk.run()
    assert (await desk.read(left)).state == "expired"
    clock.advance(verifications.KEPT + timedelta(minutes=1))
    await desk.run()
    with pytest.raises(VerificationUnknown):
        await desk.read(left)
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select 1 from verification_factor")).fetchone() is None


async def test_nobody_to_write_to_is_a_failure_at_once(desk: Desk, ctx: Context) -> None:
    async with ctx.db.connection() as conn:
        await conn.execute("delete from identity where kind = 'phone'")
    began = await desk.begin(NewFactor(channel="sms", fallback="voice"), profile_id=1)
    assert began.state == "failed" and began.factors[0].delivery_state == "suppressed" and began.factors[0].sentence


async def test_it_is_called_off_before_it_was_said(desk: Desk, ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        began = await verifications.begin(ctx, conn, SHOP, NewVerification(factors=[NewFactor(channel="sms", address=PHONE)]))
        assert (await verifications.cancel(ctx, conn, SHOP, began.id)).state == "cancelled"
    await desk.run()
    assert desk.said == [] and (await desk.read(began)).factors[0].delivery_state == "cancelled"


async def test_words_in_the_customers_language_or_the_callers_own(desk: Desk) -> None:
    await desk.begin(language="ru")
    assert desk.said[-1][1].startswith("Ваш код:")
    await desk.begin(text="Shop: {{ code }}", length=4)
    assert re.fullmatch(r"Shop: \d{4}", desk.said[-1][1])
    await desk.begin(text="{% if minutes > 5 %}{{ code_spaced }}{% endif %}", length=4)
    for without in ("Hello", "Use the code that we sent you", "{{ barcode }}"):
        with pytest.raises(CodeTextMissing):
            await desk.begin(text=without)
    with pytest.raises(TemplateInvalid):
        await desk.begin(text="{{ code ")


async def test_it_is_exported_and_erased(desk: Desk, ctx: Context) -> None:
    await desk.begin(NewFactor(channel="sms"), profile_id=1)
    async with ctx.db.transaction() as conn:
        exported = await ledger.export(ctx, conn, 1)
        assert [(one["channel"], one["state"]) for one in exported["verifications"]] == [("sms", "pending")]
        await ledger.erase(ctx, conn, 1)
        assert await (await conn.execute("select 1 from verification")).fetchone() is None


@given(seed=st.binary(min_size=16, max_size=16), length=st.integers(4, 10))
def test_a_code_follows_from_seed_and_secret(seed: bytes, length: int) -> None:
    secret = b"s" * 32
    code = codes.code_of(secret, seed, length)
    assert re.fullmatch(rf"\d{{{length}}}", code)
    assert codes.is_code(secret, seed, length, code) and not codes.is_code(secret, seed, length, code + "0")
    seen = codes.told(secret, {"_as": 3, "x": 1} | codes.seeded(seed, length))
    assert seen == {"x": 1, "code": code, "code_spaced": ", ".join(code)}


def test_addresses_are_covered() -> None:
    assert [covered(a) for a in (None, "anna@example.com", "+4915112345678", "abc")] == [None, "a•••@example.com", "+49•••78", "•••"]


async def test_a_code_by_email_alone_is_refused_but_one_of_two_may_be(desk: Desk, ctx: Context) -> None:
    await add_account(ctx, "email", host="127.0.0.1", port=9, security="none", from_email="a@example.com")
    alone = NewVerification(factors=[NewFactor(channel="email")], profile_id=1)
    both = NewVerification(factors=[NewFactor(channel="email"), NewFactor(channel="voice")], profile_id=1)
    reserve = NewVerification(factors=[NewFactor(channel="sms", fallback="email")], profile_id=1)
    async with ctx.db.transaction() as conn:
        began = [await verifications.begin(ctx, conn, SHOP, new) for new in (alone, both, reserve)]
        reasons = await (await conn.execute("select reason from delivery where state = 'suppressed'")).fetchall()
    assert [one.state for one in began] == ["failed", "pending", "pending"]
    assert reasons == [("unsuitable_channel",)] and "email" in (began[0].factors[0].sentence or "")
