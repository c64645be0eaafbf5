"""The sandbox's mail server, spoken to over real SMTP."""

from __future__ import annotations

import asyncio
import email
import email.policy
import smtplib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from antiphon.sandbox.email import MailLog, Rates, count_received, fault_of, read_received
from antiphon.sandbox.email.bounces import Bouncer, delivery_status
from antiphon.sandbox.email.server import Mailboxes, start_mail_server

MESSAGE = b"From: shop@example.com\r\nTo: you@example.net\r\nSubject: Hello\r\nMessage-ID: <1@x>\r\n\r\nHow are you?\r\n"


@asynccontextmanager
async def mail_server(folder: Path, **rates: float) -> AsyncIterator[int]:
    log = MailLog(folder)
    server, port = await start_mail_server(Mailboxes(log, 1, Rates(**rates), hang_seconds=1.0))
    yield port
    server.close()
    await asyncio.sleep(0.05)
    log.close()


def send(port: int, to: str = "you@example.net", timeout: float = 60) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as client:
        client.sendmail("return+1@example.com", [to], MESSAGE)


async def sending(port: int, to: str = "you@example.net", timeout: float = 60) -> None:
    await asyncio.to_thread(send, port, to, timeout)


async def test_accepts_and_logs_each_message_once(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as port:
        await asyncio.gather(*(sending(port, f"p{number}@example.net") for number in range(20)))
        assert count_received(tmp_path) == 20
    entries = list(read_received(tmp_path))
    assert {entry.recipients[0] for _, entry, _ in entries} == {f"p{number}@example.net" for number in range(20)}
    assert [entry.n for _, entry, _ in entries] == list(range(1, 21))
    assert all(content == MESSAGE for _, _, content in entries)
    position = entries[9][0]
    assert [entry.n for _, entry, _ in read_received(tmp_path, position)] == list(range(11, 21))


async def test_continues_its_log_and_cuts_off_half_a_line(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as port:
        await sending(port)
    with (tmp_path / "received.jsonl").open("ab") as log:
        log.write(b'{"n":2,"at":"20')
    assert count_received(tmp_path) == 1
    async with mail_server(tmp_path) as port:
        await sending(port)
    assert [entry.n for _, entry, _ in read_received(tmp_path)] == [1, 2]


async def test_refuses(tmp_path: Path) -> None:
    async with mail_server(tmp_path, refuse=1) as port:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await sending(port)
    assert refused.value.recipients["you@example.net"][0] == 550
    assert count_received(tmp_path) == 0


async def test_greylists_the_first_attempt_only(tmp_path: Path) -> None:
    async with mail_server(tmp_path, greylist=1) as port:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await sending(port)
        assert refused.value.recipients["you@example.net"][0] == 451
        await asyncio.sleep(0.6)
        await sending(port)
    assert count_received(tmp_path) == 1


@pytest.mark.parametrize("fault", ["close", "hang"])
async def test_closes_or_hangs_in_the_middle_and_keeps_nothing(tmp_path: Path, fault: str) -> None:
    async with mail_server(tmp_path, **{fault: 1.0}) as port:
        with pytest.raises((smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError)):
            await sending(port, timeout=0.5)
    assert count_received(tmp_path) == 0


async def test_silent_keeps_the_message_but_does_not_say_so(tmp_path: Path) -> None:
    async with mail_server(tmp_path, silent=1) as port:
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            await sending(port)
        assert count_received(tmp_path) == 1


async def test_defers_for_ever(tmp_path: Path) -> None:
    async with mail_server(tmp_path, defer=1) as port:
        for _ in range(2):
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                await sending(port)
            assert refused.value.recipients["you@example.net"][0] == 452
    assert count_received(tmp_path) == 0


@pytest.mark.parametrize("fault", ["complain", "reply", "away"])
async def test_complaints_and_answers_go_back(tmp_path: Path, fault: str) -> None:
    """And are read for what they are by the e-mail channel."""
    from antiphon.execution.channels.email.bounces import read_mail

    async with mail_server(tmp_path / "away", **{fault: 1.0}) as away, mail_server(tmp_path / "home") as home:
        await sending(away)
        assert await asyncio.to_thread(Bouncer(tmp_path / "away", "127.0.0.1", home).send_due) == 1
    [(_, entry, content)] = read_received(tmp_path / "home")
    signals = read_mail(content, entry.recipients[0])
    match fault:
        case "complain":
            assert [(one.kind, one.address) for one in signals] == [("complained", "you@example.net")]
            assert entry.sender == "" and entry.recipients == ["return+1@example.com"]
        case "reply":
            assert [(one.kind, one.text, one.address) for one in signals] == [
                ("replied", "Yes, please tell me more.", "you@example.net")
            ]
            assert entry.recipients == ["shop@example.com"]
        case _:
            assert signals == []


async def test_delay(tmp_path: Path) -> None:
    async with mail_server(tmp_path, delay=1) as port:
        before = asyncio.get_running_loop().time()
        await sending(port)
        assert asyncio.get_running_loop().time() - before > 0.4
    assert count_received(tmp_path) == 1


async def test_bounces_go_back_to_the_return_path_once(tmp_path: Path) -> None:
    async with mail_server(tmp_path / "away", bounce=1) as away, mail_server(tmp_path / "home") as home:
        await sending(away)
        bouncer = Bouncer(tmp_path / "away", "127.0.0.1", home)
        assert await asyncio.to_thread(bouncer.send_due) == 1
        assert await asyncio.to_thread(Bouncer(tmp_path / "away", "127.0.0.1", home).send_due) == 0
    [(_, entry, content)] = read_received(tmp_path / "home")
    assert entry.sender == "" and entry.recipients == ["return+1@example.com"]
    report = email.message_from_bytes(content, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"


async def test_bounces_wait_while_nobody_takes_them(tmp_path: Path, free_port: Callable[[], int]) -> None:
    async with mail_server(tmp_path, bounce=1) as port:
        await sending(port)
    bouncer = Bouncer(tmp_path, "127.0.0.1", free_port())
    with pytest.raises(OSError):
        bouncer.send_due()
    assert not (tmp_path / "bounced").exists()


async def test_a_notification_is_what_rfc_3464_says(tmp_path: Path) -> None:
    from flufl.bounce import scan_message

    async with mail_server(tmp_path, bounce=1) as port:
        await sending(port)
    [(_, entry, content)] = read_received(tmp_path)
    raw = delivery_status(entry, content, datetime(2026, 6, 1, tzinfo=UTC))
    assert scan_message(email.message_from_bytes(raw)) == {b"you@example.net"}
    text, status, headers = email.message_from_bytes(raw).get_payload()  # type: ignore[misc]
    assert text.get_content_type() == "text/plain"  # type: ignore[union-attr]
    fields = status.get_payload()  # type: ignore[union-attr]
    assert fields[0]["Reporting-MTA"] and fields[1]["Action"] == "failed" and fields[1]["Status"] == "5.1.1"  # type: ignore[index,call-overload]
    assert "Message-ID: <1@x>" in headers.get_payload()  # type: ignore[union-attr,operator]


@given(st.integers(-(2**60), 2**60))
def test_rates_are_met_and_seeded(seed: int) -> None:
    rates = Rates(bounce=0.2, refuse=0.1)
    found = [fault_of(seed, rates, f"p{number}@example.net") for number in range(400)]
    assert found == [fault_of(seed, rates, f"P{number}@example.net") for number in range(400)]
    assert 30 < found.count("bounce") < 140 and 8 < found.count("refuse") < 90
    assert set(found) == {"bounce", "refuse", None}


def test_rates_beyond_one_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        Rates(bounce=0.6, refuse=0.6)


async def test_a_client_that_hangs_up_while_its_mail_is_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MailLog(tmp_path)
    writing, go_on = threading.Event(), threading.Event()
    put = log._put

    def slow(batch: Any) -> Any:
        writing.set()
        go_on.wait(10)
        return put(batch)

    monkeypatch.setattr(log._appender, "_put", slow)
    gone = [asyncio.create_task(log.append("a@x.org", [f"{n}@x.org"], b"mail", None)) for n in range(3)]
    assert await asyncio.to_thread(writing.wait, 10)
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.wait(gone)
    go_on.set()
    received = await asyncio.wait_for(log.append("a@x.org", ["b@x.org"], b"mail", None), 60)
    log.close()
    assert received.recipients == ["b@x.org"]
    assert received.n == count_received(tmp_path)
