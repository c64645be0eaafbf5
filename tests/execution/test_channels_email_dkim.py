"""DKIM: the published vectors, what another implementation verifies, and the keys of an account."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import dkim
import dns.asyncresolver
import dns.message
import dns.rrset
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given, settings, strategies as st

from antiphon.execution.channels import Account, Message, Rendered
from antiphon.execution.channels.email import EmailChannel, EmailSettings
from antiphon.execution.channels.email.dkim import (
    DkimKey,
    Signer,
    _signature,
    generate_key,
    load_key,
    record_of,
    relaxed,
    relaxed_body,
    same_record,
)

NOW = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)
RSA = generate_key("rsa")
ED = generate_key("ed25519")
CHANNEL = EmailChannel()

# RFC 8463, appendix A: keys (A.2) and the message signed by both (A.3).
RFC_ED_SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_ED_PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RFC_HEAD = """From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>
""".replace("\n", "\r\n").encode()
RFC_BODY = "Hi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n\n".replace("\n", "\r\n").encode()
RFC_ED_HEADER = """v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=""".replace("\n", "\r\n").encode()
RFC_ED_B = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="


RFC_RSA_SECRET = """-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----"""
RFC_RSA_HEADER = """v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=""".replace("\n", "\r\n").encode()
RFC_RSA_B = (
    "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
    "dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="
)


def test_the_body_hash_of_rfc_8463() -> None:
    assert b64encode(sha256(relaxed_body(RFC_BODY)).digest()) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="


@pytest.mark.parametrize(("header", "published"), [(RFC_ED_HEADER, RFC_ED_B), (RFC_RSA_HEADER, RFC_RSA_B)], ids=["ed25519", "rsa"])
def test_the_signature_of_rfc_8463(header: bytes, published: str) -> None:
    """Both kinds are deterministic: our canonical forms and our signing give the published octets."""
    signed = b"".join(
        b"%b:%b\r\n" % (line.partition(b":")[0].lower(), relaxed(line.partition(b":")[2])) for line in RFC_HEAD.splitlines()
    )
    key = Ed25519PrivateKey.from_private_bytes(b64decode(RFC_ED_SECRET)) if b"ed25519" in header else load_key(RFC_RSA_SECRET)
    assert b64encode(_signature(key, signed + b"dkim-signature:" + relaxed(header))).decode() == published


def test_the_record_of_rfc_8463() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.from_private_bytes(b64decode(RFC_ED_SECRET))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    record = record_of(DkimKey("football.example.com", "brisbane", pem))
    assert record == ("brisbane._domainkey.football.example.com", f"v=DKIM1; k=ed25519; p={RFC_ED_PUBLIC}")


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376, 3.4.5
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \r\n\t\r\n", b""),
        (b"a\r\n\r\n \r\n", b"a\r\n"),
        (b"a", b"a\r\n"),
        (b"a \t", b"a\r\n"),
        (b"  a\r\n", b" a\r\n"),
    ],
)
def test_relaxed_bodies(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical


def test_relaxed_headers() -> None:
    assert relaxed(b" Y\t\r\n\tZ  ") == b"Y Z"  # RFC 6376, 3.4.5


def account(**more: Any) -> Account:
    given: dict[str, Any] = {"host": "127.0.0.1", "from_email": "shop@shop.example", "from_name": "The Shop"} | more
    return Account(
        id=1, channel="email", provider="smtp", name="t", settings=EmailSettings(**given), version=abs(hash(str(given))) % 10**9
    )


BOTH = account(dkim=True, dkim_selector="s1", dkim_key=RSA, dkim_selector_2="s2", dkim_key_2=ED)


def published(acc: Account) -> dict[bytes, bytes]:
    records = [record_of(key) for key in acc.settings.dkim_keys]
    return {f"{record.name}.".encode(): record.value.encode() for record in records}


def verified(payload: bytes, acc: Account) -> list[bool]:
    """What dkimpy says of each signature, records as published."""
    records = published(acc)
    count = len(re.findall(rb"(?m)^DKIM-Signature:", payload))
    reader = dkim.DKIM(payload)
    return [bool(reader.verify(n, dnsfunc=lambda name, timeout=5: records.get(name))) for n in range(count)]


TEXT = st.text(st.characters(codec="utf-8"), max_size=400)


@settings(max_examples=60, deadline=None)
@given(subject=TEXT, html=st.one_of(st.none(), TEXT), text=TEXT, name=TEXT)
def test_whatever_is_signed_verifies(subject: str, html: str | None, text: str, name: str) -> None:
    acc = account(
        dkim=True, dkim_selector="s1", dkim_key=RSA, dkim_selector_2="s2", dkim_key_2=ED,
        from_name="".join(c for c in name if ord(c) >= 32)[:150],
    )  # fmt: skip
    message = Message(
        delivery_id=1, address="ann@x.example", content=Rendered(subject, html, text), date=NOW, feedback=("c", "m"),
        unsubscribe_url="https://m.example/u/t", return_path="b+abc@shop.example", headers={"X-Note": subject, "References": "<a@b>"},
    )  # fmt: skip
    payload = CHANNEL.prepare(message, acc).payload
    assert verified(payload, acc) == [True, True]
    assert all(len(line) <= 998 for line in payload.split(b"\r\n"))


def signed(**more: Any) -> bytes:
    message = Message(
        delivery_id=1, address="ann@x.example", content=Rendered("Hello", "<p>Hi</p>", "Hi"), date=NOW,
        unsubscribe_url="https://m.example/u/t", **more,
    )  # fmt: skip
    return CHANNEL.prepare(message, BOTH).payload


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<p>Hi", b"<p>Ho"),
        (b"Subject: Hello", b"Subject: Hullo"),
        (b"To: ann@x.example", b"To: bob@x.example"),
        (b"u/t>", b"u/x>"),
        (b"Subject: Hello\r\n", b"Subject: Hello\r\nSubject: another\r\n"),
        (b"MIME-Version", b"Reply-To: thief@x.example\r\nMIME-Version"),
        (b"MIME-Version", b"From: thief@x.example\r\nMIME-Version"),
    ],
)
def test_a_message_that_was_changed_on_its_way_does_not_verify(old: bytes, new: bytes) -> None:
    payload = signed()
    assert verified(payload, BOTH) == [True, True]
    assert payload.count(old) == 1
    changed = payload.replace(old, new)
    for number in (0, 1):
        try:
            assert not dkim.DKIM(changed).verify(number, dnsfunc=lambda name, timeout=5: published(BOTH).get(name))
        except dkim.DKIMException:
            pass


def test_what_our_relays_may_do_to_a_message_does_not_break_it() -> None:
    payload = signed()
    folded = payload.replace(b"Subject: Hello", b"subject:   Hello  ").replace(b"<p>Hi</p>\r\n", b"<p>Hi</p>  \r\n")
    assert verified(b"Received: by relay.example\r\n" + folded + b"\r\n\r\n", BOTH) == [True, True]


def test_one_message_is_the_same_octets_each_time() -> None:
    assert signed() == signed()


def test_of_two_headers_of_one_name_the_last_is_signed_first() -> None:
    """RFC 6376, 5.4.2: verifiers take them from the bottom."""
    head = b"From: a@shop.example\r\nReferences: <1@x>\r\nreferences: <2@x>\r\nSubject: s\r\n"
    key = DkimKey("shop.example", "s1", RSA)
    payload = Signer([key]).sign(head, b"b\r\n", 1_780_000_000) + head + b"\r\nb\r\n"
    record = record_of(key)
    assert dkim.DKIM(payload).verify(dnsfunc=lambda name, timeout=5: record.value.encode())


def test_nothing_is_signed_until_the_account_says_so() -> None:
    acc = account(dkim_selector="s1", dkim_key=RSA)
    message = Message(delivery_id=1, address="a@x.example", content=Rendered("s", None, "t"), date=NOW)
    assert b"DKIM-Signature" not in CHANNEL.prepare(message, acc).payload


def test_the_domain_of_the_signature() -> None:
    other = account(dkim=True, dkim_selector="s1", dkim_key=ED, dkim_domain="Mail.Shop.example")
    message = Message(delivery_id=1, address="a@x.example", content=Rendered("s", None, "t"), date=NOW)
    payload = CHANNEL.prepare(message, other).payload
    assert b"d=mail.shop.example;" in payload.lower() and verified(payload, other) == [True]


WEAK = """-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu
KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQJAIJLixBy2qpFoS4DSmoEm
o3qGy0t6z09AIJtH+5OeRV1be+N4cDYJKffGzDa88vQENZiRm0GRq6a+HPGQMd2k
TQIhAKMSvzIBnni7ot/OSie2TmJLY4SwTQAevXysE2RbFDYdAiEBCUEaRQnMnbp7
9mxDXDf6AU0cN/RPBjb9qSHDcWZHGzUCIG2Es59z8ugGrDY+pxLQnwfotadxd+Uy
v/Ow5T0q5gIJAiEAyS4RaI9YG8EWx/2w0T67ZUVAw8eOMB6BIUg0Xcu+3okCIBOs
/5OiPgoTdSy7bcF9IGpSE8ZgGKzgYQVZeN97YE00
-----END RSA PRIVATE KEY-----"""  # 512 bits


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"dkim_selector": "s", "dkim_key": "no key"}, "dkim_key"),
        ({"dkim_selector": "s", "dkim_key": WEAK}, "dkim_key"),
        ({"dkim_selector_2": "s", "dkim_key_2": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}, "dkim_key_2"),
        ({"dkim_key": RSA}, "dkim_selector"),
        ({"dkim": True}, "dkim"),
        ({"dkim_selector": "a b", "dkim_key": RSA}, "dkim_selector"),
        ({"dkim_selector": "a;b", "dkim_key": RSA}, "dkim_selector"),
        ({"dkim_selector": "a\r\nb", "dkim_key": RSA}, "dkim_selector"),
    ],
)
def test_a_wrong_key_is_a_clear_error_at_set_up(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({"host": "h", "from_email": "a@x.example"} | wrong, EmailSettings)


def test_keys_are_read_as_people_paste_them() -> None:
    bare = "".join(RSA.splitlines()[1:-1])
    assert record_of(DkimKey("d", "s", bare)) == record_of(DkimKey("d", "s", f"\n  {RSA}\n"))
    value = record_of(DkimKey("d", "s", RSA)).value
    assert load_der_public_key(b64decode(value.partition("p=")[2])) == load_key(RSA).public_key()


def test_records_are_the_same_whatever_else_they_say() -> None:
    wanted = record_of(DkimKey("d", "s", RSA)).value
    key = wanted.partition("p=")[2]
    assert same_record(wanted, wanted)
    assert same_record(f"p={key[:50]} {key[50:]}; t=s; v=DKIM1", wanted)
    assert not same_record("v=DKIM1; k=rsa; p=", wanted)
    assert not same_record(f"v=DKIM1; k=ed25519; p={key}", wanted)
    assert not same_record("nonsense", wanted)


# --- the routes


class Names(asyncio.DatagramProtocol):
    """A DNS server on loopback that knows some TXT records."""

    def __init__(self, records: dict[str, str]) -> None:
        self.records = records
        self.asked: list[str] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text().rstrip(".")
        self.asked.append(name)
        answer = dns.message.make_response(query)
        if name in self.records:
            text = self.records[name]
            parts = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", parts))
        else:
            answer.set_rcode(3)
        self.transport.sendto(answer.to_wire(), addr)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    server = Names({})
    made: list[asyncio.DatagramTransport] = []

    class Resolver(dns.asyncresolver.Resolver):
        def __init__(self) -> None:
            super().__init__(configure=False)

        async def resolve(self, *args: Any, **options: Any) -> Any:
            if not made:
                transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
                made.append(transport)
            self.nameservers = ["127.0.0.1"]
            self.port = made[0].get_extra_info("sockname")[1]
            return await super().resolve(*args, **options)

    monkeypatch.setattr(dns.asyncresolver, "Resolver", Resolver)
    yield server
    for transport in made:
        transport.close()


async def test_a_key_is_made_published_found_and_used(client: Any, names: Names) -> None:
    settings = {"host": "h", "from_email": "a@shop.example"}
    made = (await client.post("/v1/channels", json={"channel": "email", "name": "a", "settings": settings})).json()
    path = f"/v1/channels/{made['id']}"
    assert (await client.get(f"{path}/dkim")).json() == []
    first = (await client.post(f"{path}/dkim", json={"selector": "June"})).json()
    second = (await client.post(f"{path}/dkim", json={"selector": "june-ed", "algorithm": "ed25519", "second": True})).json()
    assert first["record_name"] == "june._domainkey.shop.example" and first["algorithm"] == "rsa" and not first["second"]
    assert second["record_value"].startswith("v=DKIM1; k=ed25519; p=") and second["second"]
    assert (await client.get(f"{path}/dkim")).json() == [first, second]
    assert names.asked == []  # DNS is asked only when somebody wants to know

    names.records[first["record_name"]] = first["record_value"]
    names.records[second["record_name"]] = first["record_value"]
    found = (await client.post(f"{path}/dkim/check")).json()
    assert [one["published"] for one in found] == ["yes", "differs"]
    del names.records[second["record_name"]]
    assert [one["published"] for one in (await client.post(f"{path}/dkim/check")).json()] == ["yes", "no"]

    whole = (await client.get(path)).json()
    assert "PRIVATE" not in str(whole) and {"dkim_key", "dkim_key_2"} <= set(whole["secrets_set"])
    change = {"name": "a", "settings": whole["settings"] | {"dkim": True}}
    assert (await client.put(path, json=change)).json()["settings"]["dkim"]
    lost = await client.post(f"{path}/dkim", json={"selector": "july"})
    assert (lost.status_code, lost.json()["code"]) == (409, "dkim-key-in-use")


@pytest.mark.parametrize("selector", ["", "a b", "a;b", "-a", "a" * 64, "a\r\nb"])
async def test_a_selector_is_a_name_in_dns(client: Any, selector: str) -> None:
    settings = {"host": "h", "from_email": "a@shop.example"}
    made = (await client.post("/v1/channels", json={"channel": "email", "name": "a", "settings": settings})).json()
    assert (await client.post(f"/v1/channels/{made['id']}/dkim", json={"selector": selector})).status_code == 400
