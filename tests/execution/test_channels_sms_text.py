"""Texts of short messages: alphabets, parts, transliteration, words. The references here are written naively, from the tables."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.channels.errors import TextTooLong
from antiphon.execution.channels.sms.alphabet import (
    EXTENDED,
    GSM,
    alphabet_of,
    clean,
    decode_gsm,
    decode_ucs2,
    encode_gsm,
    encode_ucs2,
    transliterate,
)
from antiphon.execution.channels.sms.keywords import Keywords, keyword, said
from antiphon.execution.channels.sms.number import BadNumber, heard_number, number
from antiphon.execution.channels.sms.parts import Joining, TextEmpty, TooManyParts, allowed, fitted, measure, room, split, units

JOININGS: list[Joining] = ["8bit", "16bit", "payload"]
gsm_texts = st.text(alphabet=st.sampled_from(sorted(GSM)), max_size=700)
any_texts = st.text(
    alphabet=st.one_of(st.sampled_from("aé€[]Жя中文😀🙂\n "), st.characters(exclude_categories=("Cs",))), max_size=400
)


def naive_units(text: str) -> int:
    if alphabet_of(text) == "gsm":
        return sum(2 if char in "^{}\\[~]|€\f" else 1 for char in text)
    return len(text.encode("utf-16-be")) // 2


def naive_parts(text: str, joining: Joining) -> int:
    """Fill one part after the other, character by character."""
    gsm = alphabet_of(text) == "gsm"
    alone, joined = (160, 152 if joining == "16bit" else 153) if gsm else (70, 66 if joining == "16bit" else 67)
    widths = [(2 if char in "^{}\\[~]|€\f" else 1) if gsm else len(char.encode("utf-16-be")) // 2 for char in text]
    if sum(widths) <= alone:
        return 1
    parts, left = 1, joined
    for width in widths:
        if width > left:
            parts, left = parts + 1, joined
        left -= width
    return parts


@given(gsm_texts)
def test_gsm_round_trip(text: str) -> None:
    assert alphabet_of(text) == "gsm"
    assert decode_gsm(encode_gsm(text)) == text
    assert len(encode_gsm(text)) == units(text, "gsm") == naive_units(text)


@given(any_texts)
def test_ucs2_round_trip(text: str) -> None:
    assert decode_ucs2(encode_ucs2(text)) == text
    assert len(encode_ucs2(text)) // 2 == units(text, "ucs2")


@settings(max_examples=300)
@given(st.one_of(gsm_texts, any_texts), st.sampled_from(JOININGS))
def test_parts_join_again_and_fit(text: str, joining: Joining) -> None:
    alphabet = alphabet_of(text)
    parts = split(text, alphabet, joining)
    assert "".join(parts) == text
    assert len(parts) == naive_parts(text, joining)
    space = room(alphabet, joining)
    assert all(units(part, alphabet) <= (space.alone if len(parts) == 1 else space.joined) for part in parts)
    if alphabet == "ucs2":  # no pair is cut: each part is a text of its own
        assert all(decode_ucs2(encode_ucs2(part)) == part for part in parts)
    found = measure(text, joining)
    assert (found.units, found.parts, found.alphabet) == (naive_units(text), len(parts), alphabet)
    assert found.left == found.per_part - units(parts[-1], alphabet) >= 0


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 10, 2), ("я" * 70, 1), ("я" * 71, 2), ("я" * 134, 2), ("я" * 135, 3), ("😀" * 35, 1),
        ("😀" * 36, 2), ("я" * 66 + "😀" + "я" * 10, 2), ("", 1),
    ],
)  # fmt: skip
def test_edges_of_parts(text: str, parts: int) -> None:
    assert measure(text).parts == parts


def test_an_escape_or_a_pair_is_never_cut() -> None:
    assert [len(part) for part in split("a" * 152 + "€" + "a" * 50, "gsm")] == [152, 51]
    assert [len(part) for part in split("я" * 66 + "😀" + "я" * 50, "ucs2")] == [66, 51]


def test_what_widens_a_text_is_named() -> None:
    assert measure("Hello «you»—").widening == "«»—"
    assert measure("Hello").widening == ""


def test_the_whole_table() -> None:
    assert len(GSM) == 127 + 10 and set(EXTENDED) == set("^{}\\[~]|€\f")
    assert encode_gsm("@£$¥") == b"\0\1\2\3" and encode_gsm("ü") == b"\x7e" and encode_gsm("€") == b"\x1b\x65"
    assert alphabet_of(string.ascii_letters + string.digits) == "gsm" and alphabet_of("`") == alphabet_of("ç") == "ucs2"
    assert decode_gsm(b"a\x1b\x01b\x1b") == "a b"


def test_cleaning() -> None:
    assert clean("a\r\nb\tc\0d\u200b\u2028e  \n") == "a\nb cd\ne"
    assert clean("x\ud800y") == "x?y"
    with pytest.raises(TextEmpty):
        fitted(" \n\t", plain=False)


def test_transliteration_is_all_or_nothing() -> None:
    assert transliterate("Щёлково — «Łódź» №5…") == 'Shchelkovo - "Lodz" No.5...'
    assert transliterate("Привет 中") == "Привет 中"
    assert fitted("Привет", plain=True) == "Privet" and fitted("Привет", plain=False) == "Привет"


@given(any_texts)
def test_transliteration_only_ever_helps(text: str) -> None:
    done = transliterate(text)
    assert done == text or alphabet_of(done) == "gsm"


def test_the_author_says_whether_it_is_split() -> None:
    allowed(1, splits=False, most=10)
    allowed(3, splits=True, most=3)
    with pytest.raises(TextTooLong, match="2 parts"):
        allowed(2, splits=False, most=10)
    with pytest.raises(TooManyParts, match="at most 3"):
        allowed(4, splits=True, most=3)


def test_numbers() -> None:
    assert number("+79991234567") == "+79991234567"
    for bad in ("79991234567", "+0123456789", "+7 999 1234567", "+7999123456\n", "", "+٧٩٩٩١٢٣٤٥٦٧"):
        with pytest.raises(BadNumber):
            number(bad)
    assert heard_number("79991234567") == "+79991234567" and heard_number("1234") == "1234"
    assert heard_number("Bank") == "Bank" and heard_number("12345678", international=False) == "12345678"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("STOP", "stop"), (" stop. ", "stop"), ("«СТОП!»", "stop"), ("Отписаться", "stop"), ("退订", "stop"), ("TD", "stop"), ("t", "stop"),
        ("ＳＴＯＰ", "stop"), ("Stop  all", "stop"), ("Arrêt !", "stop"), ("ARRE\u0302T", "stop"),
        ("start", "start"), ("СТАРТ", "start"), ("订阅", "start"), ("помощь?", "help"),
        ("帮助", "help"), ("stop it", None), ("don't stop", None), ("", None), ("STOPPED", None), ("…", None), ("T" * 500, None),
    ],
)  # fmt: skip
def test_words_are_whole_messages(text: str, meant: str | None) -> None:
    assert keyword(text, Keywords()) == meant


def test_words_are_an_accounts_own() -> None:
    own = Keywords(stop="Genug, aus", start="an", help="")
    assert [keyword(text, own) for text in ("genug!", "AUS", "an", "STOP", "HELP")] == ["stop", "stop", "start", None, None]
    assert keyword("ja", Keywords(stop="ja", start="ja", help="ja")) == "stop"


def test_what_a_word_becomes() -> None:
    heard = said("Стоп", Keywords(), sender="+79991234567", recipient="1234")
    assert (heard.kind, heard.text, heard.address, heard.recipient, heard.code) == ("unsubscribed", "Стоп", "+79991234567", "1234", "stop")
    assert said("старт", Keywords(), sender="+7", recipient="").kind == "subscribed"
    assert (said("help", Keywords(), sender="+7", recipient="").kind, said("yes", Keywords(), sender="+7", recipient="").code) == ("replied", "")
