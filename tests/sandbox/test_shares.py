"""Troubles at chosen rates: the kinds are the rates' names, and a seed gives the same troubles for ever."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from antiphon.sandbox.email import faults as mail
from antiphon.sandbox.mailapi import faults as api
from antiphon.sandbox.shares import Shares, drawn
from antiphon.sandbox.sms import faults as sms
from antiphon.sandbox.voices.settings import VoicesSettings
from antiphon.sandbox.voices.world import World


@pytest.mark.parametrize(
    ("rates", "kinds"), [(mail.Rates, mail.KINDS), (api.ApiRates, api.KINDS), (sms.Rates, sms.KINDS)], ids=["mail", "api", "sms"]
)
def test_every_rate_is_a_kind_of_trouble_in_the_same_order(rates: type[Shares], kinds: tuple[str, ...]) -> None:
    assert rates.__struct_fields__ == kinds
    with pytest.raises(ValueError, match="more than 1"):
        rates(**{kinds[0]: 0.6, kinds[-1]: 0.6})
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({kinds[0]: 1.5}, rates)


def test_all_or_nobody_is_in_trouble() -> None:
    class Two(Shares, frozen=True, kw_only=True):
        one: float = 0.0
        two: float = 0.0

    people = [f"p{n}" for n in range(200)]
    assert {drawn(("one", "two"), Two(), 1, "salt", who) for who in people} == {None}
    assert {drawn(("one", "two"), Two(two=1.0), 1, "salt", who) for who in people} == {"two"}
    assert {drawn(("one", "two"), Two(one=0.5, two=0.5), 1, "salt", who) for who in people} == {"one", "two"}


def test_who_has_which_trouble_never_changes() -> None:
    """Recorded results of trials stay comparable: these were drawn by the first version."""
    letters = mail.Rates(bounce=0.2, refuse=0.2, silent=0.2)
    calls = api.ApiRates(reject=0.2, gone=0.2, complain=0.2)
    texts = sms.Rates(throttle=0.2, refuse=0.2, reply=0.2)
    voices = VoicesSettings(secret="12345678", seed=5, reject=0.2, gone=0.2, silent=0.2)
    assert [mail.fault_of(5, letters, f"P{n}@x.example") for n in range(8)] == [
        "refuse", "bounce", "bounce", "bounce", "refuse", "bounce", None, "silent",
    ]  # fmt: skip
    assert [api.fault_of(5, calls, f"P{n}@x.example") for n in range(8)] == [
        "complain", "gone", None, "reject", "complain", None, "gone", "gone",
    ]  # fmt: skip
    assert [sms.fault_of(-7, texts, f"+7999{n}") for n in range(8)] == [
        None, "reply", "refuse", "refuse", "refuse", None, None, "throttle",
    ]  # fmt: skip
    assert [World().trouble(voices, f"p{n}") for n in range(8)] == [
        "silent", None, "silent", "silent", "gone", "gone", "reject", "gone",
    ]  # fmt: skip
    many = [
        (
            mail.fault_of(seed, mail.Rates(bounce=0.1, refuse=0.1, silent=0.2, away=0.3), f"P{n}@x.example"),
            sms.fault_of(seed, sms.Rates(throttle=0.1, mute=0.1, reply=0.3), f"+7999{n}"),
            api.fault_of(seed, api.ApiRates(gone=0.1, hang=0.2, complain=0.2), f"P{n}@x.example"),
        )
        for n in range(300)
        for seed in (-1, 0, 99)
    ]
    assert hashlib.sha256(repr(many).encode()).hexdigest() == "9263b6324d2835af793fb2c0fc7038e005ac354d3e5961e28b448b912e110c75"
