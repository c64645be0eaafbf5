"""An import map as lake SQL: each cell a JSON text, each broken rule a reason. Rows come as text columns and a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import phonenumbers

from antiphon.awareness.imports.model import Cell, CellType, ImportMap, cell, columns_of

CHUNK = 50_000
ROW = "antiphon_row"
"""The column that numbers the rows of a staged file."""
_NUMBER = r"[+-]?([0-9]{1,27}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?"
_INTEGER = r"[+-]?[0-9]{1,18}(\.0*)?"
_OFFSET = r".*[0-9]([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$"
_TRUE = "('true', 't', 'yes', 'y', '1', 'on')"
_FALSE = "('false', 'f', 'no', 'n', '0', 'off')"
# Conservative forms of identities that are normal already, or after trimming and lowering: anything else is looked at
# one by one by `profiles.normal_identity`, whose answer these must equal (a property test).
_PLAIN_EMAIL = r"[a-z0-9_+%-]+(\.[a-z0-9_+%-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
_PLAIN_PHONE = r"\+[1-9][0-9]{7,14}"
_PLAIN_OTHER = r"[A-Za-z0-9][A-Za-z0-9_.:-]{2,99}"
_CODES = ", ".join(f"'{code}'" for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


class Typed(NamedTuple):
    """A cell as SQL: its value as JSON text, or null; and the reason a row is refused for it, or null."""

    json: str
    reason: str


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def column(found: str) -> str:
    """A column of the file, quoted."""
    return '"' + found.replace('"', '""') + '"'


def name(found: str) -> str:
    """A column of the file, as text without blanks around it; null when empty."""
    return f"nullif(trim({column(found)}), '')"


def raw(one: Cell) -> str:
    """The cell's text before it is typed."""
    if one.value is not None:
        shown = one.value if isinstance(one.value, str) else msgspec.json.encode(one.value).decode()
        return literal(shown)
    if one.times:
        factors = " * ".join(f"try_cast({name(c)} as decimal(18, 6))" for c in one.times)
        return f"({factors})::varchar"
    text = name(one.column or "")
    if one.starting or one.otherwise is not None:
        cases = " ".join(f"when starts_with({text}, {literal(begin)}) then {literal(then)}" for begin, then in one.starting.items())
        other = literal(one.otherwise) if one.otherwise is not None else text
        return f"case {cases} else {other} end" if cases else other
    return text


def decimal_text(number: str) -> str:
    """A decimal as the shortest JSON number that equals it."""
    return f"regexp_replace(({number})::varchar, '\\.?0+$', '')"


def number_of(text: str) -> str:
    return f"try_cast({text} as decimal(38, 10))"


def instant_of(one: Cell, text: str) -> str:
    """A cell as a timestamptz."""
    if one.format:
        return f"timezone({literal(one.zone)}, try_strptime({text}, {literal(one.format)}))"
    return (
        f"case when regexp_full_match({text}, {literal(_OFFSET)}) then try_cast({text} as timestamptz) "
        f"else timezone({literal(one.zone)}, try_cast({text} as timestamp)) end"
    )


def instant_json(instant: str) -> str:
    return f"strftime(timezone('UTC', {instant}), '\"%Y-%m-%dT%H:%M:%S.%fZ\"')"


def typed(one: Cell, kind: CellType) -> Typed:
    """A cell as JSON of its type. Values that are no such thing give null, and a reason."""
    text = raw(one)
    where = one.column or "+".join(one.times) or "value"
    words = {"integer": "a whole number", "number": "a number", "boolean": "yes or no", "date": "a date", "instant": "a date and time"}
    match kind:
        case "text":
            return Typed(f"to_json({text})::varchar", "null")
        case "integer":
            value = f"case when regexp_full_match({text}, {literal(_INTEGER)}) then try_cast(try_cast({text} as decimal(38, 10)) as bigint)::varchar end"
        case "number":
            value = f"case when regexp_full_match({text}, {literal(_NUMBER)}) then {decimal_text(number_of(text))} end"
        case "boolean":
            value = f"case when lower({text}) in {_TRUE} then 'true' when lower({text}) in {_FALSE} then 'false' end"
        case "date":
            found = f"try_strptime({text}, {literal(one.format)})" if one.format else f"try_cast({text} as date)"
            value = f"strftime({found}, '\"%Y-%m-%d\"')"
        case "instant":
            value = instant_json(instant_of(one, text))
        case "text_list":
            return Typed(f"to_json(string_split_regex({text}, '\\s*[;,|]\\s*'))::varchar", "null")
    shown = f"{literal(where + ': not ' + words[kind] + ': ')} || left({text}, 60)"
    return Typed(value, f"case when {text} is not null and ({value}) is null then {shown} end")


def json_object(parts: Mapping[str, str], *, keep_null: bool = False) -> str:
    """A JSON object of these JSON texts, without those that are null."""
    if not parts:
        return "'{}'"
    pairs = (
        literal(msgspec.json.encode(key).decode() + ":") + " || " + (f"coalesce({value}, 'null')" if keep_null else value)
        for key, value in parts.items()
    )
    return "'{' || concat_ws(',', " + ", ".join(pairs) + ") || '}'"


def plain_identity(kind: str, text: str) -> str:
    """The normal form of an identity where it is plain to see; null where it must be looked at."""
    match kind:
        case "email":
            lowered = f"lower({text})"
            fine = f"regexp_full_match({lowered}, {literal(_PLAIN_EMAIL)}) and length({lowered}) <= 254 and instr({lowered}, '@') <= 64"
            return f"case when {fine} then {lowered} end"
        case "phone":
            codes = " or ".join(f"substr({text}, 2, {length}) in ({_CODES})" for length in (1, 2, 3))
            return f"case when regexp_full_match({text}, {literal(_PLAIN_PHONE)}) and ({codes}) then {text} end"
        case _:
            return f"case when regexp_full_match({text}, {literal(_PLAIN_OTHER)}) and regexp_matches({text}, '[1-9]') then {text} end"


def identities(imported: ImportMap) -> tuple[str, list[str]]:
    """(a list of {kind, raw, value} structs, the reasons)."""
    parts, reasons = [], []
    for kind, source in imported.identities.items():
        one = cell(source)
        text = raw(one)
        if one.type == "integer":
            found = typed(one, "integer")
            text, reason = found.json, found.reason
            reasons.append(reason)
        parts.append(f"{{'kind': {literal(kind)}, 'raw': {text}, 'value': {plain_identity(kind, text)}}}")
    if not parts:
        return "[]::struct(kind varchar, raw varchar, value varchar)[]", reasons
    return f"list_filter([{', '.join(parts)}], lambda x: x.raw is not null)", reasons


def broken_text(imported: ImportMap) -> str:
    """The reason of rows with bytes that are not of the file's encoding."""
    checks = " or ".join(f"contains({column(c)}, chr(65533))" for c in columns_of(imported)) or "false"
    return f"case when {checks} then {literal('bytes that are not ' + imported.encoding)} end"


def first_reason(reasons: list[str]) -> str:
    return f"coalesce({', '.join([*reasons, 'null'])})"


def customers_select(imported: ImportMap, types: Mapping[str, CellType], source: str) -> str:
    """Rows as (n, reason, traits, ids)."""
    found = {key: typed(cell(one), types[f"traits.{key}"]) for key, one in imported.traits.items()}
    ids, reasons = identities(imported)
    reasons = [broken_text(imported), *reasons, *(one.reason for one in found.values() if one.reason != "null")]
    traits = json_object({key: one.json for key, one in found.items()}, keep_null=imported.empty == "remove")
    return (
        f"select {ROW} as n, {first_reason(reasons)} as reason, {traits} as traits, {ids} as ids from {source}"
    )


def events_select(imported: ImportMap, types: Mapping[str, CellType], source: str, columns: list[str]) -> str:
    """Events as (n, ns, reason, key, name, ts, traits, ids, properties): one a row, or one a group of rows."""
    when = cell(imported.time or "")
    moment = instant_of(when, raw(when))
    properties = {key: typed(cell(one), types[f"properties.{key}"]) for key, one in imported.properties.items()}
    traits = {key: typed(cell(one), types[f"traits.{key}"]) for key, one in imported.traits.items()}
    item = {key: typed(cell(one), types[f"item.{key}"]) for key, one in imported.item.items()}
    ids, reasons = identities(imported)
    named = raw(cell(imported.name or ""))
    no_time = f"case when ({moment}) is null then coalesce({literal((when.column or 'time') + ': not a date and time: ')} || left({raw(when)}, 60), 'no time') end"
    no_name = f"case when {named} is null then 'no event name' when length({named}) > 255 then 'event name longer than 255 characters' end"
    checks = [broken_text(imported), *reasons, no_time, no_name]
    checks += [one.reason for part in (properties, traits, item) for one in part.values() if one.reason != "null"]
    scope = literal(",".join(imported.key or imported.group) or "row")
    keyed = imported.key or imported.group or columns
    key = f"md5(concat_ws(chr(31), {scope}, {', '.join(f'coalesce({name(c)}, chr(30))' for c in keyed)}))"
    if not imported.group:
        if not (imported.key or imported.group):  # rows that repeat exactly count each
            key = f"md5({key} || row_number() over (partition by {key} order by {ROW}))"
        return (
            f"select {ROW} as n, [{ROW}] as ns, {first_reason(checks)} as reason, {key} as key, {named} as name, epoch_us({moment}) as ts, "
            f"{json_object({k: v.json for k, v in traits.items()})} as traits, {ids} as ids, "
            f"{json_object({k: v.json for k, v in properties.items()})} as properties from {source}"
        )
    lines = f"'[' || string_agg({json_object({k: v.json for k, v in item.items()})}, ',' order by {ROW}) || ']'"
    said = {k: _picked(cell(imported.properties[k]), v) for k, v in properties.items()}
    if item:
        said[imported.items] = lines
    groups = ", ".join(f"coalesce({name(c)}, chr(30))" for c in imported.group)
    picked_time = f"{'max' if when.pick == 'latest' else 'min'}({moment})"
    return (
        f"select min({ROW}) as n, list({ROW}) as ns, min({first_reason(checks)}) as reason, min({key}) as key, "
        f"arg_min({named}, {ROW}) as name, epoch_us({picked_time}) as ts, "
        f"{json_object({k: _picked(cell(imported.traits[k]), v) for k, v in traits.items()})} as traits, "
        f"coalesce(arg_min({ids}, {ROW}) filter (len({ids}) > 0), {ids_none()}) as ids, "
        f"{json_object(said)} as properties from {source} group by {groups}"
    )


def ids_none() -> str:
    return "[]::struct(kind varchar, raw varchar, value varchar)[]"


def _picked(one: Cell, found: Typed) -> str:
    """Of the lines of one event, the value that counts."""
    match one.pick:
        case "sum":
            return decimal_text(f"sum({number_of(found.json)})")
        case "last":
            return f"arg_max({found.json}, {ROW})"
        case "earliest":
            return f"min({found.json})"
        case "latest":
            return f"max({found.json})"
        case _:
            return f"arg_min({found.json}, {ROW})"


def guess_select(columns: list[str], source: str) -> str:
    """For each column how many values it has, and how many of them look like each type."""
    parts = []
    for number, column in enumerate(columns):
        text = name(column)
        parts += [
            f"count({text}) as c{number}_all",
            f"count(*) filter (regexp_full_match({text}, {literal(_NUMBER)}) and not regexp_full_match({text}, '[+-]?0[0-9].*|\\+[0-9]+')) as c{number}_number",
            f"count(*) filter (lower({text}) in ('true', 'false')) as c{number}_boolean",
            f"count(*) filter (regexp_full_match({text}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') and try_cast({text} as date) is not null) as c{number}_date",
            f"count(*) filter (regexp_full_match({text}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:[0-9]{{2}}.*') and try_cast({text} as timestamptz) is not null) as c{number}_instant",
        ]
    return f"select {', '.join(parts)} from {source}"


def guessed(row: tuple[int, ...], number: int) -> CellType:
    """The type of a column by what all its values look like."""
    total, numbers, booleans, dates, instants = row[number * 5 : number * 5 + 5]
    if total == 0:
        return "text"
    for count, kind in ((numbers, "number"), (booleans, "boolean"), (dates, "date"), (instants, "instant")):
        if count == total:
            return kind  # type: ignore[return-value]
    return "text"
