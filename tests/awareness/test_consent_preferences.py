"""Preferences: the latest word by aspect, whichever way it came; merges and their undoing; what marks a profile as changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.awareness.test_consent_ledger import add_people, say

from antiphon.awareness.consent import (
    ChannelKind,
    ChannelRegistry,
    ChannelUnknown,
    Evidence,
    Said,
    Suppressed,
    TopicUnknown,
    current_preferences,
    record_consents,
    state_preferences,
    suppress,
    withdraw_all,
)
from antiphon.awareness.consent.loops import MOST
from antiphon.awareness.consent.model import InTheFuture
from antiphon.awareness.consent.personal import export, fold_together, part_again
from antiphon.awareness.consent.preferences import store
from antiphon.awareness.consent.preferences.model import PreferenceInvalid
from antiphon.awareness.consent.service import run_out, unsuppress
from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, PostgresError

pytestmark = pytest.mark.store
T0 = datetime.fromisoformat("2026-05-01T00:00:00+00:00")


@pytest.fixture
def here(ctx: Context) -> Context:
    ctx.put(ChannelRegistry, ChannelRegistry((ChannelKind("email", "email", "E-mail"), ChannelKind("sms", "phone", "SMS"))))
    return ctx


def word(aspect: str, value: Any, day: int = 0, profile_id: int = 1, **more: Any) -> Said:
    wishes: Any = {aspect: value}
    return Said(profile_id=profile_id, at=T0 + timedelta(days=day), source="form", wishes=wishes, **more)


async def kept(conn: Connection, profile_id: int = 1) -> dict[str, Any]:
    return {wish.aspect: wish.value for wish in await current_preferences(conn, profile_id)}


async def test_the_latest_word_counts_and_nothing_is_forgotten(here: Context) -> None:
    quiet = {"from": "22:00", "to": "08:00", "zone": "Europe/Berlin"}
    async with here.db.transaction() as conn:
        await add_people(conn, 1)
        for said in (
            word("frequency", "weekly", 2), word("frequency", "all", 1), word("quiet_hours", quiet), word("language", "ru", 3),
            word("language", None, 4), word("channel", "sms", 1), word("channel", "sms", 2),
            word("paused_until", datetime.fromisoformat("2026-06-09T02:00:00+02:00"), 1),
        ):  # fmt: skip
            await state_preferences(here, conn, [said])
        assert await kept(conn) == {
            "frequency": "weekly", "quiet_hours": quiet, "channel": "sms", "paused_until": "2026-06-09T00:00:00Z",
        }  # fmt: skip
        rows = await store.list_changes(conn, [1], before=None, limit=50)
        assert [r.aspect for r in rows] == ["paused_until", "channel", "language", "language", "quiet_hours", "frequency", "frequency"]
        assert len((await export(here, conn, 1))["preferences"]) == 7
        with pytest.raises(PostgresError, match="append-only"):
            await conn.execute("update preference_change set at = now()")


@pytest.mark.parametrize(
    ("aspect", "value"),
    [
        ("frequency", "hourly"), ("language", "de"), ("channel", "pigeon"), ("channel", 7), ("paused_until", "soon"),
        ("paused_until", "2026-06-09T00:00:00"), ("paused_until", "2036-06-09T00:00:00Z"), ("quiet_hours", "22-8"),
        ("quiet_hours", {"from": "22:00", "to": "22:00", "zone": "UTC"}),
        ("quiet_hours", {"from": "24:00", "to": "08:00", "zone": "UTC"}),
        ("quiet_hours", {"from": "22:00", "to": "08:00", "zone": "Mars/Base"}),
        ("quiet_hours", {"from": "22:00", "to": "08:00"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_wished_is_refused_by_name(here: Context, aspect: str, value: Any) -> None:
    async with here.db.transaction() as conn:
        await add_people(conn, 1)
        with pytest.raises(PreferenceInvalid) as refused:
            await state_preferences(here, conn, [word("language", "ru"), word(aspect, value)], field="statements")
        assert str(refused.value.field).startswith(f"statements[1].{aspect}")


async def test_unknown_channels_topics_and_the_future_are_refused(here: Context) -> None:
    async with here.db.transaction() as conn:
        await add_people(conn, 1)
        with pytest.raises(ChannelUnknown):
            await state_preferences(here, conn, [word("language", "ru", consents={("pigeon", "news"): True})])
        with pytest.raises(TopicUnknown):
            await state_preferences(here, conn, [word("language", "ru", consents={("email", "weather"): True})])
        with pytest.raises(InTheFuture):
            await state_preferences(here, conn, [word("language", "ru", 99)])


async def test_choices_and_wishes_are_one_statement_each_with_its_text(here: Context) -> None:
    async with here.db.transaction() as conn:
        await add_people(conn, 1)
        said = word(
            "language", "zh", consents={("email", "news"): True, ("sms", "news"): False},
            evidence=Evidence(url="https://x/p", address="203.0.113.7"), texts={("email", "news"): "News by e-mail"},
        )  # fmt: skip
        assert (await state_preferences(here, conn, [said])).consents == 2
        rows = await (await conn.execute("select channel, state, evidence from consent order by channel")).fetchall()
        again = await state_preferences(here, conn, [said])
    assert rows[0] == ("email", "granted", {"text": "News by e-mail", "url": "https://x/p", "address": "203.0.113.7"})
    assert rows[1][:2] == ("sms", "withdrawn")
    assert (again.consents, again.preferences) == (0, 0)


STATED = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["weekly", "monthly", "all", None]), st.integers(0, 9)), min_size=1, max_size=20
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=STATED)
async def test_a_merge_keeps_the_latest_word_and_undoing_it_gives_both_back(
    here: Context, said: list[tuple[int, str | None, int]]
) -> None:
    """2 becomes part of 1: the word that counts is the latest of both by (at, id), and afterwards each one's own again."""
    async with here.db.connection() as conn, conn.transaction(force_rollback=True):
        await add_people(conn, 1, 2, 3)
        for person, value, day in said:
            await store.record_changes(
                conn,
                [store.NewChange(profile_id=person, aspect="frequency", value=value, at=T0 + timedelta(days=day), source="t", evidence=Evidence())],
                only_changes=False,
            )  # fmt: skip
        apart = {p: (await kept(conn, p)).get("frequency") for p in (1, 2, 3)}
        for person in (1, 2, 3):
            own = [(day, place, value) for place, (p, value, day) in enumerate(said) if p == person]
            assert apart[person] == (max(own, key=lambda o: o[:2])[2] if own else None)
        both = [(day, place, value) for place, (p, value, day) in enumerate(said) if p in (1, 2)]
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 't')")
        await fold_together(here, conn, ProfilesMerged(gone=[2], into=[1]))
        assert (await kept(conn, 1)).get("frequency") == (max(both, key=lambda o: o[:2])[2] if both else None)
        assert await kept(conn, 2) == {}
        await conn.execute("delete from alias")
        await part_again(here, conn, MergeUndone(revived=2, survivor=1))
        assert {p: (await kept(conn, p)).get("frequency") for p in (1, 2, 3)} == apart


async def test_whatever_is_said_marks_the_profile_in_the_same_transaction(here: Context) -> None:
    """Consents, preferences and the suppression list, one by one and in bulk: the mirror hears of each."""
    async with here.db.transaction() as conn:
        await add_people(conn, *range(1, 9))
        await conn.execute("insert into identity (kind, value, profile_id) select 'email', 'p' || n || '@x.org', n from generate_series(1, 8) n")

    async def marked(act: Any) -> set[int]:
        async with here.db.transaction() as conn:
            await conn.execute("delete from profile_dirty")
        async with here.db.transaction() as conn:
            await act(conn)
            return {row[0] for row in await (await conn.execute("select profile_id from profile_dirty")).fetchall()}

    def listed(*people: int, until: timedelta | None = None) -> list[Suppressed]:
        now = here.clock.now()
        return [
            Suppressed(channel="email", address=f"p{n}@x.org", reason="manual", source="t", at=now, expires_at=now + until if until else None)
            for n in people
        ]  # fmt: skip

    assert await marked(lambda c: record_consents(c, [say("granted", 1, n) for n in (1, 2, 3)])) == {1, 2, 3}
    again = [say("granted", 1, 1), say("withdrawn", 2, 2)]
    assert await marked(lambda c: record_consents(c, again, only_changes=True)) == {2}
    assert await marked(lambda c: withdraw_all(c, 3, "email", at=T0 + timedelta(days=2), source="t", evidence=Evidence())) == {3}
    assert await marked(lambda c: withdraw_all(c, 3, "email", at=T0 + timedelta(days=2), source="t", evidence=Evidence())) == set()
    assert await marked(lambda c: state_preferences(here, c, [word("language", "ru", profile_id=n) for n in (4, 5)])) == {4, 5}
    assert await marked(lambda c: state_preferences(here, c, [word("language", "ru", profile_id=n) for n in (4, 5)])) == set()
    assert await marked(lambda c: suppress(here, c, listed(6, 7))) == {6, 7}
    assert await marked(lambda c: unsuppress(here, c, "email", "p6@x.org")) == {6}
    assert await marked(lambda c: suppress(here, c, listed(8, until=timedelta(hours=1)))) == {8}
    assert await marked(lambda c: run_out(here, c, MOST)) == set()
    here.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    assert await marked(lambda c: run_out(here, c, MOST)) == {8}
