"""An import map as lake SQL: each cell a JSON text, each broken rule a reason. Rows come as text columns and a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import phonenumbers

from antiphon.awareness.imports.model import Cell, CellType, ImportMap, cell, columns_of
from antiphon.awareness.imports.reasons import NOT_OF_ENCODING
from antiphon.awareness.profiles import TRUNK_PHONE

CHUNK = 50_000
ROW = "antiphon_row"
"""The column that numbers the rows of a staged file."""
_NUMBER = r"[+-]?([0-9]{1,27}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?"
_PLAIN_NUMBER = r"-?(0|[1-9][0-9]{0,26})(\.[0-9]{1,20})?"
_PLAIN_INTEGER = r"-?(0|[1-9][0-9]{0,17})(\.0*)?"
_INTEGER = r"[+-]?[0-9]{1,18}(\.0*)?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_OFFSET = r".*[0-9]([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$"
YES = "('true', 't', 'yes', 'y', '1', 'on')"
NO = "('false', 'f', 'no', 'n', '0', 'off')"
# Conservative forms of identities that are normal already, or after trimming and lowering: anything else is looked at
# one by one by `profiles.normal_identity`, whose answer these must equal (a property test).
_PLAIN_EMAIL = r"[a-z0-9_+%-]+(\.[a-z0-9_+%-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
_PLAIN_PHONE = r"\+(" + "|".join(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE) + ")[0-9]*"
_PLAIN_OTHER = r"[A-Za-z0-9][A-Za-z0-9_.:-]{2,99}"


class Typed(NamedTuple):
    """A cell as SQL: as JSON text, or null; the reason a row is refused for it, or null; as a column of the mirror."""

    json: str
    reason: str
    column: str


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def column(found: str) -> str:
    """A column of the file, quoted."""
    return '"' + found.replace('"', '""') + '"'


def cleaned(source: str, columns: Iterable[str], only: Mapping[str, Sequence[str]] | None = None) -> str:
    """The staged rows with these columns as text without blanks around it; null when empty. `only` those with these texts."""
    wanted = ", ".join(f"nullif(trim({column(c)}), '') as {column(c)}" for c in columns)
    taken = " and ".join(f"trim({column(c)}) in ({', '.join(map(literal, texts))})" for c, texts in (only or {}).items())
    return f"(select {ROW}{', ' if wanted else ''}{wanted} from {source}{' where ' if taken else ''}{taken})"


def raw(one: Cell) -> str:
    """The cell's text before it is typed."""
    if one.value is not None:
        shown = one.prefix + one.value if isinstance(one.value, str) else msgspec.json.encode(one.value).decode()
        return literal(shown)
    if one.times:
        return f"({number_of(one)})::varchar"
    text = literal(one.prefix) + " || " if one.prefix else ""
    text += f"{ROW}::varchar" if one.row else column(one.column or "")
    if one.starting or one.otherwise is not None:
        cases = " ".join(
            f"when starts_with({text}, {literal(begin)}) then {literal(then)}" for begin, then in one.starting.items()
        )
        other = literal(one.otherwise) if one.otherwise is not None else text
        return f"case {cases} else {other} end" if cases else other
    return text


def decimal_text(number: str) -> str:
    """A decimal (with places after the point) as the shortest JSON number that equals it."""
    return f"rtrim(rtrim(({number})::varchar, '0'), '.')"


def number_of(one: Cell) -> str:
    """A cell as an exact decimal, or null."""
    if one.times:
        return " * ".join(f"try_cast({column(c)} as decimal(18, 6))" for c in one.times)
    return f"try_cast({raw(one)} as decimal(38, 10))"


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
    """A cell as its type. Values that are no such thing give null, and a reason."""
    text = raw(one)
    where = one.column or "+".join(one.times) or "value"
    words = {"boolean": "yes or no", "date": "a date", "instant": "a date and time"}
    plain, shown = "false", text
    match kind:
        case "text":
            return Typed(f"to_json({text})::varchar", _no_nul(one, text), text)
        case "integer":
            plain = f"regexp_full_match({text}, {literal(_PLAIN_INTEGER)})"  # 17850 and 17850.0 alike
            whole = f"try_cast(try_cast({text} as decimal(38, 10)) as bigint)::varchar"
            slow = f"case when regexp_full_match({text}, {literal(_INTEGER)}) then {whole} end"
            value = f"case when {plain} then split_part({text}, '.', 1) else {slow} end"
            reason = _unless(plain, slow, text, f"{where}: not a whole number: ")
            return Typed(value, reason, f"try_cast({value} as double)")
        case "number" if one.times:
            value = decimal_text(number_of(one))
            shown = " || ' x ' || ".join(column(c) for c in one.times)
            return Typed(value, _unless(plain, value, shown, f"{where}: not numbers: "), f"try_cast({value} as double)")
        case "number":
            plain = f"regexp_full_match({text}, {literal(_PLAIN_NUMBER)})"
            slow = f"case when regexp_full_match({text}, {literal(_NUMBER)}) then {decimal_text(number_of(one))} end"
            value = f"case when {plain} then {text} else {slow} end"
            return Typed(value, _unless(plain, slow, text, f"{where}: not a number: "), f"try_cast({value} as double)")
        case "boolean":
            value = f"case when lower({text}) in {YES} then 'true' when lower({text}) in {NO} then 'false' end"
            found = f"({value}) = 'true'"
        case "date":
            parsed = f"try_strptime({text}, {literal(one.format)})" if one.format else f"try_cast({text} as date)"
            value = f"strftime({parsed}, '\"%Y-%m-%d\"')"
            found = _mirrored(f"({parsed})::date", value, "date")
        case "instant":
            moment = instant_of(one, text)
            value, found = instant_json(moment), _mirrored(moment, instant_json(moment), "timestamptz")
        case _:
            items = f"string_split_regex({text}, '\\s*[;,|]\\s*')"
            return Typed(f"to_json({items})::varchar", _no_nul(one, text), items)
    return Typed(value, _unless(plain, value, shown, f"{where}: not {words[kind]}: "), found)


def _no_nul(one: Cell, text: str) -> str:
    """PostgreSQL keeps no text with a NUL in it."""
    return f"case when contains({text}, chr(0)) then {literal(one.column + ': a NUL in it')} end" if one.column else "null"


def _mirrored(moment: str, json: str, kind: str) -> str:
    """A moment as the mirror holds it, which reads JSON: years of other than four digits are none there."""
    shown = f"trim({json}, '\"')"
    odd = f"case when regexp_full_match({shown}, {literal(_DAY + '.*')}) then try_cast({shown} as {kind}) end"
    return f"case when {moment} between '1000-01-01'::{kind} and '9999-12-31'::{kind} then {moment} else {odd} end"


def _unless(plain: str, value: str, text: str, words: str) -> str:
    """The reason for a text that is there, is not plainly right, and has no value."""
    return f"case when ({text}) is null or {plain} then null when ({value}) is null then {literal(words)} || left({text}, 60) end"


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
            short = f"length({lowered}) <= 254 and instr({lowered}, '@') <= 64"
            fine = f"regexp_full_match({lowered}, {literal(_PLAIN_EMAIL)}) and {short}"
            return f"case when {fine} then {lowered} end"
        case "phone":
            fine = f"length({text}) between 9 and 16 and regexp_full_match({text}, {literal(_PLAIN_PHONE)})"
            fine += f" and not regexp_full_match({text}, {literal(TRUNK_PHONE)})"
            return f"case when {fine} then {text} end"
        case "user_id" | "anonymous_id":
            fine = f"regexp_full_match({text}, {literal(_PLAIN_OTHER)}) and regexp_matches({text}, '[1-9]')"
            return f"case when {fine} then {text} end"
        case _:
            return "null::varchar"  # spelled in a way of its own


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
    if imported.encoding.lower() in ("utf-8", "utf8"):
        return "null"  # the reader refuses such lines itself
    checks = " or ".join(f"contains({column(c)}, chr(65533))" for c in columns_of(imported)) or "false"
    return f"case when {checks} then {literal(NOT_OF_ENCODING + imported.encoding)} end"


def first_reason(reasons: list[str]) -> str:
    return f"coalesce({', '.join([*reasons, 'null::varchar'])})"


def events_select(imported: ImportMap, types: Mapping[str, CellType], source: str, columns: list[str]) -> str:
    """Events as (n, ns, reason, key, name, ts, traits, ids, properties): one a row, or one a group of rows."""
    source = cleaned(source, columns_of(imported) if imported.key or imported.group else columns, imported.only)
    when = cell(imported.time or "")
    moment = instant_of(when, raw(when))
    properties = {key: typed(cell(one), types[f"properties.{key}"]) for key, one in imported.properties.items()}
    traits = {key: typed(cell(one), types[f"traits.{key}"]) for key, one in imported.traits.items()}
    item = {key: typed(cell(one), types[f"item.{key}"]) for key, one in imported.item.items()}
    ids, reasons = identities(imported)
    named = raw(cell(imported.name or ""))
    not_time = literal((when.column or "time") + ": not a date and time: ")
    no_time = f"case when ({moment}) is null then coalesce({not_time} || left({raw(when)}, 60), 'no time') end"
    too_long = f"when length({named}) > 255 then 'event name longer than 255 characters'"
    no_name = f"case when {named} is null then 'no event name' {too_long} end"
    checks = [broken_text(imported), *reasons, no_time, no_name]
    checks += [one.reason for part in (properties, traits, item) for one in part.values() if one.reason != "null"]
    scope = ",".join(imported.key or imported.group) or "row"
    if imported.only:  # another choice of rows makes other events of the same row
        scope += msgspec.json.encode(imported.only, order="deterministic").decode()
    keyed = imported.key or imported.group or columns
    key = f"md5(concat_ws(chr(31), {literal(scope)}, {', '.join(f'coalesce({column(c)}, chr(30))' for c in keyed)}))"
    if not imported.group:
        if not (imported.key or imported.group):  # rows that repeat exactly count each
            key = f"md5({key} || row_number() over (partition by {key} order by {ROW}))"
        return (
            f"select {ROW} as n, [{ROW}] as ns, {first_reason(checks)} as reason, {key} as key, {named} as name, "
            f"epoch_us({moment}) as ts, "
            f"{json_object({k: v.json for k, v in traits.items()})} as traits, {ids} as ids, "
            f"{json_object({k: v.json for k, v in properties.items()})} as properties from {source}"
        )
    return _grouped(imported, source, properties, traits, item, ids, first_reason(checks), key, named, moment)


def _grouped(
    imported: ImportMap, source: str, properties: Mapping[str, Typed], traits: Mapping[str, Typed], item: Mapping[str, Typed],
    ids: str, reason: str, key: str, named: str, moment: str,
) -> str:  # fmt: skip
    """Lines of one event as one row: each cell is worked out once a line, then the line that counts is picked."""
    inner = [f"{ROW}", f"{reason} as reason", f"{key} as key", f"{named} as named", f"{moment} as moment", f"{ids} as ids"]
    inner += [f"coalesce({column(c)}, chr(30)) as g{n}" for n, c in enumerate(imported.group)]
    inner += [f"{_carried(cell(imported.properties[k]), one)} as p{n}" for n, (k, one) in enumerate(properties.items())]
    inner += [f"{_carried(cell(imported.traits[k]), one)} as t{n}" for n, (k, one) in enumerate(traits.items())]
    inner += [f"{json_object({k: v.json for k, v in item.items()})} as item"]
    said = {k: _picked(cell(imported.properties[k]), f"p{n}") for n, k in enumerate(properties)}
    if item:
        said[imported.items] = f"'[' || string_agg(item, ',' order by {ROW}) || ']'"
    traits_said = {k: _picked(cell(imported.traits[k]), f"t{n}") for n, k in enumerate(traits)}
    latest = cell(imported.time or "").pick == "latest"
    return (
        f"select min({ROW}) as n, list({ROW}) as ns, min(reason) as reason, min(key) as key, arg_min(named, {ROW}) as name, "
        f"epoch_us({'max' if latest else 'min'}(moment)) as ts, {json_object(traits_said)} as traits, "
        f"coalesce(arg_min(ids, {ROW}) filter (len(ids) > 0), {ids_none()}) as ids, {json_object(said)} as properties "
        f"from (select {', '.join(inner)} from {source}) lines group by {', '.join(f'g{n}' for n in range(len(imported.group)))}"
    )


def ids_none() -> str:
    return "[]::struct(kind varchar, raw varchar, value varchar)[]"


def _carried(one: Cell, found: Typed) -> str:
    """What a line gives to the event: JSON, or the decimal to be added up."""
    return number_of(one) if one.pick == "sum" else found.json


def _picked(one: Cell, found: str) -> str:
    """Of the lines of one event, the value that counts."""
    match one.pick:
        case "sum":
            return decimal_text(f"sum({found})")
        case "last":
            return f"arg_max({found}, {ROW})"
        case "earliest":
            return f"min({found})"
        case "latest":
            return f"max({found})"
        case _:
            return f"arg_min({found}, {ROW})"
