"""MIME as others read it: every message goes through the standard library's parser and must come out as it went in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import cast

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.channels import Account, Message, Rendered, Unsuitable, Wire
from antiphon.execution.channels.email import EmailChannel, EmailSettings
from antiphon.execution.channels.email.address import mailbox

NOW = datetime(2026, 6, 1, 12, 30, 15, 999999, tzinfo=UTC)
CHANNEL = EmailChannel()


def account(**more: str) -> Account:
    given = {"host": "127.0.0.1", "from_email": "shop@shop.example", "from_name": "The Shop"} | more
    return Account(id=1, channel="email", provider="smtp", name="test", settings=EmailSettings(**given))  # type: ignore[arg-type]


def written(content: Rendered, **more: object) -> Wire:
    message = Message(
        delivery_id=7,
        address=str(more.pop("address", "ann@x.example")),
        content=content,
        date=NOW,
        **more,  # type: ignore[arg-type]
    )
    return CHANNEL.prepare(message, account())


def read(wire: Wire) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(wire.payload, policy=modern))


def text_of(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


LATIN = st.text(st.characters(codec="utf-8", max_codepoint=0x17F), max_size=300)
ANY = st.text(st.characters(codec="utf-8"), max_size=300)


@settings(max_examples=150, deadline=None)
@given(subject=ANY, html=st.one_of(LATIN, ANY), text=st.one_of(LATIN, ANY))
def test_what_goes_in_comes_out(subject: str, html: str, text: str) -> None:
    wire = written(Rendered(subject, html, text))
    mail = read(wire)
    assert mail.get_content_type() == "multipart/alternative"
    plain, rich = (cast(EmailMessage, part) for part in mail.iter_parts())
    for part, given_text in ((plain, text), (rich, html)):
        expected = re.sub(r"\r\n?", "\n", given_text).replace("\0", "\ufffd")
        assert text_of(part).rstrip("\n") == expected.rstrip("\n")
    assert not mail.defects
    assert all(len(line) <= 998 for line in wire.payload.split(b"\r\n"))
    assert b"\n" not in wire.payload.replace(b"\r\n", b"") and b"\r" not in wire.payload.replace(b"\r\n", b"")
    assert wire.payload.isascii()


@settings(max_examples=200, deadline=None)
@given(subject=ANY, name=ANY, value=ANY)
def test_no_header_can_be_injected(subject: str, name: str, value: str) -> None:
    """Whatever a name or a subject holds, the headers are exactly ours, each once."""
    attack = "\r\nBcc: victim@x.example\r\n\r\n<script>"
    sender = "".join(c for c in name if ord(c) >= 32)[:150]
    acc = Account(
        id=2, channel="email", provider="smtp", name="n", version=abs(hash(sender)) % 10**9,
        settings=EmailSettings(host="h", from_email="shop@shop.example", from_name=sender),
    )  # fmt: skip
    message = Message(
        delivery_id=1, address="ann@x.example", content=Rendered(subject + attack, None, "hi"), date=NOW,
        skeleton=name, feedback=(name, value + attack), headers={"X-Note": value + attack},
        unsubscribe_url="https://m.example/u/token", return_path="b+abc@shop.example",
    )  # fmt: skip
    mail = read(CHANNEL.prepare(message, acc))
    assert sorted(key.lower() for key, _ in mail.items()) == sorted(
        [
            "date",
            "to",
            "subject",
            "message-id",
            "list-unsubscribe",
            "list-unsubscribe-post",
            "x-note",
            "from",
            "feedback-id",
            "mime-version",
            "content-type",
            "content-transfer-encoding",
        ]
    )
    assert mail["To"] == "ann@x.example"
    assert mail["From"].addresses[0].addr_spec == "shop@shop.example"
    assert text_of(mail) == "hi\n"


@pytest.mark.parametrize(
    "subject",
    ["", "Hello", "=?utf-8?q?fake?=", "Grüße an Ünal", "Скидки для вас — только сегодня и только здесь, не пропустите", "你好" * 60,  # noqa: E501
     "word " * 60, "x" * 400, "🎉" * 50, " leading", "tab\there"],
)  # fmt: skip
def test_subjects_are_read_as_they_were_written(subject: str) -> None:
    expected = re.sub(r"\s+", " ", subject).strip() if subject.isascii() else subject
    assert str(read(written(Rendered(subject, None, "x")))["Subject"]) == expected


def test_headers_of_a_marketing_message() -> None:
    wire = written(
        Rendered("Hi", "<p>Hi</p>", "Hi"),
        skeleton="5",
        unsubscribe_url="https://m.example/u/token-1_x",
        return_path="b+abc@bounces.example",
        feedback=("c12", "marketing", "a 1"),
    )
    mail = read(wire)
    assert wire.sender == "b+abc@bounces.example" and wire.address == "ann@x.example"
    assert mail["List-Unsubscribe"] == "<https://m.example/u/token-1_x>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # RFC 8058, 3.1
    assert mail["Message-ID"] == "<b+abc@bounces.example>"
    assert mail["Feedback-ID"] == "c12:marketing:a-1:antiphon"
    assert mail["Date"].datetime == NOW.replace(microsecond=0)
    assert str(mail["From"]) == "The Shop <shop@shop.example>"


def test_a_message_is_the_same_each_time_and_differs_only_by_person() -> None:
    content = Rendered("Hi", "<p>é</p>", "é")
    assert written(content).payload == written(content).payload
    other = written(content, address="bob@x.example").payload
    assert other == written(content).payload.replace(b"ann@x.example", b"bob@x.example")


def test_a_part_that_contains_the_boundary_does_not_end_the_message() -> None:
    first = written(Rendered("Hi", "<p>Hi</p>", "Hi"), skeleton="b")
    found = re.search(rb'boundary="([^"]+)"', first.payload)
    assert found
    nasty = f"--{found[1].decode()}--\nContent-Type: text/html\n\nevil\n"
    mail = read(written(Rendered("Hi", "<p>Hi</p>", nasty), skeleton="b"))
    plain, rich = (cast(EmailMessage, part) for part in mail.iter_parts())
    assert text_of(plain) == nasty and text_of(rich) == "<p>Hi</p>\n"


@pytest.mark.parametrize(
    "address",
    ["", "no-at", "@x.example", "a@", "a b@x.example", "a@x.example\r\nRCPT TO:<b@x.example>", "a@x..example", "a@-x.example",  # noqa: E501
     ".a@x.example", "a@[127.0.0.1]", "a" * 70 + "@x.example", "a@" + "x" * 70 + ".example", "a@x.example>", "<a@x.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(Unsuitable) as refused:
        written(Rendered("Hi", None, "Hi"), address=address)
    assert refused.value.permanent


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_an_address_never_breaks_out_of_its_command(text: str) -> None:
    try:
        found = mailbox(text)
    except Unsuitable:
        return
    assert not re.search(r"[\s<>\x00-\x1f\x7f]", found.address)


@pytest.mark.parametrize("name", ["Bcc", "To", "x y", "X:Y", "Content-Type", "List-Unsubscribe", "", "X\r\nBcc"])
def test_headers_that_are_ours_cannot_be_set(name: str) -> None:
    with pytest.raises(Unsuitable):
        written(Rendered("Hi", None, "Hi"), headers={name: "v"})


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://m.example/u/x>\r\nBcc: v", "https://m.example/a b", "https://m.example/<>"]
)
def test_an_unsubscribe_address_is_one_address(url: str) -> None:
    with pytest.raises(Unsuitable):
        written(Rendered("Hi", None, "Hi"), unsubscribe_url=url)


def test_dates_are_business_time() -> None:
    later = Message(delivery_id=1, address="a@x.example", content=Rendered("s", None, "t"), date=NOW + timedelta(days=400))
    assert read(CHANNEL.prepare(later, account()))["Date"].datetime.year == 2027


@pytest.mark.parametrize(
    "wrong",
    [{"from_email": "nobody"}, {"from_name": "A\r\nBcc: x"}, {"reply_to": "x"}, {"bounce_domain": "a b"}, {"host": ""},
     {"host": "evil host"}, {"port": 0}, {"port": "25"}, {"security": "ssl"}, {"unknown": 1}, {"helo": "a\r\nb"}, {"timeout": -1}],  # noqa: E501
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    import msgspec

    good: dict[str, object] = {"host": "h", "from_email": "a@x.example"}
    assert msgspec.convert(good, EmailSettings).domain == "x.example"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | wrong, EmailSettings)


@pytest.mark.parametrize("letter", ["ю", "中", "é", "😀"])
def test_lines_of_encoded_words_keep_their_length(letter: str) -> None:
    """RFC 2047, 2: at most 76 characters in each line of a header that has encoded words, the header's name included."""
    long = account(from_name=letter * 40, from_email="a.rather.long.sender@of-a.rather.long.example")
    wire = EmailChannel().prepare(
        Message(delivery_id=7, address="ann@x.example", content=Rendered(letter * 200, None, "Hi"), date=NOW), long
    )
    lines = wire.payload.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(len(line) for line in lines if b"=?utf-8?" in line) <= 76
    mail = read(wire)
    assert mail["subject"] == letter * 200
    name = mail["from"].addresses[0].display_name  # which the standard library parts with blanks, against RFC 2047, 6.2
    assert name.replace(" ", "") == letter * 40
