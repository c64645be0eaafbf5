"""Quiet hours and send windows by the clock where people are, over days on which clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.delivery.gate.quiet import DAY, Hours, Window, disturbs, grain, instant_of, minutes, next_allowed
from antiphon.foundation.postgres.binary import from_micros, micros

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, SHANGHAI = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Shanghai")
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def hours(since: str, until: str) -> Hours:
    return Hours(minutes(since), minutes(until))


NIGHT = hours("22:00", "08:00")


@pytest.mark.parametrize(
    "moment, zone, quiet, expected",
    [
        ("2026-06-01 12:00", BERLIN, NIGHT, "2026-06-01 12:00"),
        ("2026-06-01 21:59:59", BERLIN, NIGHT, "2026-06-01 21:59:59"),
        ("2026-06-01 22:00", BERLIN, NIGHT, "2026-06-02 08:00"),
        ("2026-06-02 07:59:59", BERLIN, NIGHT, "2026-06-02 08:00"),
        ("2026-06-02 08:00", BERLIN, NIGHT, "2026-06-02 08:00"),
        # the night clocks go forward (02:00 → 03:00) is an hour shorter, the one they go back an hour longer
        ("2026-03-28 23:00", BERLIN, NIGHT, "2026-03-29 08:00"),
        ("2026-10-24 23:00", BERLIN, NIGHT, "2026-10-25 08:00"),
        ("2026-03-08 01:00", NEW_YORK, NIGHT, "2026-03-08 08:00"),
        # the end never comes: the moment of the jump
        ("2026-03-29 01:00", BERLIN, hours("22:00", "02:30"), "2026-03-29 03:00"),
        ("2026-03-08 00:10", NEW_YORK, hours("00:00", "02:15"), "2026-03-08 03:00"),
        # half an hour of a jump
        ("2026-10-04 01:00", LORD_HOWE, hours("23:00", "02:15"), "2026-10-04 02:30"),
        # midday quiet
        ("2026-06-01 13:10", SHANGHAI, hours("12:00", "14:00"), "2026-06-01 14:00"),
    ],
)
def test_quiet_hours_end_where_the_customer_is(moment: str, zone: ZoneInfo, quiet: Hours, expected: str) -> None:
    assert next_allowed(at(moment, zone), zone, quiet, ()) == at(expected, zone)


def test_an_end_that_comes_twice_is_its_next_coming() -> None:
    """Berlin, 25 October 2026: 03:00 becomes 02:00."""
    quiet = hours("22:00", "02:30")
    assert next_allowed(at("2026-10-25 02:10"), BERLIN, quiet, ()) == at("2026-10-25 02:30")
    assert next_allowed(at("2026-10-25 02:40"), BERLIN, quiet, ()) == at("2026-10-25 02:40")
    assert next_allowed(at("2026-10-25 02:10", fold=1), BERLIN, quiet, ()) == at("2026-10-25 02:30", fold=1)


def test_windows() -> None:
    office = (Window((1, 2, 3, 4, 5), minutes("09:00"), minutes("18:00")),)
    assert next_allowed(at("2026-06-01 10:00"), BERLIN, None, office) == at("2026-06-01 10:00")
    assert next_allowed(at("2026-06-01 18:00"), BERLIN, None, office) == at("2026-06-02 09:00")
    assert next_allowed(at("2026-06-05 18:30"), BERLIN, None, office) == at("2026-06-08 09:00"), "over the weekend"
    lunch = hours("08:00", "10:00")
    assert next_allowed(at("2026-06-05 18:30"), BERLIN, lunch, office) == at("2026-06-08 10:00"), "both hold"
    assert next_allowed(at("2026-06-01 10:00"), BERLIN, hours("09:00", "18:00"), office) is None, "never both"
    evening = (Window(EVERY_DAY, minutes("20:00"), DAY), Window((7,), minutes("02:00"), minutes("02:30")))
    assert next_allowed(at("2026-06-01 23:59"), BERLIN, None, evening) == at("2026-06-01 23:59")
    assert next_allowed(at("2026-03-29 00:30"), BERLIN, None, evening) == at("2026-03-29 20:00"), "that half hour never came"


@pytest.mark.parametrize(
    "wall, zone, expected",
    [
        ("2026-06-01 10:00", BERLIN, "2026-06-01T08:00:00+00:00"),
        ("2026-03-29 02:30", BERLIN, "2026-03-29T01:00:00+00:00"),  # never shown: when clocks jump
        ("2026-10-25 02:30", BERLIN, "2026-10-25T00:30:00+00:00"),  # shown twice: the first time
        ("2026-10-04 02:10", LORD_HOWE, "2026-10-03T15:30:00+00:00"),
    ],
)
def test_wall_times(wall: str, zone: ZoneInfo, expected: str) -> None:
    assert instant_of(datetime.fromisoformat(wall), zone) == datetime.fromisoformat(expected)


def allowed(moment: datetime, zone: ZoneInfo, quiet: Hours | None, windows: tuple[Window, ...]) -> bool:
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return not (quiet is not None and quiet.cover(minute)) and (not windows or any(w.cover(local) for w in windows))


DAYS = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 28), (10, 24), (3, 7), (10, 3))]
ANY_MINUTE = st.integers(0, 24 * 60 - 1)
MINUTE = st.integers(0, 95).map(lambda quarter: quarter * 15)


@settings(max_examples=150, deadline=None)
@given(
    day=st.sampled_from(DAYS), offset=st.integers(0, 3 * 96), zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, SHANGHAI]),
    quiet=st.none() | st.builds(Hours, MINUTE, MINUTE).filter(lambda h: h.since != h.until),
    window=st.none() | st.tuples(MINUTE, MINUTE).filter(lambda w: w[0] < w[1]),
)
def test_the_next_allowed_moment_is_the_first_one(
    day: datetime, offset: int, zone: ZoneInfo, quiet: Hours | None, window: tuple[int, int] | None
) -> None:
    """Against stepping through the quarters of an hour one by one: clocks jump at those only."""
    windows = (Window(EVERY_DAY, *window),) if window else ()
    begin = day + timedelta(minutes=15 * offset)
    steps = (begin + timedelta(minutes=15 * n) for n in range(96 * 3))
    assert next_allowed(begin, zone, quiet, windows) == next((s for s in steps if allowed(s, zone, quiet, windows)), None)


@settings(max_examples=100, deadline=None)
@given(
    day=st.sampled_from(DAYS), seconds=st.lists(st.integers(0, 3 * 86_400), min_size=1, max_size=20),
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, SHANGHAI]),
    quiet=st.none() | st.builds(Hours, ANY_MINUTE, MINUTE).filter(lambda h: h.since != h.until),
    window=st.none() | st.tuples(MINUTE, ANY_MINUTE, st.sets(st.sampled_from(EVERY_DAY), min_size=1)).filter(lambda w: w[0] < w[1]),
)
def test_many_at_once_are_told_where_one_would_be_moved(
    day: datetime, seconds: list[int], zone: ZoneInfo, quiet: Hours | None, window: tuple[int, int, set[int]] | None
) -> None:
    windows = (Window(tuple(window[2]), *window[:2]),) if window else ()
    moments = [day + timedelta(seconds=one) for one in seconds]
    found = disturbs(np.array([micros(one) for one in moments]), zone, quiet, windows)
    assert found.tolist() == [next_allowed(one, zone, quiet, windows) != one for one in moments]
    like = grain(quiet, windows)
    for one, disturbed in zip(moments, found.tolist(), strict=True):
        if disturbed:
            first = from_micros(micros(one) // like * like)
            assert next_allowed(first, zone, quiet, windows) == next_allowed(one, zone, quiet, windows)
