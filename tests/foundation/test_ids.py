import pytest
from hypothesis import given, strategies as st

from antiphon.foundation.ids import BadSignature, keyed_fraction, keyed_hash, sign, unsign

KEY = b"k" * 32


@given(st.binary(max_size=200), st.text(max_size=20))
def test_a_signed_token_gives_its_payload_back(payload: bytes, purpose: str) -> None:
    assert unsign(KEY, purpose, sign(KEY, purpose, payload)) == payload


@given(st.binary(min_size=1, max_size=50), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_token_is_refused(payload: bytes, at: int, by: int) -> None:
    import base64

    raw = bytearray(base64.urlsafe_b64decode(sign(KEY, "click", payload) + "=="))
    raw[at % len(raw)] ^= by
    with pytest.raises(BadSignature):
        unsign(KEY, "click", base64.urlsafe_b64encode(raw).decode())


@pytest.mark.parametrize("token", ["", "x", "%%%", "ü", "AAAA" * 1000])
def test_garbage_is_a_bad_signature(token: str) -> None:
    with pytest.raises(BadSignature):
        unsign(KEY, "click", token)


def test_a_token_is_good_for_one_purpose_and_one_key_only() -> None:
    token = sign(KEY, "open", b"1")
    for key, purpose in ((KEY, "click"), (b"z" * 32, "open")):
        with pytest.raises(BadSignature):
            unsign(key, purpose, token)


def test_parts_are_framed() -> None:
    assert keyed_hash(KEY, "a", "bc") != keyed_hash(KEY, "ab", "c")


def test_fractions_are_uniform_and_repeat() -> None:
    drawn = [keyed_fraction(KEY, "holdout", i) for i in range(20_000)]
    assert drawn == [keyed_fraction(KEY, "holdout", i) for i in range(20_000)]
    for tenth in range(10):
        assert 1_800 < sum(tenth / 10 <= x < (tenth + 1) / 10 for x in drawn) < 2_200
