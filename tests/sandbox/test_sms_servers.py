"""The sandbox's telephones: started as people start them, their log on disk before their answer, their troubles keyed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import smpp34

from antiphon.sandbox.sms.faults import Rates, fault_of
from antiphon.sandbox.sms.log import LOG, Received, SmsLog, count_received, now, read_received
from antiphon.sandbox.sms.text import body_of, read_text, write_text


@asynccontextmanager
async def started(kind: str, folder: Path, *options: str) -> AsyncIterator[int]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "antiphon.sandbox.sms", kind, "--folder", str(folder), *options, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        yield int(await asyncio.wait_for(child.stdout.readline(), 120))
    finally:
        child.terminate()
        await asyncio.wait_for(child.wait(), 120)


async def test_the_smsc_started_by_hand_takes_messages_of_any_client(tmp_path: Path) -> None:
    async with started("smsc", tmp_path, "--rates", '{"stop": 1}') as port:
        smsc = await smpp34.Client("127.0.0.1", port, "someone", "secret").connect()
        answer = await smsc.submit_sm("79991234567", "Hello €".encode("utf-16-be"), source_addr="1234", data_coding=8, registered_delivery=1)
        assert answer.is_success and count_received(tmp_path) == 1
        heard = [await asyncio.wait_for(smsc.next(), 120) for _ in range(2)]
        texts = sorted((e.short_message for e in heard if isinstance(e, smpp34.DeliverSmEvent)), key=len, reverse=True)
        assert texts[0].startswith(f"id:{answer.message_id}".encode()) and b"stat:DELIVRD" in texts[0] and texts[1] == b"STOP"
        await smsc.unbind()
    ((_, entry),) = read_received(tmp_path)
    assert (entry.text, entry.recipient, entry.sender, entry.fault) == ("Hello €", "79991234567", "1234", "stop")


async def test_the_gateway_started_by_hand(tmp_path: Path) -> None:
    async with started("gateway", tmp_path, "--account-sid", "AC7", "--auth-token", "t") as port:
        url = f"http://127.0.0.1:{port}/2010-04-01/Accounts/AC7/Messages.json"
        async with httpx2.AsyncClient() as client:
            form = {"To": "+79991234567", "From": "+15005550006", "Body": "Hello"}
            assert (await client.post(url, data=form)).status_code == 401
            made = await client.post(url, data=form, auth=("AC7", "t"))
            assert made.status_code == 201 and made.json()["sid"].startswith("SM") and count_received(tmp_path) == 1
            assert (await client.post(url, data=form | {"Body": ""}, auth=("AC7", "t"))).json()["code"] == 21602


@pytest.mark.parametrize("rates", ['{"stop": 2}', '{"nonsense": 1}', '{"stop": 0.6, "hang": 0.6}', "no json"])
async def test_wrong_rates_are_refused(tmp_path: Path, rates: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "antiphon.sandbox.sms", "smsc", "--folder", str(tmp_path), "--rates", rates, stderr=asyncio.subprocess.PIPE
    )
    _, said = await child.communicate()
    assert child.returncode == 2 and b"--rates" in said


def test_the_same_seed_gives_the_same_troubles() -> None:
    rates = Rates(stop=0.2, hang=0.1)
    troubles = [fault_of(7, rates, f"+7999{n:07d}") for n in range(2000)]
    assert troubles == [fault_of(7, rates, f"7999{n:07d}") for n in range(2000)]
    assert 300 < troubles.count("stop") < 500 and 130 < troubles.count("hang") < 270
    assert troubles != [fault_of(8, rates, f"+7999{n:07d}") for n in range(2000)]


async def test_half_a_line_left_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    log = SmsLog(tmp_path)
    await log.append(Received(id="1", at=now(), sender="a", recipient="b"), Received(id="2", at=now(), sender="a", recipient="b"))
    await asyncio.to_thread(log.close)
    with (tmp_path / LOG).open("ab") as file:
        file.write(json.dumps({"id": "3"}).encode()[:5])
    assert count_received(tmp_path) == 2
    again = SmsLog(tmp_path)
    await again.append(Received(id="3", at=now(), sender="a", recipient="b"))
    await asyncio.to_thread(again.close)
    assert [entry.id for _, entry in read_received(tmp_path)] == ["1", "2", "3"]


def test_texts_of_telephones() -> None:
    for text in ("Hello {you} €5 [ñ]", "Привет", "😀"):
        content, coding, _ = write_text(text)
        assert read_text(content, coding) == text
    assert body_of(bytes((5, 0, 3, 1, 2, 1)) + b"hi", 0x40) == b"hi" and body_of(b"hi", 0) == b"hi"
