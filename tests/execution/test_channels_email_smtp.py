"""The SMTP client against real servers on loopback: kind ones, faulty ones, and ones that break off where it hurts."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from antiphon.execution.channels import Account, Message, Receipt, Rendered, Wire
from antiphon.execution.channels.email import EmailChannel, EmailSettings
from antiphon.execution.channels.email.dkim import generate_key

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Mailboxes:
    """An SMTP server's handler: keeps what it gets, and answers by the recipient's local part."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.sessions: set[int] = set()
        self.commands: list[str] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        match address.partition("@")[0].partition("-")[0]:
            case "unknown":
                return "550 5.1.1 No such user here"
            case "full":
                return "552 5.2.2 Mailbox full"
            case "grey":
                return "451 4.7.1 Greylisted, try again in 7 minutes"
            case "busy":
                return "421 4.3.2 Shutting down"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.sessions.add(id(session))
        local = envelope.rcpt_tos[0].partition("@")[0].partition("-")[0]
        if local == "spam":
            return "554 5.7.1 Looks like spam"
        if local == "later":
            return "452 4.3.1 No space"
        if local == "hang":
            await asyncio.sleep(30)
        self.received.append(envelope)
        return f"250 2.0.0 Ok: queued as Q{len(self.received)}"


@asynccontextmanager
async def smtp_server(handler: Mailboxes, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    tls = options.pop("tls", None)
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def raw_server(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def account(port: int, **settings: Any) -> Account:
    given: dict[str, Any] = {
        "host": "127.0.0.1", "port": port, "security": "none", "from_email": "shop@shop.example", "timeout": 5.0,
        "data_timeout": 5.0,
    }  # fmt: skip
    return Account(id=1, channel="email", provider="smtp", name="test", settings=EmailSettings(**(given | settings)))


def wires(channel: EmailChannel, acc: Account, addresses: Sequence[str], text: str = "Hello\n.\n..hidden\n") -> list[Wire]:
    return [
        channel.prepare(
            Message(delivery_id=n, address=address, content=Rendered("Hi", "<p>Hi</p>", text), date=NOW, skeleton="t"), acc
        )
        for n, address in enumerate(addresses)
    ]


@pytest.fixture
async def channel() -> AsyncIterator[EmailChannel]:
    opened = EmailChannel()
    yield opened
    await opened.close()


class Announced:
    """Notes what was announced before it was spoken."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.calls = 0

    async def __call__(self, ids: Sequence[int]) -> None:
        self.calls += 1
        self.ids += ids


async def send(channel: EmailChannel, acc: Account, addresses: Sequence[str]) -> list[Receipt]:
    return list(await channel.send(acc, wires(channel, acc, addresses), Announced()))


async def test_a_batch_arrives_whole_over_reused_connections(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler) as port:
        acc = account(port, connections=3)
        announced = Announced()
        addresses = [f"u{n}@x.example" for n in range(40)]
        receipts = await channel.send(acc, wires(channel, acc, addresses), announced)
        assert [r.delivery_id for r in receipts] == list(range(40))
        assert {r.outcome for r in receipts} == {"sent"}
        assert receipts[0].provider_id is not None and receipts[0].provider_id.startswith("Q")
        assert (announced.calls, announced.ids) == (1, list(range(40)))
        await send(channel, acc, addresses)
        assert len(handler.sessions) <= 3
    assert sorted(e.rcpt_tos[0] for e in handler.received) == sorted(addresses * 2)
    content = handler.received[0].content
    assert isinstance(content, bytes) and b"\r\n.\r\n..hidden\r\n" in content  # dots were stuffed, and unstuffed


@pytest.mark.parametrize(
    ("local", "outcome", "code", "permanent", "address_fault", "wait"),
    [
        ("unknown", "rejected", "550", True, True, None),
        ("full", "rejected", "552", True, False, None),
        ("spam", "rejected", "554", True, False, None),
        ("grey", "deferred", "451", False, False, 420.0),
        ("later", "deferred", "452", False, False, None),
    ],
)
async def test_what_a_refusal_means(
    channel: EmailChannel, local: str, outcome: str, code: str, permanent: bool, address_fault: bool, wait: float | None
) -> None:
    handler = Mailboxes()
    async with smtp_server(handler) as port:
        addresses = ["a@x.example", f"{local}@x.example", "b@x.example", f"{local}-2@x.example", "c@x.example"]
        receipts = await send(channel, account(port, connections=1), addresses)
    bad = receipts[1]
    assert (bad.outcome, bad.code, bad.permanent, bad.address_fault) == (outcome, code, permanent, address_fault)
    assert bad.retry_after == wait
    assert [r.outcome for r in receipts] == ["sent", outcome, "sent", outcome, "sent"]
    assert len(handler.received) == 3


async def test_a_server_that_shuts_down_defers_and_loses_nothing(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler) as port:
        receipts = await send(channel, account(port, connections=1), ["a@x.example", "busy@x.example", "b@x.example"])
    assert receipts[0].outcome == "sent"
    assert (receipts[1].outcome, receipts[1].account_fault) == ("deferred", True)
    assert receipts[2].outcome == "sent"


async def test_without_pipelining_each_answer_is_awaited(channel: EmailChannel) -> None:
    spoken: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 old\r\n")
        data = False
        while line := await reader.readline():
            if data:
                if line == b".\r\n":
                    data = False
                    writer.write(b"250 ok\r\n")
                continue
            spoken.append(line)
            assert not reader._buffer  # type: ignore[attr-defined]  # nothing was sent ahead of an answer
            if line.startswith(b"EHLO"):
                writer.write(b"502 what\r\n")
            elif line.startswith(b"DATA"):
                data = True
                writer.write(b"354 go\r\n")
            else:
                writer.write(b"250 ok\r\n")

    async with raw_server(talk) as port:
        receipts = await send(channel, account(port, connections=1), ["a@x.example", "b@x.example"])
        assert [r.outcome for r in receipts] == ["sent", "sent"]
        assert spoken[0].startswith(b"EHLO shop.example") and spoken[1].startswith(b"HELO")


async def _until_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pipelining: bool = True) -> None:
    """Greets, and says yes to everything up to DATA."""
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        if line.startswith(b"EHLO"):
            writer.write(b"250-hello\r\n250 PIPELINING\r\n" if pipelining else b"250 hello\r\n")
        elif line.startswith(b"DATA"):
            writer.write(b"354 go\r\n")
            return
        else:
            writer.write(b"250 ok\r\n")


@pytest.mark.parametrize("how", ["closes", "hangs"])
async def test_silence_after_the_dot_is_unknown(channel: EmailChannel, how: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_data(reader, writer)
        await reader.readuntil(b"\r\n.\r\n")
        if how == "hangs":
            await asyncio.sleep(5)

    async with raw_server(talk) as port:
        acc = account(port, connections=1, data_timeout=0.3)
        (receipt,) = await send(channel, acc, ["a@x.example"])
    assert receipt.outcome == "unknown"
    assert receipt.code == ("closed" if how == "closes" else "timeout")


@pytest.mark.parametrize("how", ["closes", "hangs"])
async def test_breaking_off_before_data_is_deferred(channel: EmailChannel, how: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 PIPELINING\r\n")
        await reader.readline()
        if how == "hangs":
            await asyncio.sleep(5)

    async with raw_server(talk) as port:
        acc = account(port, connections=1, timeout=0.3)
        (receipt,) = await send(channel, acc, ["a@x.example"])
    assert (receipt.outcome, receipt.account_fault) == ("deferred", True)


async def test_closing_while_the_body_travels_leaves_it_unknown_and_the_next_one_is_sent(channel: EmailChannel) -> None:
    """A message whose last octets were handed to the kernel may have arrived; the one behind it certainly did not."""
    calls = 0
    kind = Mailboxes()

    async with smtp_server(kind) as good:

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                await _until_data(reader, writer)
                await reader.read(10)
                return
            there, back = await asyncio.open_connection("127.0.0.1", good)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))

        async with raw_server(talk) as port:
            receipts = await send(channel, account(port, connections=1), ["a@x.example", "b@x.example"])
    assert [r.outcome for r in receipts] == ["unknown", "sent"]
    assert [e.rcpt_tos for e in kind.received] == [["b@x.example"]]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_an_answer_that_came_before_the_connection_broke_counts(channel: EmailChannel) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_data(reader, writer)
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await writer.drain()

    async with raw_server(talk) as port:
        receipts = await send(channel, account(port, connections=1), ["a@x.example", "b@x.example"])
    assert receipts[0].outcome == "sent"
    assert receipts[1].outcome == "sent"  # over a second connection


@pytest.mark.parametrize("answer", [b"hello?\r\n", b"\xff\xfe\r\n", b"25\r\n", b"2" * 100_000])
async def test_a_server_that_does_not_speak_smtp_is_a_fault_of_the_account(channel: EmailChannel, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await reader.read()

    async with raw_server(talk) as port:
        announced = Announced()
        acc = account(port)
        (receipt,) = await channel.send(acc, wires(channel, acc, ["a@x.example"]), announced)
    assert (receipt.outcome, receipt.code, receipt.account_fault) == ("deferred", "protocol", True)
    assert announced.calls == 0  # nothing was spoken


async def test_a_server_that_refuses_connections_defers_the_whole_batch(
    channel: EmailChannel, free_port: Callable[[], int]
) -> None:
    receipts = await send(channel, account(free_port()), ["a@x.example", "b@x.example"])
    assert [(r.outcome, r.code, r.account_fault) for r in receipts] == [("deferred", "connect", True)] * 2


async def test_no_recipient_but_354_ends_with_an_empty_dot(channel: EmailChannel) -> None:
    """RFC 2920, 3.1: a server may ask for data although it refused the recipient; it must get no content."""
    got: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            got.append(line)
            if line.startswith(b"EHLO"):
                writer.write(b"250-hello\r\n250 PIPELINING\r\n")
            elif line.startswith(b"RCPT"):
                writer.write(b"550 5.1.1 no\r\n")
            elif line.startswith(b"DATA"):
                writer.write(b"354 go\r\n")
            elif line == b".\r\n":
                writer.write(b"554 no recipients\r\n")
            else:
                writer.write(b"250 ok\r\n")

    async with raw_server(talk) as port:
        (receipt,) = await send(channel, account(port), ["a@x.example"])
    assert (receipt.outcome, receipt.address_fault) == ("rejected", True)
    assert got[got.index(b"DATA\r\n") + 1] == b".\r\n"


async def test_if_the_announcement_fails_nothing_is_spoken_and_the_error_comes_up(channel: EmailChannel) -> None:
    handler = Mailboxes()

    class Lost(Exception):
        pass

    async def refuse(ids: Sequence[int]) -> None:
        raise Lost

    async with smtp_server(handler) as port:
        acc = account(port, connections=4)
        with pytest.raises(Lost):
            await channel.send(acc, wires(channel, acc, [f"u{n}@x.example" for n in range(20)]), refuse)
        await asyncio.sleep(0.05)
    assert handler.received == []


async def test_a_connection_the_server_closed_while_idle_is_replaced(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler, timeout=0.2) as port:
        acc = account(port, connections=1)
        await send(channel, acc, ["a@x.example"])
        await asyncio.sleep(0.5)
        receipts = await send(channel, acc, ["b@x.example"])
    assert receipts[0].outcome == "sent"
    assert len(handler.sessions) == 2


async def test_changed_settings_drop_the_old_connections(channel: EmailChannel) -> None:
    first, second = Mailboxes(), Mailboxes()
    async with smtp_server(first) as one, smtp_server(second) as two:
        acc = account(one)
        await send(channel, acc, ["a@x.example"])
        changed = Account(id=1, channel="email", provider="smtp", name="test", settings=account(two).settings, version=2)
        await send(channel, changed, ["a@x.example"])
    assert (len(first.received), len(second.received)) == (1, 1)


async def test_messages_per_connection_are_limited(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler) as port:
        acc = account(port, connections=1, messages_per_connection=5)
        receipts = await send(channel, acc, [f"u{n}@x.example" for n in range(8)])
        again = await send(channel, acc, [f"u{n}@x.example" for n in range(4)])
    assert {r.outcome for r in [*receipts, *again]} == {"sent"}
    assert len(handler.sessions) >= 3


async def test_overlapping_batches_share_the_connections_allowed(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler) as port:
        acc = account(port, connections=2)
        batches = [send(channel, acc, [f"u{n}-{b}@x.example" for n in range(12)]) for b in range(4)]
        receipts = [receipt for batch in await asyncio.gather(*batches) for receipt in batch]
    assert len(receipts) == 48 and {r.outcome for r in receipts} == {"sent"}
    assert len(handler.sessions) == 2


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's context with a certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"mailer", "pässword".encode())
    return AuthResult(success=good, handled=False)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_starttls_and_sign_in(channel: EmailChannel, certificate: ssl.SSLContext, mechanism: str) -> None:
    handler = Mailboxes()
    other = {"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[mechanism]
    options: dict[str, Any] = {
        "tls_context": certificate, "require_starttls": True, "authenticator": _authenticate, "auth_required": True,
        "auth_exclude_mechanism": [other],
    }  # fmt: skip
    async with smtp_server(handler, **options) as port:
        secure = {"security": "starttls", "verify_certificate": False, "username": "mailer"}
        good = account(port, **secure, password="pässword")
        assert (await send(channel, good, ["a@x.example"]))[0].outcome == "sent"
        trial = await channel.test(good)
        assert trial.ok, trial
        bad = Account(id=2, channel="email", provider="smtp", name="bad", settings=account(port, **secure, password="wrong").settings)
        (receipt,) = await send(channel, bad, ["a@x.example"])
        assert (receipt.outcome, receipt.code, receipt.account_fault) == ("deferred", "535", True)
        trial = await channel.test(bad)
        assert not trial.ok and "535" in trial.detail and trial.steps[-1] == "auth"


async def test_tls_from_the_start_and_a_certificate_nobody_vouches_for(
    channel: EmailChannel, certificate: ssl.SSLContext
) -> None:
    handler = Mailboxes()
    async with smtp_server(handler, tls=certificate) as port:
        trusting = account(port, security="tls", verify_certificate=False)
        assert (await send(channel, trusting, ["a@x.example"]))[0].outcome == "sent"
        strict = Account(id=3, channel="email", provider="smtp", name="s", settings=account(port, security="tls").settings)
        (receipt,) = await send(channel, strict, ["a@x.example"])
        assert (receipt.outcome, receipt.code, receipt.account_fault) == ("deferred", "tls", True)


async def test_starttls_is_never_optional(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler) as port:
        (receipt,) = await send(channel, account(port, security="starttls"), ["a@x.example"])
        assert (receipt.outcome, receipt.code) == ("deferred", "tls")
    assert handler.received == []


async def test_octets_before_encryption_are_not_trusted(channel: EmailChannel, certificate: ssl.SSLContext) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n250 injected\r\n")
        await reader.read()

    async with raw_server(talk) as port:
        (receipt,) = await send(channel, account(port, security="starttls"), ["a@x.example"])
    assert receipt.code == "tls" and "before encryption" in receipt.detail


async def test_international_addresses(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler, enable_SMTPUTF8=True) as port:
        acc = account(port)
        receipts = await send(channel, acc, ["кто@почта.рф", "plain@bücher.example"])
        assert [r.outcome for r in receipts] == ["sent", "sent"]
    assert sorted(e.rcpt_tos[0] for e in handler.received) == ["plain@xn--bcher-kva.example", "кто@xn--80a1acny.xn--p1ai"]
    async with smtp_server(Mailboxes()) as port:
        acc = Account(id=9, channel="email", provider="smtp", name="x", settings=account(port).settings)
        (receipt,) = await send(channel, acc, ["кто@почта.рф"])
    assert (receipt.outcome, receipt.code, receipt.permanent) == ("rejected", "smtputf8", True)


async def test_the_connection_test_says_where_it_failed(channel: EmailChannel, free_port: Callable[[], int]) -> None:
    trial = await channel.test(account(free_port()))
    assert not trial.ok and trial.steps[-1] == "connect" and "cannot connect" in trial.detail
    async with smtp_server(Mailboxes()) as port:
        trial = await channel.test(account(port))
    assert trial.ok and trial.steps[-1] == "sender-accepted"


async def test_a_large_message_to_a_slow_reader(channel: EmailChannel) -> None:
    handler = Mailboxes()
    async with smtp_server(handler, data_size_limit=20_000_000) as port:
        acc = account(port)
        text = "line of text\n" * 400_000
        (receipt,) = await channel.send(acc, wires(channel, acc, ["a@x.example"], text), Announced())
        assert receipt.outcome == "sent"
        (receipt,) = await channel.send(acc, wires(channel, acc, ["a@x.example"], text * 5), Announced())
        assert (receipt.outcome, receipt.code, receipt.account_fault) == ("rejected", "552", False)


async def test_postfixs_own_sink_takes_signed_batches(channel: EmailChannel, free_port: Callable[[], int]) -> None:
    """The third-party server that the bench speaks to, too; it pipelines."""
    sink = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
    if not Path(sink).exists():
        pytest.skip("smtp-sink is missing: install Debian's package postfix")
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    child = await asyncio.create_subprocess_exec(sink, *user, "-c", f"127.0.0.1:{port}", "100", stdout=-3, stderr=-3)
    try:
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        acc = account(port, dkim=True, dkim_selector="s1", dkim_key=generate_key("rsa"), connections=4)
        for start in range(0, 150, 50):
            receipts = await send(channel, acc, [f"p{n}@x.example" for n in range(start, start + 50)])
            assert {receipt.outcome for receipt in receipts} == {"sent"}
    finally:
        child.kill()
        await child.wait()
