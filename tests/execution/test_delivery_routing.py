"""Which account a message takes: rules as a table, shares as a property, and where an address is."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.delivery.country import country_of, domain_of
from antiphon.execution.delivery.routing import Addressee, Match, Route, Target, candidates, ordered

KEY = b"a key of tests"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PRICES = {(1, "DE"): 9, (2, "DE"): 7, (3, "DE"): 7, (1, "US"): 1}


def route(targets: list[int] | list[Target], **given: Any) -> Route:
    made = [t if isinstance(t, Target) else Target(account_id=t) for t in targets]
    plain: dict[str, Any] = {
        "id": 1, "channel": "sms", "position": 1, "name": "r", "match": Match(), "strategy": "in_order", "otherwise": "wait",
        "enabled": True, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Route(**(plain | given), targets=made)


def to(country: str = "DE", domain: str = "example.de", one: int = 1, **given: Any) -> Addressee:
    plain: dict[str, Any] = {"message_class": "marketing", "topic": "news", "purpose": "offer"}
    return Addressee(**(plain | given), country=country, domain=domain, one=one)


def price(account: int, country: str) -> int:
    return PRICES.get((account, country), 5)


def chosen(routes: list[Route], who: Addressee, usable: set[int] | None = None) -> list[int]:
    good = {1, 2, 3} if usable is None else usable
    return candidates(routes, [1, 2, 3], who, key=KEY, usable=lambda account: account in good, price=price)


@pytest.mark.parametrize("rules, who, usable, expected", [
    ([], to(), None, [1, 2, 3]),
    ([], to(), {2}, [2]),
    ([route([3], match=Match(countries=["DE"]))], to("DE"), None, [3]),
    ([route([3], match=Match(countries=["DE"]))], to("FR"), None, [1, 2, 3]),
    ([route([3], match=Match(countries=["DE"]))], to("DE"), {1, 2}, []),
    ([route([3], match=Match(countries=["DE"]), otherwise="next")], to("DE"), {1, 2}, [1, 2]),
    ([route([3], enabled=False)], to(), None, [1, 2, 3]),
    ([route([2], match=Match(domains=["gmail.com"])), route([3])], to(domain="gmail.com"), None, [2]),
    ([route([2], match=Match(domains=["gmail.com"])), route([3])], to(domain="mail.com"), None, [3]),
    ([route([2], match=Match(domains=["*.de"]))], to(domain="web.de"), None, [2]),
    ([route([2], match=Match(domains=["*.web.de"]))], to(domain="web.de"), None, [1, 2, 3]),
    ([route([2], match=Match(classes=["one_time_code"]))], to(message_class="one_time_code"), None, [2]),
    ([route([2], match=Match(classes=["one_time_code"]))], to(), None, [1, 2, 3]),
    ([route([2], match=Match(topics=["news"], countries=["DE"]))], to(), None, [2]),
    ([route([2], match=Match(topics=["bills"], countries=["DE"]))], to(), None, [1, 2, 3]),
    ([route([2], match=Match(purposes=["offer"]))], to(), None, [2]),
    ([route([1, 2, 3], strategy="cheapest")], to("DE"), None, [2, 3, 1]),
    ([route([3, 2, 1], strategy="cheapest")], to("US"), None, [1, 3, 2]),
    ([route([3, 1], strategy="in_order")], to(), None, [3, 1]),
    ([route([3, 1], strategy="in_order")], to(), {1, 2}, [1]),
])  # fmt: skip
def test_the_first_rule_that_matches_says(rules: list[Route], who: Addressee, usable: set[int] | None, expected: list[int]) -> None:
    assert chosen(rules, who, usable) == expected


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(1, 1000))
def test_shares_are_kept_whoever_fails(shares: list[int], rule: int) -> None:
    people = 2_000
    made = route([Target(account_id=n + 1, share=share) for n, share in enumerate(shares)], id=rule, strategy="share")
    orders = [ordered(made, to(one=one), key=KEY, price=price) for one in range(people)]
    assert orders == [ordered(made, to(one=one), key=KEY, price=price) for one in range(people)]
    first = Counter(order[0] for order in orders)
    for n, share in enumerate(shares):
        expected = people * share / sum(shares)
        assert abs(first[n + 1] - expected) < 5 * (expected**0.5) + 10
    # when the first account fails its people are spread by the others' shares, and nobody else moves
    without = [next(one for one in order if one != 1) for order in orders]
    assert all(now == order[0] for now, order in zip(without, orders, strict=True) if order[0] != 1)
    moved = Counter(now for now, order in zip(without, orders, strict=True) if order[0] == 1)
    rest = sum(shares[1:])
    for n, share in enumerate(shares[1:], start=2):
        expected = first[1] * share / rest
        assert abs(moved[n] - expected) < 5 * (expected**0.5) + 10


def test_no_share_is_only_for_when_others_fail() -> None:
    made = route([Target(account_id=1, share=0), Target(account_id=2, share=1)], strategy="share")
    assert {tuple(ordered(made, to(one=one), key=KEY, price=price)) for one in range(200)} == {(2, 1)}


@pytest.mark.parametrize("address, traits, country, domain", [
    ("+4915112345678", None, "DE", ""),
    ("+12125550123", None, "US", ""),
    ("+14165550123", None, "CA", ""),
    ("+79161234567", None, "RU", ""),
    ("+77011234567", None, "KZ", ""),
    ("+8613812345678", None, "CN", ""),
    ("+442079460000", None, "GB", ""),
    ("+999123", None, "", ""),
    ("ann@example.de", None, "DE", "example.de"),
    ("ann@example.co.uk", None, "GB", "example.co.uk"),
    ("ann@example.com", None, "", "example.com"),
    ("ann@Example.COM", {"country": "fr"}, "FR", "example.com"),
    ("ann@example.com", {"country": "France"}, "", "example.com"),
    ("ann@example.de", {"country": "AT"}, "AT", "example.de"),
    ("+4915112345678", {"country": "FR"}, "DE", ""),
    ("a-device-token", None, "", ""),
    ("ann@example.zz", None, "", "example.zz"),
])  # fmt: skip
def test_where_an_address_is(address: str, traits: dict[str, Any] | None, country: str, domain: str) -> None:
    assert (country_of(address, traits), domain_of(address)) == (country, domain)
