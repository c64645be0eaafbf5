"""What customers write back, and mail that means harm: own words out of quotes, programs told from people, hostile MIME."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import psutil
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from antiphon.execution.channels import Signal
from antiphon.execution.channels.email import File, listen
from antiphon.execution.channels.email.bounces import read_mail
from antiphon.execution.channels.email.digest import MOST, digest
from antiphon.execution.channels.email.letters import decode
from antiphon.execution.channels.email.markup import text_of_html
from antiphon.execution.channels.email.quotes import own_words

PATH = "b+0123456789abcdef0123456789abcdef@bounces.shop.example"

# Replies as programs write them; the first part is what the customer wrote.
REPLIES = {
    "gmail en": ("Yes, please.", "On Mon, Jun 1, 2026 at 12:30 PM The Shop <shop@shop.example> wrote:\n\n> Good news!\n> Buy."),
    "gmail wrapped": ("Yes.", "On Mon, Jun 1, 2026 at 12:30 PM The Shop of Long Names\n<shop@shop.example> wrote:\n\n> Good news!"),
    "apple en": ("Yes.\n\nAnn", "> On 1 Jun 2026, at 12:30, The Shop <shop@shop.example> wrote:\n> \n> Good news!"),
    "outlook en": ("Yes.", "________________________________\nFrom: The Shop <shop@shop.example>\nSent: Monday, June 1, 2026 12:30\nTo: Ann\nSubject: News\n\nGood news!"),  # noqa: E501
    "outlook plain": ("Yes.", "-----Original Message-----\nFrom: The Shop\nSent: Monday\n\nGood news!"),
    "iphone": ("Yes.", "Sent from my iPhone\n\nOn 1 Jun 2026, at 12:30, The Shop <shop@shop.example> wrote:\n\nGood news!"),
    "gmail ru": ("Да, хочу.", "пн, 1 июн. 2026 г. в 12:30, The Shop <shop@shop.example>:\n\n> Хорошие новости!\n"),
    "apple ru": ("Да.", "1 июня 2026 г., в 12:30, The Shop <shop@shop.example> написал(а):\n\nХорошие новости!"),
    "yandex": ("Да.", '01.06.2026, 12:30, "The Shop" <shop@shop.example>:\nХорошие новости!\nЖмите.'),
    "mail.ru": ("Да.", "Понедельник, 1 июня 2026, 12:30 +03:00 от The Shop <shop@shop.example>:\n\nХорошие новости!"),
    "mail.ru mobile": ("Да.", "--\nОтправлено из мобильной Почты Mail.ru понедельник, 01 июня 2026г., 12:30 +03:00 от The Shop shop@shop.example:\n> Новости"),  # noqa: E501
    "thunderbird ru": ("Да.", "01.06.2026 12:30, The Shop пишет:\n> Хорошие новости!"),
    "outlook ru": ("Да.", "От: The Shop <shop@shop.example>\nОтправлено: 1 июня 2026 г. 12:30\nКому: Анна\nТема: Новости\n\nХорошие новости!"),
    "outlook ru bold": ("Да.", "*От:* The Shop <shop@shop.example>\n*Отправлено:* 1 июня 2026 г. 12:30\n*Кому:* Анна\n*Тема:* Новости\n\nНовости!"),
    "the bat": ("Да.", "-------- Исходное сообщение --------\nОт: The Shop\nДата: 01.06.2026\n\nНовости"),
    "forwarded ru": ("Да.", "-------- Пересылаемое сообщение --------\n01.06.2026, 12:30, \"The Shop\" <shop@shop.example>:\n\nНовости"),
    "sent from ru": ("Да.", "Отправлено с iPhone\n\n> 1 июня 2026 г., в 12:30, The Shop <shop@shop.example> написал(а):\n> Новости"),
    "gmail zh": ("好的，谢谢。", "The Shop <shop@shop.example> 于2026年6月1日周一 12:30写道：\n\n> 好消息！\n"),
    "apple zh": ("好的。", "在 2026年6月1日，12:30，The Shop <shop@shop.example> 写道：\n\n好消息！"),
    "qq": ("好的。", "------------------ 原始邮件 ------------------\n发件人: \"The Shop\" <shop@shop.example>;\n发送时间: 2026年6月1日(星期一) 中午12:30\n收件人: \"Ann\"<ann@qq.example>;\n主题: 好消息\n\n好消息！"),  # noqa: E501
    "163": ("好的。", "在 2026-06-01 12:30:15，\"The Shop\" <shop@shop.example> 写道：\n好消息！"),
    "163 en": ("好的。", 'At 2026-06-01 12:30:15, "The Shop" <shop@shop.example> wrote:\n好消息！'),
    "foxmail": ("好的。", "发件人： The Shop\n发送时间： 2026-06-01 12:30\n收件人： Ann\n主题： 好消息\n好消息！"),
    "sent from zh": ("好的。", "发自我的iPhone\n\n------------------ 原始邮件 ------------------\n好消息"),
    "gmail de": ("Ja, bitte.", "Am Mo., 1. Juni 2026 um 12:30 Uhr schrieb The Shop <shop@shop.example>:\n\n> Gute Nachrichten!"),
    "outlook de": ("Ja.", "Von: The Shop <shop@shop.example>\nGesendet: Montag, 1. Juni 2026 12:30\nAn: Ann\nBetreff: Neues\n\nGut!"),
    "gmail fr": ("Oui.", "Le lun. 1 juin 2026 à 12:30, The Shop <shop@shop.example> a écrit :\n\n> Bonne nouvelle !"),
    "gmail es": ("Sí.", "El lun, 1 jun 2026 a las 12:30, The Shop (<shop@shop.example>) escribió:\n\n> ¡Buenas noticias!"),
    "gmail uk": ("Так.", "пн, 1 черв. 2026 р. о 12:30 The Shop <shop@shop.example> пише:\n\n> Добрі новини!"),
    "signature": ("Yes.", "-- \nAnn Smith\nDirector"),
}  # fmt: skip


@pytest.mark.parametrize("name", REPLIES)
def test_what_a_customer_wrote_themselves(name: str) -> None:
    own, rest = REPLIES[name]
    assert own_words(f"{own}\n\n{rest}\n") == own
    assert own_words(f"{own}\r\n\r\n{rest}\r\n".replace("\n\n", "\n\u200b\n")) == own


def test_answers_between_and_below_quotes_stay() -> None:
    text = "On Mon, 1 Jun 2026, The Shop <shop@shop.example> wrote:\n> Do you want it?\n\nYes.\n\n> And this?\n\nNo."
    assert own_words(text) == "Yes.\n\n\nNo."


@pytest.mark.parametrize(
    "text",
    ["Call me at 12:30:", "From: my heart, thank you", "Тема: вопрос по тарифу\nКогда он начнётся?", "Смотрите:\n1) да\n2) нет",
     "- one\n- two", "主题：请问\n什么时候？", "I wrote:\nnothing", "a > b", "От: всего сердца спасибо"],
)  # fmt: skip
def test_what_only_looks_like_a_quote_stays(text: str) -> None:
    assert own_words(text) == text


def letter(text: str = "Yes.", to: str = "shop@shop.example", charset: str = "utf-8", **headers: str) -> bytes:
    mail = MIMEText(text, "plain", charset)
    given = {"From": "Ann <ann@x.example>", "To": to, "Subject": "Re: News", "Message-ID": "<1@x.example>"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    for name, value in given.items():
        if value:
            mail[name] = value
    return mail.as_bytes()


def one(raw: bytes, to: str | None = "shop@shop.example") -> Signal:
    (signal,) = read_mail(raw, to)
    return signal


def test_an_answer_is_heard_with_its_delivery() -> None:
    heard = one(letter(In_Reply_To=f"<{PATH}>", References=f"<{PATH}>"))
    assert (heard.kind, heard.text, heard.address, heard.recipient) == ("replied", "Yes.", "ann@x.example", "shop@shop.example")
    assert heard.token == PATH and heard.id == "mail:<1@x.example>" and heard.detail == "Re: News"
    assert one(letter()).token is None and one(letter()) == one(letter())
    assert one(letter(Message_ID="")).id == one(letter(Message_ID="")).id != one(letter("No.", Message_ID="")).id


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": ""} | {"X_Autorespond": "1"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"List_Id": "<list.example>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@x.example"},
        {"From": "No Reply <no-reply@x.example>"},
        {"Subject": "Automatic reply: News"},
        {"Subject": "Out of Office: News"},
        {"Subject": "Re: Out of office"},
        {"Subject": "Автоответ: Новости"},
        {"Subject": "=?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGC?="},
        {"Subject": "自动回复: 好消息"},
        {"Subject": "Abwesenheitsnotiz"},
        {"Subject": "Réponse automatique : News"},
        {"From": ""},
        {"From": "nobody"},
    ],
)
def test_what_a_program_wrote_is_no_answer(headers: dict[str, str]) -> None:
    assert read_mail(letter(**headers), "shop@shop.example") == []


def test_a_person_may_say_that_no_program_wrote_it() -> None:
    assert one(letter(Auto_Submitted="no")).kind == "replied"


@pytest.mark.parametrize("word", ["STOP", "stop.", "Unsubscribe", "Отписаться", "стоп!", "退订", "退订。", "Abmelden"])
def test_one_word_is_enough_to_hear_no_more(word: str) -> None:
    heard = one(letter(word + "\n\nOn Mon, 1 Jun 2026, The Shop <shop@shop.example> wrote:\n> News"))
    assert heard.kind == "unsubscribed" and heard.text and heard.address == "ann@x.example"


def test_a_sentence_with_that_word_is_an_answer() -> None:
    assert one(letter("Please do not stop, I like it")).kind == "replied"


def test_letters_to_roles_are_answers_only_to_a_message_of_ours() -> None:
    assert read_mail(letter(), "abuse@shop.example") == []
    assert one(letter(In_Reply_To=f"<{PATH}>"), "postmaster@shop.example").kind == "replied"


@pytest.mark.parametrize("charset", ["koi8-r", "windows-1251", "iso-8859-5", "utf-8", "utf-16"])
def test_russian_in_whatever_charset(charset: str) -> None:
    assert one(letter("Да, я хочу этот тариф, спасибо.", charset=charset)).text == "Да, я хочу этот тариф, спасибо."


@pytest.mark.parametrize("charset", ["gb2312", "gb18030", "big5", "utf-8"])
def test_chinese_in_whatever_charset(charset: str) -> None:
    raw = "好，中文".encode(charset)
    mail = b"From: a@x.example\r\nContent-Type: text/plain; charset=" + charset.encode() + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + raw
    assert one(mail).text == "好，中文"


@pytest.mark.parametrize(
    "charset", ["nonsense", "", '"', "utf-8\r\n\t", "zip", "rot13", "idna", "punycode", "undefined", "unicode_escape", "base64_codec", "x" * 900]
)
def test_a_charset_that_is_none_is_read_somehow(charset: str) -> None:
    assert decode("Да, хочу этот тариф".encode(), charset) == "Да, хочу этот тариф"
    assert decode(b"\xff\xfe\x00plain", charset)
    mail = f"From: a@x.example\r\nContent-Type: text/plain; charset={charset}\r\n\r\nyes\r\n".encode()
    assert all(signal.kind == "replied" for signal in read_mail(mail, "shop@shop.example"))


def test_html_is_read_as_text_without_its_quotes() -> None:
    html = """<html><head><style>p{}</style></head><body><div>Да, <b>хочу</b>.</div><div>Спасибо</div><script>evil()</script>
    <div class="gmail_quote"><div class="gmail_attr">пн, 1 июн. 2026 г., The Shop:<br></div><blockquote>Новости</blockquote></div></body></html>"""
    assert own_words(text_of_html(html)).split() == ["Да,", "хочу.", "Спасибо"]
    both = MIMEMultipart("alternative")
    both["From"], both["Message-ID"] = "ann@x.example", "<2@x>"
    both.attach(MIMEText(html, "html", "utf-8"))
    assert one(both.as_bytes()).text.split() == ["Да,", "хочу.", "Спасибо"]


# --- hostile mail


def nested(depth: int) -> bytes:
    text = b"From: a@x.example\r\n"
    for level in range(depth):
        text += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
    return text + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def enclosed(depth: int) -> bytes:
    return b"From: a@x.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: s\r\n\r\nx"


HOSTILE = {
    "deep multiparts": nested(5_000),
    "deep messages": enclosed(20_000),
    "ten thousand parts": b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10_000,  # noqa: E501
    "a hundred thousand closings": b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nyes\r\n" + b"--b--\r\n" * 100_000,
    "no boundary": b"From: a@x.example\r\nContent-Type: multipart/mixed\r\n\r\nyes\r\n",
    "a boundary never seen": b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nyes\r\n",
    "an empty boundary": b'From: a@x.example\r\nContent-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nyes\r\n',
    "one boundary at every level": b"From: a@x.example\r\n" + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 3_000 + b"\r\nx",
    "a million headers": b"From: a@x.example\r\n" + b"X: y\r\n" * 1_000_000 + b"\r\nyes",
    "one endless header": b"From: a@x.example\r\nSubject: " + b"=?utf-8?q?" + b"=41" * 700_000,
    "one endless line": b"From: a@x.example\r\n\r\n" + b"x" * 20_000_000,
    "two million lines": b"From: a@x.example\r\n\r\n" + b"\n" * 2_000_000,
    "lines that almost quote": b"From: a@x.example\r\n\r\n" + (b"1" * 280 + b" <" * 8 + b":\n") * 8_000,
    "lines of digits": b"From: a@x.example\r\n\r\n" + (b"On 1" + b"1 " * 140 + b":\n") * 8_000,
    "dashes": b"From: a@x.example\r\n\r\n" + (b"-" * 138 + b"\n") * 16_000,
    "html without end": b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n" + b"<div><blockquote>" * 100_000,
    "comments without end": b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n" + b"<!--" * 100_000,
    "tags without end": b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n" + b"<a <!" * 80_000,
    "broken base64": b"From: a@x.example\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!=yes=\xff\r\n",
    "broken quoted-printable": b"From: a@x.example\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nye=ZZs=\r\n",
    "nul": b"From: a@x.example\r\n\r\nye\0s\r\n",
    "a report about nothing": b"From: a@x.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 50_000,  # noqa: E501
    "many charsets": b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\x80\x81 \r\n" * 250,  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_in_a_moment(name: str) -> None:
    began = time.process_time()
    signals = read_mail(HOSTILE[name], "shop@shop.example")
    took = time.process_time() - began
    assert took < 3.0, f"{took:.1f} s"
    assert len(digest(HOSTILE[name])) <= MOST + 70_000
    assert all(len(signal.text) <= 20_000 and len(signal.detail) <= 500 for signal in signals)
    assert len(signals) <= 500


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([
    b"From: a@x.example\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/report; boundary=\"c\"\r\n",
    b"Content-Type: message/rfc822\r\n", b"Content-Type: message/delivery-status\r\n", b"Content-Type: text/html; charset=x\r\n", b"\r\n",
    b"--b\r\n", b"--b--\r\n", b"--c\r\n", b"--c--", b"text\r\n", b"Action: failed\r\n", b"Final-Recipient: rfc822; a@x.example\r\n", b"\xff\xfe\r\n",
    b"Subject: =?x?q?=?=\r\n", b"Content-Transfer-Encoding: base64\r\n", b" folded\r\n",
]), max_size=60))  # fmt: skip
def test_any_mixture_is_read_without_a_word(lines: list[bytes]) -> None:
    raw = b"".join(lines)
    assert isinstance(read_mail(raw, PATH), list)
    assert digest(digest(raw)) == digest(raw)


def test_attachments_go_and_text_behind_them_stays() -> None:
    whole = MIMEMultipart()
    whole["From"] = "ann@x.example"
    picture = MIMEText("x" * 3_000_000, "plain", "us-ascii")
    picture.replace_header("Content-Type", "image/png")
    whole.attach(picture)
    whole.attach(MIMEText("Yes.", "plain", "us-ascii"))
    small = digest(whole.as_bytes())
    assert len(small) < 2_000 and one(whole.as_bytes()).text == "Yes."
    assert [part.get_content_type() for part in message_from_bytes(small).walk()] == ["multipart/mixed", "image/png", "text/plain"]


# --- a large answer on its way in


class Box:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def knows(self, address: str) -> bool:
        return address == "shop@shop.example"

    async def receive(self, address: str, mail: bytes, *, files: tuple[File, ...] = ()) -> None:
        self.got.append(mail)


@pytest.fixture
async def box() -> AsyncIterator[tuple[Box, int]]:
    made = Box()
    server = await listen(made, "127.0.0.1", 0)
    yield made, server.sockets[0].getsockname()[1]
    server.close()


CLIENT = """
import smtplib, sys
mail = (b'From: ann@x.example\\r\\nContent-Type: multipart/mixed; boundary=b\\r\\n\\r\\n--b\\r\\nContent-Type: text/plain\\r\\n\\r\\nYes.\\r\\n'
        b'..dotted\\r\\n' + b'y' * 5000 + b'\\r\\n--b\\r\\nContent-Type: application/zip\\r\\n\\r\\n' + (b'x' * 76 + b'\\r\\n') * 385_000 + b'--b--\\r\\n')
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as client:
    client.sendmail('ann@x.example', ['shop@shop.example'], mail)
print(len(mail))
"""


async def test_an_answer_of_30_megabytes_goes_to_disk_and_not_into_memory(box: tuple[Box, int]) -> None:
    kept, port = box
    me, most = psutil.Process(), 0
    before = me.memory_info().rss
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, str(port), stdout=subprocess.PIPE)
    waiting = asyncio.create_task(client.communicate())
    while not waiting.done():
        most = max(most, me.memory_info().rss)
        await asyncio.sleep(0.05)
    out, _ = await waiting
    assert int(out) > 29_900_000 and client.returncode == 0
    assert most - before < 12_000_000, f"{(most - before) / 1e6:.0f} MB more"
    (mail,) = kept.got
    heard = one(mail)
    assert heard.text.startswith("Yes.\n..dotted\nyyyy") and len(heard.text) > 5_000
