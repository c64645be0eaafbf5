"""Tokens: what is signed reads back, what is not does not, and nothing signed for one purpose serves another."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.content.model import Sample
from antiphon.execution.delivery.tracking import MAX_URL, PATHS, Purpose, Ref, Tracker
from antiphon.foundation.ids import BadSignature

TRACKER = Tracker(b"k" * 32, "https://m.example/")
OTHER = Tracker(b"o" * 32, "https://m.example/")
IDS = st.tuples(st.integers(1, 2**63), st.integers(0, 2**32 - 1))
PURPOSES: tuple[Purpose, ...] = ("open", "click", "link", "unsubscribe")


def token_of(url: str) -> tuple[str, str]:
    path, _, token = url.removeprefix("https://m.example/").partition("/")
    return f"/{path}/", token.removesuffix(".gif")


@given(IDS, st.integers(1, 2**32 - 1), st.text(max_size=200))
def test_tokens_read_back(ids: tuple[int, int], link: int, path: str) -> None:
    links = TRACKER.links(*ids)
    url = f"https://shop.example/{path}"
    made: dict[Purpose, str] = {
        "open": links.open_url or "", "click": links.fixed(link, "x"), "link": links.signed(url), "unsubscribe": links.unsubscribe_url,  # noqa: E501
    }  # fmt: skip
    refs = {"open": Ref(*ids), "click": Ref(*ids, link), "link": Ref(*ids, None, url), "unsubscribe": Ref(*ids)}
    for purpose, address in made.items():
        prefix, token = token_of(address)
        assert prefix == PATHS[purpose]
        assert TRACKER.read(purpose, token) == refs[purpose]
        assert token.isascii() and "/" not in token
        with pytest.raises(BadSignature):
            OTHER.read(purpose, token)
        for wrong in PURPOSES:
            if wrong != purpose:
                with pytest.raises(BadSignature):
                    TRACKER.read(wrong, token)


@settings(max_examples=300)
@given(IDS, st.integers(0, 60), st.integers(1, 255))
def test_one_changed_octet_is_enough(ids: tuple[int, int], at: int, flip: int) -> None:
    _, token = token_of(TRACKER.links(*ids).unsubscribe_url)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[at % len(raw)] ^= flip
    with pytest.raises(BadSignature):
        TRACKER.read("unsubscribe", base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())


@given(st.text(max_size=100))
def test_nonsense_is_no_token(text: str) -> None:
    for purpose in PURPOSES:
        with pytest.raises(BadSignature):
            TRACKER.read(purpose, text)
    with pytest.raises(BadSignature):
        TRACKER.read_return_path(text)


@given(IDS)
def test_return_paths_survive_mail_programs(ids: tuple[int, int]) -> None:
    path = TRACKER.return_path(*ids, "bounces.example")
    assert len(path.partition("@")[0]) <= 64 and path == path.lower()
    for form in (path, path.upper(), f"<{path}>", f" {path} "):
        assert TRACKER.read_return_path(form) == Ref(*ids)
    with pytest.raises(BadSignature):
        OTHER.read_return_path(path)
    flipped = path[:5] + ("a" if path[5] != "a" else "b") + path[6:]
    with pytest.raises(BadSignature):
        TRACKER.read_return_path(flipped)


def test_switched_off_links_and_pictures_are_absent_but_never_the_way_out() -> None:
    links = TRACKER.links(1, 2, opens=False, clicks=False)
    assert links.open_url is None
    assert links.fixed(3, "https://a.example") == "https://a.example"
    assert links.signed("https://a.example") == "https://a.example"
    assert links.unsubscribe_url.startswith("https://m.example/u/")


@pytest.mark.parametrize("url", ["mailto:a@x.example", "tel:+1", "javascript:x", "https://a.example/" + "x" * MAX_URL])
def test_what_cannot_be_tracked_stays_as_it_is(url: str) -> None:
    assert TRACKER.links(1, 2).signed(url) == url


def test_the_word_a_provider_brings_back_is_short_and_only_that() -> None:
    tracker = Tracker(b"k" * 32, "https://m.example")
    token = tracker.hook(2**40 + 1, 2**32 - 1)
    assert len(token) == 32 and token.isascii() and not set(token) & set("+/=?&# ")
    assert tracker.read("hook", token) == Ref(2**40 + 1, 2**32 - 1)
    for purpose in ("open", "unsubscribe"):
        with pytest.raises(BadSignature):
            tracker.read(purpose, token)  # type: ignore[arg-type]


@given(IDS, st.integers(0, 2**32 - 1))
def test_short_links_name_the_same_and_long_numbers_have_long_ones(ids: tuple[int, int], link_id: int) -> None:
    url = TRACKER.links(*ids, short=True).fixed(link_id, "https://shop.example")
    token = url.removeprefix("https://m.example/c/")
    fits = ids[0] < 2**40 and ids[1] < 2**32 and link_id < 2**24
    assert len(token) == (24 if fits else 38)
    assert TRACKER.read("click", token) == Ref(*ids, link_id)
    with pytest.raises(BadSignature):
        OTHER.read("click", token)
    with pytest.raises(BadSignature):
        TRACKER.read("click", ("A" if token[0] != "A" else "B") + token[1:])


def test_previews_count_links_as_long_as_they_will_be() -> None:
    real, sample = TRACKER.links(12_345, 678, short=True, at=datetime(2026, 6, 1, tzinfo=UTC)), Sample("https://m.example")
    assert len(real.fixed(9, "https://shop.example/x")) == len(sample.fixed(9, "https://shop.example/x"))
    assert len(real.unsubscribe_url) == len(sample.unsubscribe_url)
    assert len(real.preferences_url) == len(sample.preferences_url)
    for url in ("https://shop.example/for/P1", "https://shop.example/for/P12", "https://shop.example/for/P123"):
        assert len(real.signed(url)) == len(sample.signed(url))
