"""Metrics as one question for the lake: for each arm, and each group of people, the moments of every metric. Pure.

Who was exposed stands beside their events once; each event name is scanned once for all metrics that count it; and only counts,
means, variances and covariances come back. People are who they are now: exposures and events of those merged into somebody are
theirs, and the first exposure counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

import msgspec

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.decisioning.experiments.metrics import ConversionMetric, CountMetric, MeanMetric, Metric, SumMetric
from antiphon.decisioning.experiments.statistics import Moments

TOP = 20
"""Groups shown apart; the others are put together."""
EXPOSURES = "postgres_query('pg', 'select profile_id, arm, exposed_at from experiment_exposure where experiment_id = {id}')"
ALIASES = "postgres_query('pg', 'select from_id, to_id from alias')"
_MOMENTS = 9


class Grouping(msgspec.Struct, frozen=True):
    """Apart by what: a column of the profile's mirror, or whether people are in the table `inside` (`ids`)."""

    column: str | None = None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Of one arm: how many were exposed, how many of them in several arms by a merge, and each metric's moments."""

    people: int
    crossed: int
    first: datetime | None
    last: datetime | None
    metrics: tuple[Moments, ...]


class Steps(msgspec.Struct, frozen=True):
    """Apart by when people came: steps of so many microseconds from an instant on."""

    start: datetime
    micros: int


def question(
    metrics: Sequence[Metric], source: str, *, since: datetime, now: datetime, grouping: Grouping | None = None,
    strata: bool = False, steps: Steps | None = None,
) -> str:  # fmt: skip
    """The question. `source` is a relation of (profile_id, arm, exposed_at), none of them before `since`.

    With `strata` also by the number of each one's stratum in the table `strata` (`id`, `n`), that of the first exposure; those
    who are in none are stratum -1. With `steps` by when people came, too.
    """
    names: dict[str, list[int]] = {}
    for n, metric in enumerate(metrics):
        names.setdefault(metric.event, []).append(n)
    stratum, dealt = "", ""
    if strata:
        stratum = "arg_min(coalesce(t.n, -1), s.exposed_at) as stratum, "
        dealt = " left join strata t on t.id = s.profile_id"
    exposed = (
        "select coalesce(m.to_id, s.profile_id) as person, arg_min(s.arm, s.exposed_at) as arm, min(s.exposed_at) as seen, "
        f"{stratum}min(s.arm) <> max(s.arm) as crossed from {source} s left join moved m on m.from_id = s.profile_id{dealt} "
        "group by 1"
    )
    parts = [f"moved as materialized (select from_id, to_id from {ALIASES})", f"exposed as materialized ({exposed})"]
    for k, (name, some) in enumerate(names.items()):
        parts.append(f"e{k} as ({_events(name, [(n, metrics[n]) for n in some], since)})")
    place = {n: k for k, some in enumerate(names.values()) for n in some}
    said = "".join(f", {one}" for n, metric in enumerate(metrics) for one in _values(n, metric, f"e{place[n]}", now))
    joins = "".join(f" left join e{k} on e{k}.person = x.person" for k in range(len(names)))
    group, grouped = "null::varchar", ""
    if grouping is not None:
        top = f"select said from apart where said is not null group by 1 order by count(*) desc, 1 limit {TOP}"
        parts += [f"apart as ({_apart(grouping)})", f"top as ({top})"]
        group = "case when p.said is null then '' when p.said in (select said from top) then '=' || p.said else '*' end"
        grouped = " left join apart p on p.person = x.person"
    step = "null::bigint"
    if steps is not None:
        began = f"epoch_us({literal(steps.start)}::timestamptz)"
        step = f"((epoch_us(x.seen) - {began}) // {steps.micros})::bigint"
    layer = "x.stratum" if strata else "null::bigint"
    parts.append(
        f"valued as (select x.arm, x.seen, x.crossed, {group} as part, {layer} as stratum, {step} as step{said} "
        f"from exposed x{joins}{grouped})"
    )
    moments = "".join(f", {_moments(n, metric)}" for n, metric in enumerate(metrics))
    sets = ["(arm)"] + (["(arm, part)"] if grouping is not None else []) + (["(arm, stratum)"] if strata else [])
    if steps is not None:
        sets = ["(arm, step, stratum)"]
    apart = "grouping(part) = 0" if grouping is not None and steps is None else "false"
    layered = "true" if steps is not None else "grouping(stratum) = 0" if strata else "false"
    return (
        f"with {', '.join(parts)} select arm, {apart} as apart, any_value(part) as part, {layered} as layered, "
        f"any_value(stratum), any_value(step), count(*), count(*) filter (where crossed), min(seen), max(seen){moments} "
        f"from valued group by grouping sets ({', '.join(sets)}) order by arm, apart, part"
    )


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the answer: of everybody in an arm, or of a group (``part``), or of a ``stratum``, and when they came."""

    arm: int
    part: str | None
    stratum: int | None
    step: int | None
    counted: Counted


def read_rows(rows: Sequence[Sequence[Any]], metrics: Sequence[Metric]) -> list[Row]:
    """The answer as it came."""
    found = []
    for arm, apart, part, layered, stratum, step, people, crossed, first, last, *numbers in rows:
        each = [numbers[n * _MOMENTS : (n + 1) * _MOMENTS] for n in range(len(metrics))]
        counted = Counted(people=people, crossed=crossed, first=first, last=last, metrics=tuple(_read(one) for one in each))
        layer = (-1 if stratum is None else stratum) if layered else None
        found.append(Row(arm=arm, part=part if apart else None, stratum=layer, step=step, counted=counted))
    return found


def answers_of(rows: Sequence[Row]) -> dict[str | None, dict[int, Counted]]:
    """By group (None for everybody, '=value', '' for no value, '*' for the other values) and arm."""
    found: dict[str | None, dict[int, Counted]] = {}
    for row in rows:
        if row.stratum is None:
            found.setdefault(row.part, {})[row.arm] = row.counted
    return found


def strata_of(rows: Sequence[Row]) -> list[dict[int, Counted]]:
    """Each stratum's arms."""
    found: dict[int, dict[int, Counted]] = {}
    for row in rows:
        if row.stratum is not None:
            found.setdefault(row.stratum, {})[row.arm] = row.counted
    return [found[stratum] for stratum in sorted(found)]


def earliest(metrics: Sequence[Metric], first: datetime) -> datetime:
    """The first instant whose events matter, for people exposed from `first` on."""
    return first - max((metric.before for metric in metrics), default=timedelta(0))


def _events(name: str, some: Sequence[tuple[int, Metric]], since: datetime) -> str:
    """What the events of one name come to for each person, for all metrics that count them."""
    properties, columns = Properties(), []
    for n, metric in some:
        tests = [filter_sql(one, properties) for one in metric.where]
        after = " and ".join(["e.ts >= x.seen", f"e.ts < x.seen + interval {metric.within_hours} hour", *tests])
        before = " and ".join(["e.ts < x.seen", f"e.ts >= x.seen - interval {24 * metric.before_days} hour", *tests])
        columns += [f"{sql} as {name_}" for name_, sql in _measures(n, metric, after, "y", "d", properties)]
        if metric.before_days:
            columns += [f"{sql} as {name_}" for name_, sql in _measures(n, metric, before, "x", "", properties)]
    reach = max(metric.within_hours for _, metric in some)
    back = 24 * max(metric.before_days for _, metric in some)
    wanted = ["profile_id", "ts"] + (["properties"] if properties.paths else [])
    rows = f"select {', '.join(wanted)} from {event_relation(wanted, names=[name], since=since)} where profile_id is not null"
    return (
        f"select x.person, {', '.join(columns)} from {properties.select(rows)} e left join moved m on m.from_id = e.profile_id "
        f"join exposed x on x.person = coalesce(m.to_id, e.profile_id) and e.ts < x.seen + interval {reach} hour "
        f"and e.ts >= x.seen - interval {back} hour group by 1"
    )


def _measures(n: int, metric: Metric, keep: str, value: str, under: str, properties: Properties) -> list[tuple[str, str]]:
    """The columns of one metric's value, and of its denominator where it has one."""
    only = f"filter (where {keep})"
    match metric:
        case ConversionMetric():
            return [(f"{value}{n}", f"(count(*) {only} > 0)::int::double")]
        case CountMetric():
            return [(f"{value}{n}", f"(count(*) {only})::double")]
        case SumMetric():
            return [(f"{value}{n}", f"coalesce(sum({properties.number(metric.property)}) {only}, 0)::double")]
        case MeanMetric():
            number = properties.number(metric.property)
            total, many = f"coalesce(sum({number}) {only}, 0)::double", f"(count({number}) {only})::double"
            return [(f"{value}{n}", total), (f"{under}{n}", many)]
        case _:
            assert_never(metric)


def _values(n: int, metric: Metric, events: str, now: datetime) -> list[str]:
    """A metric's columns for every person whose window has closed; null for the others."""
    closed = f"x.seen + interval {metric.within_hours} hour <= {literal(now)}"

    def of(column: str) -> str:
        return f"case when {closed} then coalesce({events}.{column}{n}, 0) end as {column}{n}"

    return [of("y")] + ([of("x")] if metric.before_days else []) + ([of("d")] if isinstance(metric, MeanMetric) else [])


def _moments(n: int, metric: Metric) -> str:
    y, x, d = f"y{n}", f"x{n}", f"d{n}"
    before = f"avg({x}), var_samp({x}), covar_samp({y}, {x})" if metric.before_days else "0, 0, 0"
    under = f"avg({d}), var_samp({d}), covar_samp({y}, {d})" if isinstance(metric, MeanMetric) else "1, 0, 0"
    return f"count({y}), avg({y}), var_samp({y}), {before}, {under}"


def _apart(grouping: Grouping) -> str:
    if grouping.column is None:
        return (
            "select x.person, case when i.id is null then 'out' else 'in' end as said from exposed x "
            "left join inside i on i.id = x.person"
        )
    column = '"' + grouping.column.replace('"', '""') + '"'
    return f"select x.person, p.{column}::varchar as said from exposed x join lake.profile p on p.profile_id = x.person"


def _read(numbers: Sequence[Any]) -> Moments:
    people, *rest = numbers
    if not people:
        return Moments(people=0)
    names = ("mean", "variance", "before", "before_variance", "covariance", "under", "under_variance", "under_covariance")
    return Moments(people=people, **{name: float(one or 0) for name, one in zip(names, rest, strict=True)})


Answers = Mapping[str | None, Mapping[int, Counted]]
