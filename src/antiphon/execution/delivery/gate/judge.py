"""Judging a set by the rules: pure, a whole set at once.

Refusals are asked for in a fixed order and the first one counts; then when each may be said where its customer is; then,
of those left, whom a cap has room for, in the order they were handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.execution.delivery.gate.caps import rooms_left
from antiphon.execution.delivery.gate.look import Contacts, Facts, Ints, span
from antiphon.execution.delivery.gate.quiet import Hours, Window, disturbs, grain, instant_of, minutes, next_allowed
from antiphon.execution.delivery.model import Dispatch, Intents
from antiphon.execution.delivery.rules.model import CAPPED, OWN_FREQUENCY, QUIET, Cap, Rules, kind_like
from antiphon.foundation.postgres.binary import from_micros, micros

Bools = NDArray[np.bool_]
BLOCKED = ("", "suppressed_hard_bounce", "suppressed_complaint", "suppressed_manual")
_LISTED = ("hard_bounce", "complaint", "manual")
_ZONES = frozenset(available_timezones() - {"localtime"})


class Judged:
    """What was decided, one place for each intent: why it is refused, if it is, when it is due, and when it is too late.

    ``moved`` are those that wait for quiet hours to end.
    """

    def __init__(self, due: Ints, expires: Ints) -> None:
        self.due = due
        self.expires = expires
        self.moved: Bools = np.zeros(len(due), dtype=np.bool_)
        self._code = np.zeros(len(due), dtype=np.int16)
        self._names: list[str | None] = [None]

    @property
    def passed(self) -> Bools:
        """Those that may be said."""
        found: Bools = self._code == 0
        return found

    def may(self, place: int) -> bool:
        """Whether nothing refused it yet."""
        return not self._code[place]

    def refuse(self, where: Bools, reason: str) -> None:
        """Refuse those that nothing else refused yet."""
        self._code[where & self.passed] = self._numbered(reason)

    def refuse_one(self, place: int, reason: str) -> None:
        """Refuse one, whatever was said of it before."""
        self._code[place] = self._numbered(reason)

    def _numbered(self, reason: str) -> int:
        if reason not in self._names:
            self._names.append(reason)
        return self._names.index(reason)

    def named(self, names: Mapping[str | None, str | None] | None = None) -> list[str | None]:
        """Each one's reason, or what ``names`` calls it instead."""
        called = self._names if names is None else [names.get(name, name) for name in self._names]
        return [called[code] for code in self._code.tolist()]

    def coded(self, names: Mapping[str | None, str | None] | None = None) -> tuple[list[str | None], Ints]:
        """As `named`, but each different name once, and which of them is whose."""
        return [name if names is None else names.get(name, name) for name in self._names], self._code.astype(np.int64)

    def counts(self) -> dict[str | None, int]:
        """How many were refused for which reason; None counts those that passed."""
        found = np.bincount(self._code, minlength=len(self._names)).tolist()
        return {name: count for name, count in zip(self._names, found, strict=True) if count}


@dataclass(slots=True, frozen=True)
class Cut:
    """One limit as it applies to a set: at most ``most`` within ``length`` microseconds, of these kinds.

    ``lengths`` instead tells it by place (what people ask for themselves); where it is 0 the limit does not apply.
    """

    reason: str
    most: int
    kinds: Sequence[int]
    length: int = 0
    lengths: Ints | None = None


def judge(
    rules: Rules,
    dispatch: Dispatch,
    intents: Intents,
    facts: Facts,
    *,
    now: datetime | Ints,
    secret_holdout: Callable[[Ints], Bools] | None = None,
    again: bool = False,
    expires: Ints | None = None,
) -> Judged:
    """Everything but caps. ``now``: the same for all, or in a rehearsal each one's own, as ``expires``, when each is too late.
    ``again``: just before speaking, when what was excluded at the gate is not asked any more."""
    ids = np.asarray(intents.profile_ids, dtype=np.int64)
    due, wanted = _due(rules, intents, facts, now if isinstance(now, np.ndarray) else np.full(len(ids), micros(now)))
    if expires is None:
        lifetime = span(dispatch.rules.lifetime)
        expires = np.full(len(ids), micros(intents.expires_at)) if intents.expires_at else wanted + lifetime
    judged = Judged(due, expires)
    everybody = np.ones(len(ids), dtype=np.bool_)
    refuse = judged.refuse
    if (facts.state or dispatch.state) == "cancelled":
        refuse(everybody, "campaign_cancelled")
        return judged
    if not rules.suits(dispatch):
        refuse(everybody, "unsuitable_channel")
        return judged
    if len(intents.excluded):
        refuse(np.isin(ids, np.asarray(intents.excluded, dtype=np.int64)), "excluded")
    refuse(facts.reach == 0, "no_such_customer")
    refuse(facts.reach == 1, "no_address")
    if not again:
        refuse(facts.reach == 2, "invalid_address")
    for code, name in enumerate(_LISTED, 1):
        if name in dispatch.rules.obeys:
            refuse(facts.blocked == code, BLOCKED[code])
    if dispatch.rules.needs_consent:
        refuse(facts.consent == 0, "no_consent")
        refuse(facts.consent == 2, "consent_pending")
        refuse(facts.consent == 3, "consent_withdrawn")
        _pauses(judged, facts)
    if not again:
        _duplicates(judged, dispatch, intents, facts)
    if len(intents.held_out):
        refuse(np.isin(ids, np.asarray(intents.held_out, dtype=np.int64)), "holdout")
    if secret_holdout is not None and dispatch.rules.needs_consent:
        refuse(secret_holdout(facts.person), "holdout")
    if dispatch.rules.needs_consent:
        _preferred(judged, dispatch, facts)
    refuse(judged.due > judged.expires, "too_late")
    if dispatch.message_class in QUIET:
        _quieten(rules, dispatch, judged, facts)
    return judged


def _due(rules: Rules, intents: Intents, facts: Facts, now: Ints) -> tuple[Ints, Ints]:
    """(when each is due, when it was wanted): its own wall time, or the time that was asked for, but not before now."""
    count = len(intents.profile_ids)
    if intents.local_at is None:
        wanted = now if intents.due_at is None else np.maximum(micros(intents.due_at), now)
        return wanted.copy(), wanted
    wall, known = intents.local_at, dict[str, int]()
    wanted = np.empty(count, dtype=np.int64)
    for place in range(count):
        zone = _zone(rules, facts, place)
        if zone.key not in known:
            known[zone.key] = micros(instant_of(wall, zone))
        wanted[place] = known[zone.key]
    return np.maximum(wanted, now), wanted


def _zone(rules: Rules, facts: Facts, place: int) -> ZoneInfo:
    """A customer's clock: the one they named with their quiet hours, else the trait's, else the installation's."""
    own = facts.quiet.get(place)
    if own is not None and (stated := own_hours(own)) is not None:
        return stated[1]
    name = facts.zone[place] if facts.zone else None
    return ZoneInfo(name) if name in _ZONES and name else rules.zone


def own_hours(text: str) -> tuple[Hours, ZoneInfo] | None:
    """Quiet hours as a customer stated them; None when they cannot be read."""
    try:
        stated: Mapping[str, str] = msgspec.json.decode(text, type=dict[str, str])
        return Hours(minutes(stated["from"]), minutes(stated["to"])), ZoneInfo(stated["zone"])
    except (msgspec.DecodeError, KeyError, ValueError, OSError):
        return None


def _pauses(judged: Judged, facts: Facts) -> None:
    for place, until in facts.paused.items():
        if judged.may(place) and micros(datetime.fromisoformat(until)) > judged.due[place]:
            judged.refuse_one(place, "paused_by_customer")


def _duplicates(judged: Judged, dispatch: Dispatch, intents: Intents, facts: Facts) -> None:
    """One message of a campaign for each address: nobody else has a customer's, so it is one for each person. Intents that
    suffixes tell apart are meant to be several."""
    if dispatch.campaign_id is None:
        return
    single = np.array([not suffix for suffix in intents.suffixes], dtype=np.bool_) if intents.suffixes else None
    judged.refuse(facts.twice if single is None else facts.twice & single, "duplicate_address")
    whose: Sequence[Any] = intents.addresses or facts.person.tolist()
    if len(set(whose)) == len(whose):
        return
    seen: set[Any] = set()
    for place, one in enumerate(whose):
        if judged.may(place) and (single is None or single[place]):
            if one in seen:
                judged.refuse_one(place, "duplicate_address")
            seen.add(one)


def _preferred(judged: Judged, dispatch: Dispatch, facts: Facts) -> None:
    """Where a later hop speaks the channel the customer likes best, this one leaves it to that hop."""
    later = {hop.channel for hop in dispatch.hops} - {dispatch.channel}
    for place, channel in facts.channel.items():
        if channel in later and judged.may(place):
            judged.refuse_one(place, "prefers_other_channel")


def _quieten(rules: Rules, dispatch: Dispatch, judged: Judged, facts: Facts) -> None:
    """Move what is due in quiet hours to their end, once for each clock and hours there are."""
    common, windows = rules.quiet.get(dispatch.message_class), rules.windows.get(dispatch.message_class, ())
    own = facts.quiet if dispatch.message_class != "transactional" else {}
    zones = facts.zone or [None] * len(judged.due)
    places: Iterable[int] = own
    if common or windows:
        places = sorted({*own, *_disturbed(rules, zones, judged.due, common, windows)})
    known: dict[tuple[str | None, str | None, int], int | None] = {}
    due, one_due, like = judged.due, judged.due.tolist(), grain(common, windows)
    for place in places:
        stated, at = own.get(place), one_due[place]
        key = (zones[place], stated, at if stated is not None else at // like * like)
        if key not in known:
            known[key] = _allowed(rules, key, common, windows)
        allowed = known[key]
        if allowed == at or not judged.may(place):
            continue
        if allowed is None or allowed > judged.expires[place]:
            judged.refuse_one(place, "quiet_too_long")
        else:
            due[place], judged.moved[place] = allowed, True


def _disturbed(
    rules: Rules, zones: Sequence[str | None], due: Ints, common: Hours | None, windows: Sequence[Window]
) -> list[int]:
    """The places at which it is quiet by the hours for everybody, or no window is open."""
    numbers = {name: n for n, name in enumerate(set(zones))}
    number = np.fromiter(map(numbers.__getitem__, zones), dtype=np.int64, count=len(due))
    found = np.zeros(len(due), dtype=np.bool_)
    for name, one in numbers.items():
        mine = np.flatnonzero(number == one)
        found[mine] = disturbs(due[mine], ZoneInfo(name) if name in _ZONES and name else rules.zone, common, windows)
    return np.flatnonzero(found).tolist()


def _allowed(rules: Rules, key: tuple[str | None, str | None, int], common: Hours | None, windows: Sequence[Any]) -> int | None:
    name, own, due = key
    stated = own_hours(own) if own is not None else None
    zone = stated[1] if stated else ZoneInfo(name) if name in _ZONES and name else rules.zone
    found = next_allowed(from_micros(due), zone, stated[0] if stated else common, windows)
    return None if found is None else micros(found)


def cuts(rules: Rules, dispatch: Dispatch, facts: Facts) -> list[Cut]:
    """The limits a set falls under: the installation's caps, and what its people ask for themselves."""
    found: list[Cut] = []
    if dispatch.message_class not in CAPPED:
        return found
    caps: list[Cap] = rules.caps_of(kind_like(dispatch))
    found += [Cut("frequency_cap", cap.most, rules.counted_by(cap), cap.seconds * 1_000_000) for cap in caps]
    stated = {place: OWN_FREQUENCY[f] for place, f in facts.frequency.items() if f in OWN_FREQUENCY}
    if stated and dispatch.message_class == "marketing":
        lengths = np.zeros(len(facts.person), dtype=np.int64)
        for place, length in stated.items():
            lengths[place] = span(length)
        found.append(Cut("customer_frequency", 1, rules.marketing, lengths=lengths))
    return found


def reach_of(limits: Sequence[Cut], count: int) -> Ints:
    """How far back, in microseconds, contacts matter at each place."""
    back = np.zeros(count, dtype=np.int64)
    for cut in limits:
        np.maximum(back, cut.length if cut.lengths is None else cut.lengths, out=back)
    return back


def room_in(limits: Sequence[Cut], judged: Judged, known: Contacts) -> tuple[Ints, Ints]:
    """(how many more each place has room for, the place in ``limits`` of what leaves it the least)."""
    room = np.full(len(judged.due), np.iinfo(np.int64).max, dtype=np.int64)
    which = np.zeros(len(judged.due), dtype=np.int64)
    for number, cut in enumerate(limits):
        mine = np.isin(known.kind, np.asarray(cut.kinds, dtype=np.int64))
        lengths: Ints | int = cut.length if cut.lengths is None else cut.lengths
        left = rooms_left(known.owner[mine], known.at[mine], judged.due, lengths, cut.most)
        tighter = left < room
        if cut.lengths is not None:
            tighter &= cut.lengths > 0
        room[tighter], which[tighter] = left[tighter], number
    return room, which


def ranks(person: Ints, passed: Bools) -> Ints:
    """The how-many-eth of their person's in this set each is, among those that passed."""
    rank = np.ones(len(person), dtype=np.int64)
    places = np.flatnonzero(passed)
    if len(np.unique(person[places])) == len(places):
        return rank
    seen: dict[int, int] = {}
    for place in places.tolist():
        one = int(person[place])
        rank[place] = seen[one] = seen.get(one, 0) + 1
    return rank


