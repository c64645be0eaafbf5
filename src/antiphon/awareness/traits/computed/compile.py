"""A definition as lake SQL: events become tallies, the same way for all of history and for the events of a second."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from antiphon.awareness.events.properties import Properties, filter_sql, literal, pointer
from antiphon.awareness.traits.computed.model import LONGEST_VALUE, Affinity, AffinitySource, Definition, Measured, sources_of

COLUMNS = ("profile_id", "day", "item", "count", "number", "weight", "key", "said")
READ = ("profile_id", "ts", "name", "message_id", "properties")
"""What a relation of events must have to be counted."""
_CARRIED = "profile_id, ts, message_id"
_KEY = "format('{:016d} ', epoch_us(ts)) || coalesce(message_id, '')"  # sorts like (time, messageId)
_UTC_DAY = "(ts at time zone 'UTC')::date"
_TIME = (
    "'\"' || case when microsecond(ts) % 1000000 = 0 then strftime(ts at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') "
    "else strftime(ts at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') end || '\"'"
)


def window_start(definition: Definition, today: date) -> date | None:
    """The first UTC day that counts, or None for all time."""
    days = definition.days if isinstance(definition, Measured) else None
    return None if days is None else today - timedelta(days=days - 1)


def tally_sql(definition: Definition, relation: str, today: date, anchor: date) -> str:
    """A select of COLUMNS: the events of a relation of READ, added up by person, day and item."""
    if isinstance(definition, Affinity):
        parts = [_weighed(source, definition, relation, anchor) for source in definition.sources]
        rows = " union all ".join(parts)
        return (
            "select profile_id, '-infinity' as day, item, sum(count)::bigint as count, null::varchar as number, "
            f"sum(weight)::double as weight, null::varchar as key, null::varchar as said from ({rows}) group by profile_id, item"
        )
    return _measured(definition, relation, window_start(definition, today))


def _weighed(source: AffinitySource, definition: Affinity, relation: str, anchor: date) -> str:
    rows, properties, path = _rows(source, relation, None)
    item = properties.plain(path)
    age = f"date_diff('day', date {literal(anchor.isoformat())}, {_UTC_DAY})"
    weight = f"sum({float(source.weight)!r}::double * pow(2.0, {age} / {definition.half_life_days}.0))"
    read = _read(properties, rows)
    return (
        f"select profile_id, {item} as item, count(*) as count, {weight} as weight from {read} "
        f"where {_kept(source, properties, path)} and {_short(item)} group by 1, 2"
    )


def _measured(definition: Measured, relation: str, since: date | None) -> str:
    (source,) = sources_of(definition)
    rows, properties, path = _rows(source, relation, since)
    keep = _kept(source, properties, path)
    item, number, key, said = "''", "null", "null", "null"
    match definition.measure:
        case "count":
            pass
        case "sum" | "average" | "least" | "greatest":
            column = properties.number(path)
            keep += f" and {column} is not null"
            number = {"least": "min", "greatest": "max"}.get(definition.measure, "sum") + f"({column})"
        case "first" | "last":
            way, end = ("arg_min", "min") if definition.measure == "first" else ("arg_max", "max")
            value = _TIME
            if path:
                value = properties.json(path)
                keep += f" and {value} <> 'null' and {value}[1] not in ('{{', '[') and length({value}) <= {LONGEST_VALUE}"
            key, said = f"{end}({_KEY})", f"{way}({value}, {_KEY})"
        case "distinct" | "most_frequent":
            item = properties.plain(path)
            keep += f" and {_short(item)}"
            key = f"max({_KEY})" if definition.measure == "most_frequent" else "null"
    day = "'-infinity'" if since is None else f"{_UTC_DAY}::varchar"
    return (
        f"select profile_id, {day} as day, {item} as item, count(*)::bigint as count, ({number})::varchar as number, "
        f"null::double as weight, ({key})::varchar as key, ({said})::varchar as said "
        f"from {_read(properties, rows)} where {keep} group by 1, 2, 3"
    )


def _short(item: str) -> str:
    return f"{item} is not null and length({item}) between 1 and {LONGEST_VALUE}"


def _rows(source: AffinitySource, relation: str, since: date | None) -> tuple[str, Properties, str]:
    """The events of a source; what reads their properties; and the path of the property that counts.

    Where the path goes through the items of a list, each item is a row, and its rest is the path.
    """
    narrowed = [f"name = {literal(source.event)}", "profile_id is not null"]
    if since is not None:
        narrowed.append(f"ts >= {literal(datetime(since.year, since.month, since.day, tzinfo=UTC))}")
    rows = f"select {_CARRIED}, properties from {relation} where {' and '.join(narrowed)}"
    before, star, after = f".{source.property}.".partition(".*.")
    if not star:
        return rows, Properties(), source.property
    filters = Properties()
    where = " and ".join(filter_sql(one, filters) for one in source.where) or "true"
    found = f"json_extract(properties, {literal(pointer(before[1:]))})"
    rows = (
        f"select {_CARRIED}, '{{\"v\":' || unnest(case when json_type({found}) = 'ARRAY' then from_json({found}, '[\"JSON\"]') "
        f"else [] end)::varchar || '}}' as properties from {_read(filters, rows, 'properties')} where {where}"
    )
    return rows, Properties(), ("v." + after).strip(".")


def _kept(source: AffinitySource, properties: Properties, path: str) -> str:
    if path != source.property:
        return "true"  # asked already, before the list was taken apart
    return " and ".join(filter_sql(one, properties) for one in source.where) or "true"


def _read(properties: Properties, rows: str, more: str = "") -> str:
    """The rows with the columns the properties asked for."""
    return properties.select(rows, _CARRIED + (f", {more}" if more else ""))
