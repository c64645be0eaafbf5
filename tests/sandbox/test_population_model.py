"""The simulated customers: the same for the same seed, different from each other, within their stated chances."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from hypothesis import given, settings, strategies as st

from antiphon.sandbox.population import customer, daily_deeds, history, reactions, tastes_of

seeds = st.integers(-(2**62), 2**62)
numbers = st.integers(1, 9_999_999)


@given(seeds, numbers)
def test_a_customer_is_a_function_of_seed_and_number(seed: int, number: int) -> None:
    assert customer(seed, number) == customer(seed, number)
    who = customer(seed, number)
    assert history(seed, who) == history(seed, who)
    assert reactions(seed, who, "Hello") == reactions(seed, who, "Hello")


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_customers_share_no_identity(seed: int) -> None:
    crowd = [customer(seed, number) for number in range(1, 5001)]
    assert len({who.email for who in crowd}) == len({who.user_id for who in crowd}) == len(crowd)
    phones = [who.phone for who in crowd if who.phone]
    assert len(set(phones)) == len(phones) > 3000


@given(seeds, numbers)
def test_history_is_within_ninety_days_and_oldest_first(seed: int, number: int) -> None:
    deeds = history(seed, customer(seed, number))
    assert all(timedelta() <= deed.ago <= timedelta(days=90) for deed in deeds)
    assert [deed.ago for deed in deeds] == sorted((deed.ago for deed in deeds), reverse=True)
    assert {deed.name for deed in deeds} <= {"Top Up", "Data Exhausted", "Plan Changed"}


@given(seeds, numbers, st.text(max_size=20), st.floats(0, 10))
def test_reactions_follow_each_other(seed: int, number: int, subject: str, patience: float) -> None:
    found = reactions(seed, customer(seed, number), subject, patience)
    kinds = [reaction.kind for reaction in found]
    assert [reaction.after for reaction in found] == sorted(reaction.after for reaction in found)
    assert "click" not in kinds or "open" in kinds
    assert "buy" not in kinds or "click" in kinds
    assert "complain" not in kinds or kinds == ["complain"]
    assert len([kind for kind in kinds if kind.startswith("unsubscribe")]) <= 1


def test_a_crowd_meets_its_tastes() -> None:
    crowd = [customer(7, number) for number in range(1, 4001)]
    opened = sum(any(r.kind == "open" for r in reactions(7, who, "News")) for who in crowd)
    expected = sum(tastes_of(7, who).opens for who in crowd)
    assert abs(opened - expected) < 0.04 * len(crowd)
    assert 0.8 < sum("offers" in who.permits for who in crowd) / len(crowd) < 0.92


def test_everyday_life_goes_on_where_it_stopped() -> None:
    assert list(islice(daily_deeds(3, 100, 0), 20))[10:] == list(islice(daily_deeds(3, 100, 10), 10))
