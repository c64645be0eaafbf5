"""Keyed assignment: the same for one as for a million, stable, uniform, independent between experiments."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, strategies as st

from antiphon.decisioning.experiments import (
    Holdout,
    Period,
    arm_of,
    arms_of,
    fraction_of,
    fractions_of,
    held_out,
    is_held_out,
    salt_of,
)

PUBLISHED = [0.986805, 0.518025, 0.183893, 0.154976]
SECRET = b"a secret of tests only, 32 bytes long"
IDS = st.lists(st.integers(0, 2**32 - 1), max_size=50)
WORDS = st.text(max_size=20)


@given(ids=IDS, name=WORDS, salt=WORDS)
def test_one_by_one_and_all_at_once_agree(ids: list[int], name: str, salt: str) -> None:
    assert fractions_of(SECRET, name, ids, salt).tolist() == [fraction_of(SECRET, name, one, salt) for one in ids]
    assert all(0 <= one < 1 for one in fractions_of(SECRET, name, ids, salt))


@given(ids=IDS, name=WORDS, percent=st.floats(0, 50))
def test_a_holdout_is_the_same_for_one_as_for_all(ids: list[int], name: str, percent: float) -> None:
    assert held_out(SECRET, name, percent, ids).tolist() == [is_held_out(SECRET, name, percent, one) for one in ids]


@given(ids=IDS, weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=5))
def test_arms_are_the_same_for_one_as_for_all(ids: list[int], weights: list[float]) -> None:
    assert arms_of(SECRET, "x", weights, ids).tolist() == [arm_of(SECRET, "x", weights, one) for one in ids]
    assert all(0 <= arm < len(weights) for arm in arms_of(SECRET, "x", weights, ids))


def test_assignment_never_changes() -> None:
    """Published values: people keep their groups when this code is rewritten."""
    assert [round(fraction_of(b"k" * 32, "universal", n, "s"), 6) for n in (1, 2, 1000, 2**32 - 1)] == PUBLISHED



def test_a_larger_holdout_keeps_whom_the_smaller_had() -> None:
    ids = np.arange(1, 100_001)
    five, ten = held_out(SECRET, "a", 5, ids), held_out(SECRET, "a", 10, ids)
    assert not (five & ~ten).any()
    assert abs(five.mean() - 0.05) < 0.003 and abs(ten.mean() - 0.10) < 0.004


def test_experiments_are_independent_of_each_other() -> None:
    ids = np.arange(1, 200_001)
    both = held_out(SECRET, "a", 20, ids) & held_out(SECRET, "b", 20, ids)
    assert abs(both.mean() - 0.04) < 0.002
    neighbours = held_out(SECRET, "a", 50, ids)
    assert abs((neighbours[1:] == neighbours[:-1]).mean() - 0.5) < 0.005


def test_groups_are_drawn_anew_with_their_period() -> None:
    def salt(period: Period, at: datetime) -> str:
        return salt_of(Holdout(name="h", title="", percent=5, salt="s", period=period, enabled=True, updated_at=at), at)

    march, april = datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    assert salt("always", march) == salt("always", april) == "s"
    assert salt("year", march) == salt("year", april) == "s/2026"
    assert (salt("quarter", march), salt("quarter", april)) == ("s/2026Q1", "s/2026Q2")
    assert (salt("month", march), salt("month", april)) == ("s/2026-03", "s/2026-04")
