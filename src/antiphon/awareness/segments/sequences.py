"""Sequences: things done in order, with gaps, for everybody and for one person.

For each event that may be step *i* the latest event that may be step *i - 1*, and is early enough, is the best choice:
if that one is too long ago, or something unwanted happened in between, then so it is with every earlier one; and it is
part of the chain that began latest. So one pass a step finds them all. In the lake such a pass is an ASOF join, which
sorts; where only a gap of one kind is asked, and nothing unwanted, it is enough to know whether any event is near, which
the first and last of each stretch of time tell, and hashing does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence as Ordered
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from antiphon.awareness.segments.kinds import Sequence, Step
from antiphon.awareness.segments.measures import named
from antiphon.awareness.segments.person import Happened
from antiphon.awareness.segments.rows import happened
from antiphon.awareness.segments.scans import Tables
from antiphon.awareness.segments.windows import TICK, Span, bounds

_AT = "epoch_us(e.ts)"


@dataclass(frozen=True)
class Link:
    """A step that is done, and what must not follow it: ``soon`` within a time of it, ``never`` until the next link."""

    step: Step
    soon: list[Step] = field(default_factory=list)
    never: list[Step] = field(default_factory=list)


def links(node: Sequence) -> list[Link]:
    """Return the steps that are done, each with the absent ones that follow it."""
    found: list[Link] = []
    for step in node.steps:
        if not step.absent:
            found.append(Link(step))
        elif step.at_most is None:
            found[-1].never.append(step)
        else:
            found[-1].soon.append(step)
    return found


def _micros(span: timedelta) -> int:
    return span // TICK


def sequence_sql(node: Sequence, tables: Tables, now: datetime) -> str:
    """Return the people who did all of it in order.

    Instants are whole microseconds here, which the lake compares and subtracts many times faster than timestamps.
    """
    chain = links(node)
    first, end = bounds(node.window, now)
    asked = _Asked(node, tables, now)
    for i, link in enumerate(chain):
        asked.add(f"s{i}", happened(link.step.name, link.step.where, tables, now, first=first, end=end, ts=_AT))
    asked.add("who", " intersect ".join(f"select profile_id from s{i}" for i in range(len(chain))))
    for i, link in enumerate(chain):
        asked.add(f"r{i}", _reached(i, link, chain, asked))
    last = len(chain) - 1
    tests = [] if node.at_most is None else [f"r.ts - r.began <= {_micros(node.at_most.length)}"]
    after = ""
    if chain[last].never:
        asked.add("n", f"select profile_id, max(ts) as ts from ({_any(chain[last].never, asked)}) group by 1")
        after = " left join n on n.profile_id = r.profile_id"
        tests.append("(n.ts is null or n.ts <= r.ts)")
    where = f" where {' and '.join(tests)}" if tests else ""
    return f"{asked.ctes()} select distinct r.profile_id::uinteger as profile_id from r{last} r{after}{where}"


class _Asked:
    """The parts of a sequence's statement, each worked out once and only if another needs it."""

    def __init__(self, node: Sequence, tables: Tables, now: datetime) -> None:
        self.tables = tables
        self.now = now
        self.whole = node.at_most is not None
        self._parts: dict[str, str] = {}

    def add(self, name: str, sql: str) -> str:
        self._parts[name] = sql
        return name

    def buckets(self, rows: str, width: int) -> str:
        """Return the first and last instant of each person in each stretch of a width: enough to say whether one is near."""
        sql = f"select profile_id, ts // {width} as bucket, min(ts) as first, max(ts) as last from {rows} group by 1, 2"
        return self.add(f"b{len(self._parts)}", sql)

    def ctes(self) -> str:
        used = {name for name in self._parts if name != "who" or any("from who" in sql for sql in self._parts.values())}
        return f"with {', '.join(f'{name} as materialized ({sql})' for name, sql in self._parts.items() if name in used)}"


def _reached(i: int, link: Link, chain: Ordered[Link], asked: _Asked) -> str:
    """Return the events of step ``i`` that end a chain of the steps until it; with when that began, if it matters."""
    rows = f"select e.profile_id, e.ts from s{i} e"
    for step in link.soon:
        rows = _without(rows, step, asked)
    if i == 0:
        return f"select profile_id, ts, ts as began from ({rows})" if asked.whole else rows
    step, never = link.step, chain[i - 1].never
    if not asked.whole and not never:
        if step.at_most is None:
            return _after_any(rows, f"r{i - 1}", step)
        if step.at_least is None or not step.at_least.amount:
            return _soon_after_any(rows, f"r{i - 1}", step.at_most, asked)
    return _after_latest(rows, f"r{i - 1}", step, never, asked)


def _after_any(rows: str, before: str, step: Step) -> str:
    """Return those of ``rows`` that come after some event before them: after the first of these."""
    gap = _micros(step.at_least.length) if step.at_least else 0
    late = f"e.ts - {gap} >= p.ts" if gap else "e.ts > p.ts"
    firsts = f"select profile_id, min(ts) as ts from {before} group by 1"
    return f"select e.profile_id, e.ts from ({rows}) e join ({firsts}) p on e.profile_id = p.profile_id and {late}"


def _soon_after_any(rows: str, before: str, at_most: Span, asked: _Asked) -> str:
    """Return those of ``rows`` that come within a time after some event before them.

    In stretches as long as that time, it is the first of their own stretch, or the last of the one before.
    """
    width = _micros(at_most.length)
    near = asked.buckets(before, width)
    return (
        f"select e.profile_id, e.ts from ({rows}) e "
        f"left join {near} p on p.profile_id = e.profile_id and p.bucket = e.ts // {width} "
        f"left join {near} q on q.profile_id = e.profile_id and q.bucket = e.ts // {width} - 1 "
        f"where p.first < e.ts or q.last >= e.ts - {width}"
    )


def _after_latest(rows: str, before: str, step: Step, never: Ordered[Step], asked: _Asked) -> str:
    """Return those of ``rows`` that may follow the latest event before them that is early enough."""
    gap = _micros(step.at_least.length) if step.at_least else 0
    early = f"e.ts - {gap} >= p.ts" if gap else "e.ts > p.ts"
    began = ", p.began" if asked.whole else ""
    people = f"select * from ({rows}) where profile_id in (select profile_id from who)"
    joined = (
        f"select e.profile_id, e.ts, p.ts as before{began} from ({people}) e "
        f"asof join {before} p on e.profile_id = p.profile_id and {early}"
    )
    if step.at_most is not None:
        joined = f"select * from ({joined}) where ts - before <= {_micros(step.at_most.length)}"
    if never:
        joined = (
            f"select e.* from ({joined}) e asof left join ({_any(never, asked)}) n "
            "on e.profile_id = n.profile_id and e.ts > n.ts where n.ts is null or n.ts <= e.before"
        )
    return f"select profile_id, ts{', began' if asked.whole else ''} from ({joined})"


def _without(rows: str, step: Step, asked: _Asked) -> str:
    """Return those of ``rows`` after which ``step`` was not done in its time, which has passed."""
    width = _micros(step.at_most.length) if step.at_most else 1
    near = asked.buckets(f"({_any([step], asked)})", width)
    return (
        f"select e.profile_id, e.ts from ({rows}) e "
        f"left join {near} p on p.profile_id = e.profile_id and p.bucket = e.ts // {width} "
        f"left join {near} q on q.profile_id = e.profile_id and q.bucket = e.ts // {width} + 1 "
        f"where e.ts <= {_micros(asked.now - _EPOCH) - width} "
        f"and not coalesce(p.last > e.ts, false) and not coalesce(q.first <= e.ts + {width}, false)"
    )


def _any(steps: Ordered[Step], asked: _Asked) -> str:
    """Return the rows of any of some steps, of people who did all that must be done."""
    rows = " union all ".join(happened(step.name, step.where, asked.tables, asked.now, ts=_AT) for step in steps)
    return f"select profile_id, ts from ({rows}) where profile_id in (select profile_id from who)"


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class _Chain:
    """A chain of events: the last of them, the one before, and how it began."""

    event: Happened
    before: "_Chain | None"
    began: datetime

    def events(self) -> list[Happened]:
        found, here = [], self
        while True:
            found.append(here.event)
            if here.before is None:
                return found[::-1]
            here = here.before


def sequence_of(node: Sequence, events: Ordered[Happened], now: datetime) -> list[Happened]:
    """Return events of one person that are the sequence, in order, or none."""
    first, end = bounds(node.window, now)
    reached: list[_Chain] = []
    never: list[datetime] = []
    for i, link in enumerate(links(node)):
        step = link.step
        found = [
            one
            for one in sorted(named(step.name, step.where, events, now), key=lambda one: one.ts)
            if (first is None or one.ts >= first) and (end is None or one.ts < end)
            and all(_clear(one.ts, absent, events, now) for absent in link.soon)
        ]  # fmt: skip
        if i == 0:
            reached = [_Chain(one, None, one.ts) for one in found]
        else:
            times = [one.event.ts for one in reached]
            reached = [chain for one in found if (chain := _next(one, step, reached, times, never)) is not None]
        never = sorted(one.ts for absent in link.never for one in named(absent.name, absent.where, events, now))
    for one in reversed(reached):
        after = bisect_right(never, one.event.ts) < len(never)
        if not after and (node.at_most is None or one.event.ts - one.began <= node.at_most.length):
            return one.events()
    return []


def _clear(at: datetime, absent: Step, events: Ordered[Happened], now: datetime) -> bool:
    """Whether ``absent`` was not done in its time after ``at``, and that time has passed."""
    until = at + (absent.at_most.length if absent.at_most else timedelta())
    return until <= now and not any(at < one.ts <= until for one in named(absent.name, absent.where, events, now))


def _next(
    one: Happened, step: Step, reached: Ordered[_Chain], times: Ordered[datetime], never: Ordered[datetime]
) -> _Chain | None:
    """Return the chain that ``one`` ends, if it may follow the latest that is early enough."""
    gap = step.at_least.length if step.at_least else timedelta()
    place = bisect_right(times, one.ts - gap) if gap else bisect_left(times, one.ts)
    if place == 0:
        return None
    before = reached[place - 1]
    if step.at_most is not None and one.ts - before.event.ts > step.at_most.length:
        return None
    if bisect_left(never, one.ts) > bisect_right(never, before.event.ts):
        return None
    return _Chain(one, before, before.began)
