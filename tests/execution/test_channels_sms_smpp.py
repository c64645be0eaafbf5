"""SMPP against the sandbox's SMSC: what is said, what is heard, and every trouble on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.execution.sms import message, scene, smpp_account, until

from antiphon.execution.channels import Listening, TextTooLong
from antiphon.execution.channels.sms.smpp import SmppChannel
from antiphon.sandbox.sms.faults import Rates
from antiphon.sandbox.sms.line import Delivery
from antiphon.sandbox.sms.log import count_received
from antiphon.sandbox.sms.smsc import Habits


async def test_one_message_and_its_receipt(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account(receipts="all")
        await s.listen(account)
        (receipt,) = await s.say(account, message(7, "Hällo {you} €5"))
        assert (receipt.outcome, receipt.code, s.announced) == ("sent", "ESME_ROK", [7])
        (entry,) = s.log
        assert (entry.text, entry.coding, entry.recipient, entry.sender) == ("Hällo {you} €5", 0, "79990000007", "Antiphon")
        assert receipt.provider_id == entry.id
        await until(lambda: s.ear.of("delivered"))
        (heard,) = s.ear.signals
        assert (heard.provider_id, heard.code, heard.permanent) == (entry.id, "DELIVRD", False)
        await until(lambda: s.smsc.acknowledged == 1)
        assert isinstance(s.channel, Listening)
        assert [role for role, _ in s.smsc.binds] == ["transceiver"]


async def test_who_does_not_listen_binds_to_send_only(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account()
        assert [r.outcome for r in await s.say(account, *(message(i) for i in range(1, 60)))] == ["sent"] * 59
        assert [role for role, _ in s.smsc.binds] == ["transmitter"]
        assert s.smsc.waiting == 59  # receipts wait for whoever hears
        await s.listen(account)
        await until(lambda: len(s.ear.of("delivered")) == 59)
        await until(lambda: not any(line.role == "transmitter" for line in s.smsc.lines))  # it made way
        assert (await s.say(account, message(60)))[0].outcome == "sent"
        assert [role for role, _ in s.smsc.binds] == ["transmitter", "transceiver"]


async def test_a_receiver_of_its_own(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account(bind="separate")
        await s.listen(account)
        await s.say(account, message(1))
        await until(lambda: s.ear.of("delivered"))
        assert sorted(role for role, _ in s.smsc.binds) == ["receiver", "transmitter"]


@pytest.mark.parametrize("joining", ["8bit", "16bit", "payload"])
async def test_a_long_message_arrives_whole(tmp_path: Path, joining: str) -> None:
    text = "Привет 😀 " * 21
    async with scene(tmp_path) as s:
        account = s.account(joining=joining)
        with pytest.raises(TextTooLong):
            s.channel.prepare(message(1, text), account)
        await s.listen(account)
        (wire,) = s.wires(account, message(1, text, split=True))
        (receipt,) = await s.say(account, message(1, text, split=True))
        entries = s.log
        assert receipt.outcome == "sent" and wire.parts == 4 == (len(entries) if joining != "payload" else 4)
        assert "".join(entry.text for entry in entries) == text.rstrip()
        assert {entry.coding for entry in entries} == {8}
        assert (receipt.provider_id, *receipt.part_ids) == (entries[-1].id, *(entry.id for entry in entries[:-1]))
        await until(lambda: len(s.ear.of("delivered")) == len(entries))
        assert {signal.provider_id for signal in s.ear.signals} == {entry.id for entry in entries}  # each part tells
        if joining == "8bit":
            assert [entry.content[:12] for entry in entries] == [f"050003{entries[0].content[6:8]}04{n:02d}" for n in (1, 2, 3, 4)]
        if joining == "16bit":
            assert [entry.content[:6] for entry in entries] == ["060804"] * 4


async def test_a_receipt_is_acknowledged_only_when_it_is_stored(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account()
        s.ear.gate = asyncio.Event()
        await s.listen(account)
        await s.say(account, message(1))
        await until(lambda: s.ear.calls == 1)
        await asyncio.sleep(0.05)
        assert s.smsc.acknowledged == 0
        s.ear.gate.set()
        await until(lambda: s.smsc.acknowledged == 1)


async def test_what_cannot_be_stored_comes_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account()
        s.ear.fails = 1
        await s.listen(account)
        await s.say(account, message(1))
        await until(lambda: s.ear.of("delivered"))
        assert s.smsc.refusals == [0x64] and len(s.ear.signals) == 1


async def test_a_connection_lost_before_the_acknowledgement_brings_the_receipt_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account()
        s.ear.gate = asyncio.Event()
        await s.listen(account)
        await s.say(account, message(1))
        await until(lambda: s.ear.calls == 1)
        s.smsc.hang_up()
        s.ear.gate.set()
        await until(lambda: len(s.ear.of("delivered")) == 2)  # twice told, with one id
        assert len({signal.id for signal in s.ear.signals}) == 1
        await until(lambda: s.smsc.waiting == 0)


@pytest.mark.parametrize(
    ("fault", "outcome", "code", "permanent", "account_fault", "address_fault", "accepted"),
    [
        ("refuse", "rejected", "ESME_RINVDSTADR", True, False, True, 0),
        ("busy", "deferred", "ESME_RSYSERR", False, False, False, 0),
        ("throttle", "sent", "ESME_ROK", False, False, False, 1),
        ("hang", "unknown", "timeout", False, True, False, 0),
        ("mute", "unknown", "timeout", False, True, False, 1),
        ("close", "unknown", "closed", False, True, False, 0),
        ("silent", "unknown", "closed", False, True, False, 1),
    ],
)
async def test_troubles_of_sending(
    tmp_path: Path, fault: str, outcome: str, code: str, permanent: bool, account_fault: bool, address_fault: bool, accepted: int
) -> None:
    async with scene(tmp_path, Rates(**{fault: 1.0})) as s:
        patience = 0.5 if fault in ("hang", "mute") else 20.0
        (receipt,) = await s.say(s.account(answer_timeout=patience), message(1))
        assert (receipt.outcome, receipt.code, receipt.permanent) == (outcome, code, permanent)
        assert (receipt.account_fault, receipt.address_fault) == (account_fault, address_fault)
        assert s.announced == [1] and count_received(tmp_path) == accepted


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("undelivered", ["bounced"]), ("expired", ["bounced"]), ("late", ["delivered"]), ("twice", ["delivered", "delivered"]),
        ("early", ["delivered"]), ("lost", []), ("stop", ["delivered", "unsubscribed"]), ("reply", ["delivered", "replied"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("style", ["text", "parameters"])
async def test_troubles_of_receipts(tmp_path: Path, fault: str, kinds: list[str], style: str) -> None:
    async with scene(tmp_path, Rates(**{fault: 1.0}), Habits(receipts=style)) as s:  # type: ignore[arg-type]
        account = s.account(dead_codes="001")
        await s.listen(account)
        (receipt,) = await s.say(account, message(1))
        assert receipt.outcome == "sent"
        await until(lambda: len(s.ear.signals) >= len(kinds))
        await asyncio.sleep(0.05)
        assert [signal.kind for signal in s.ear.signals] == kinds
        if kinds and kinds != ["delivered", "delivered"]:
            assert s.ear.signals[0].provider_id == receipt.provider_id
            assert s.ear.signals[0].permanent == (fault == "undelivered")
        if fault == "stop":
            assert (s.ear.signals[1].address, s.ear.signals[1].text) == ("+79990000001", "STOP")


@pytest.mark.parametrize("ids", ["same", "hex_decimal", "decimal_hex"])
async def test_message_ids_are_compared_in_one_form(tmp_path: Path, ids: str) -> None:
    async with scene(tmp_path, habits=Habits(ids=ids)) as s:  # type: ignore[arg-type]
        account = s.account(message_ids=ids)
        await s.listen(account)
        (receipt,) = await s.say(account, message(1))
        await until(lambda: s.ear.signals)
        assert s.ear.signals[0].provider_id == receipt.provider_id


async def test_a_refused_later_part_leaves_the_message_unknown(tmp_path: Path) -> None:
    async with scene(tmp_path, habits=Habits(per_second=2)) as s:
        text = "a" * 900
        (receipt,) = await s.say(s.account(), message(1, text, split=True))
        # Six parts at two a second: slowed down, and through in the end or told as it is; never said twice.
        assert receipt.outcome in ("sent", "unknown")
        if receipt.outcome == "unknown":
            assert receipt.code == "partly" and f"{count_received(tmp_path)} of 6" in receipt.detail


async def test_throttling_slows_down_and_loses_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, habits=Habits(per_second=20)) as s:
        receipts = await s.say(s.account(), *(message(i) for i in range(1, 41)))
        assert {r.outcome for r in receipts} <= {"sent", "deferred"}
        assert count_received(tmp_path) == sum(r.outcome == "sent" for r in receipts) >= 20
        assert all(r.code == "ESME_RTHROTTLED" and r.retry_after for r in receipts if r.outcome == "deferred")


async def test_replies_of_several_parts_are_one(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.listen(s.account())
        long = "Здравствуйте! " * 12 + "😀"
        s.smsc.say("+79991112233", "1234", long, reverse=True)
        s.smsc.say("+79991112233", "1234", "short")
        await until(lambda: len(s.ear.of("replied")) == 2)
        short, whole = sorted(s.ear.of("replied"), key=lambda signal: len(signal.text))
        assert (whole.text, whole.address, whole.recipient, short.text) == (long, "+79991112233", "1234", "short")
        await until(lambda: s.smsc.waiting == 0)


async def test_a_part_that_comes_alone_is_kept_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.execution.channels.sms.smpp.ear.PATIENCE", 0.2)
    async with scene(tmp_path) as s:
        await s.listen(s.account())
        content = bytes((5, 0, 3, 9, 3, 2)) + b"middle"
        s.smsc._outbox.append(Delivery("+79991112233", "1234", content, 0x40, 0))
        s.smsc.pump()
        await asyncio.sleep(0.05)
        assert s.smsc.acknowledged == 0
        await until(lambda: s.ear.of("replied"))
        assert s.ear.signals[0].text == "middle"
        await until(lambda: s.smsc.acknowledged == 1)


async def test_a_silent_link_is_tried_and_left(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account(enquire_seconds=0.1, timeout=1.5)
        await s.listen(account)
        await asyncio.sleep(0.5)
        assert len(s.smsc.binds) == 1  # answered
        for line in s.smsc.lines:
            line.data_received = lambda data: None  # type: ignore[method-assign]
        await until(lambda: len(s.smsc.binds) == 2)


async def test_it_binds_again_when_the_smsc_comes_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account()
        await s.listen(account)
        await s.smsc.close()
        await asyncio.sleep(0.05)
        (receipt,) = await s.say(account, message(1))
        assert (receipt.outcome, receipt.account_fault, s.announced) == ("deferred", True, [])
        await s.smsc.start(port=s.port)
        await until(lambda: len(s.smsc.binds) == 2)
        assert (await s.say(account, message(1)))[0].outcome == "sent"


async def test_it_leaves_when_it_is_asked_to_and_loses_no_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        account = s.account()
        await s.listen(account)
        s.smsc.pause = 0.2
        speaking = asyncio.create_task(s.say(account, *(message(i) for i in range(1, 11))))
        await until(lambda: s.smsc.in_hand == 10)
        s.smsc.dismiss()
        assert {receipt.outcome for receipt in await speaking} == {"sent"}
        await until(lambda: len(s.smsc.binds) == 2)
        await until(lambda: s.smsc.waiting == 0)
        assert len({signal.id for signal in s.ear.of("delivered")}) == 10  # what crossed our leaving comes again, with its id


async def test_a_vendors_own_message_is_answered_with_a_nack(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.listen(s.account())
        heard: list[bytes] = []
        (line,) = s.smsc.lines
        line.data_received = heard.append  # type: ignore[method-assign]
        line.write(bytes.fromhex("00000010 00010200 00000000 00000009"))
        await until(lambda: heard)
        assert heard == [bytes.fromhex("00000010 80000000 00000003 00000009")]


async def test_a_wrong_password_is_said_at_set_up_and_faults_the_account(tmp_path: Path) -> None:
    async with scene(tmp_path, habits=Habits(system_id="antiphon", password="right")) as s:
        wrong = s.account(password="wrong")
        trial = await s.channel.test(wrong)
        assert (trial.ok, trial.steps[-1], trial.detail) == (False, "bind", "ESME_RINVPASWD")
        (receipt,) = await s.say(wrong, message(1))
        assert (receipt.outcome, receipt.code, receipt.account_fault, s.announced) == ("deferred", "ESME_RINVPASWD", True, [])
        assert (await s.channel.test(s.account(password="right"))).ok
        assert not (await s.channel.test(smpp_account(1))).ok


async def test_a_changed_account_binds_anew(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.listen(s.account())
        await s.say(s.account(), message(1))
        await s.say(s.account(version=2, system_type="NEW"), message(2))
        assert [bind.system_type for _, bind in s.smsc.binds] == ["", "NEW"]
        s.smsc.say("+79991112233", "1234", "still heard")
        await until(lambda: s.ear.of("replied"))


async def test_a_failed_announcement_says_nothing(tmp_path: Path) -> None:
    async def refuse(ids: object) -> None:
        raise LookupError("fenced")

    async with scene(tmp_path) as s:
        account = s.account()
        with pytest.raises(LookupError):
            await s.channel.send(account, s.wires(account, message(1)), refuse)
        await asyncio.sleep(0.05)
        assert count_received(tmp_path) == 0 and s.smsc.submissions == 0


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"sender": "1234"}, ("source", "1234")), ({"sender": "1234"}, ("source_ton", 3)), ({"sender_ton": 2}, ("source_ton", 2)),
        ({"sender_npi": 9}, ("source_npi", 9)), ({"destination_ton": 2}, ("destination_ton", 2)),
        ({"destination_npi": 8}, ("destination_npi", 8)), ({"service_type": "CMT"}, ("service_type", "CMT")),
        ({"receipts": "failures"}, ("registered", 2)), ({"receipts": "none"}, ("registered", 0)),
        ({"validity_hours": 26}, ("validity", "000001020000000R")), ({"charset": "latin1"}, ("coding", 3)),
        ({"transliterate": True}, ("coding", 0)), ({"joining": "payload"}, ("message_payload", 322)),
        ({"system_id": "other"}, ("session", "transmitter:other:")), ({"system_type": "VMA"}, ("session", "transmitter:antiphon:VMA")),
    ],
)  # fmt: skip
async def test_each_setting_changes_what_the_smsc_sees(tmp_path: Path, changed: dict[str, object], seen: tuple[str, object]) -> None:
    text = {"transliterate": "Привет", "joining": "é" * 161 + "€" * 80}.get(next(iter(changed)), "Hé")
    async with scene(tmp_path) as s:
        await s.say(s.account(), message(1, text, split=True))
        before = s.log[0].fields
        await s.say(s.account(version=2, **changed), message(1, text, split=True))
        after = s.log[-1].fields
        assert after.get(seen[0]) == seen[1] or seen[0] == "message_payload"
        assert before.get(seen[0]) != after.get(seen[0])


async def test_a_hostile_smsc_does_no_harm(tmp_path: Path) -> None:
    said: list[bytes] = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said.pop(0) if said else b"")
        await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    channel = SmppChannel()
    account = smpp_account(server.sockets[0].getsockname()[1], timeout=0.5)
    for octets in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xff\xff\xff" * 8, b"\0\0\0\x01" * 4, b"", b"\0\0\0\x10\x80\0\0\x09\0\0\0\x08\0\0\0\x01"):
        said.append(octets)
        trial = await channel.test(account)
        assert not trial.ok and trial.detail
    server.close()
    await channel.close()


