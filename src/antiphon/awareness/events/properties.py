"""Properties of events as DuckDB SQL: read once each, compared by the rules of `filters`. Values enter through ``literal``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_never

from antiphon.awareness.events.filters import PropertyFilter, Scalar
from antiphon.awareness.events.values import NUMERIC_PATTERN, lower, number, steps

NUMBER = "decimal(28,9)"
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


Value = str | bool | float | Decimal | datetime | date


def literal(value: Value) -> str:
    """Return ``value`` as a SQL literal of its type."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case float():
            return f"'{value!r}'::double"
        case Decimal():
            return f"{value:f}::{NUMBER}"
        case datetime():
            return f"timestamptz '{value.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f')}+00'"
        case date():
            return f"date '{value.isoformat()}'"
        case _:
            assert_never(value)


def negated(test: str) -> str:
    """Return the exact negation of a test that does not hold where it is null."""
    return f"(not coalesce({test}, false))"


def text_test(expression: str, op: str, wanted: str) -> str:
    """Return a comparison of texts without regard to case."""
    function = {"starts": "starts_with", "ends": "ends_with"}.get(op, "contains")
    return f"{function}(lower({expression}), {literal(lower(wanted))})"


@dataclass
class Properties:
    """The properties one scan reads out of the JSON: each event is parsed once, each property read once.

    Every property is first its JSON (`j1`, `j2`, …), whose first character tells its type; from it come, where
    wanted, its number (`n1`) and the text it is compared by (`s1`).
    """

    paths: list[str] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)

    def json(self, path: str) -> str:
        """Return the column of a property's JSON, null if there is none."""
        return f"j{self._place(path)}"

    def number(self, path: str) -> str:
        """Return the column of a property as a number, null if it is none."""
        name, json = f"n{self._place(path)}", self.json(path)
        small = f"try_cast(try_cast({json} as double) as {NUMBER})"
        self.read[name] = (
            f"case when {json} >= '-' and {json} < ':' then case when contains({json}, 'e') then {small} "
            f"else {_decimal(json)} end "
            f"when regexp_full_match({json}, '\"{NUMERIC_PATTERN}\"') then {_decimal(json + '[2:-2]')} end"
        )
        return name

    def text(self, path: str) -> str:
        """Return the column of a property as the text it is compared by, null if it has none."""
        name, json = f"s{self._place(path)}", self.json(path)
        self.read[name] = (
            f"case when {json}[1] = '\"' then json_extract_string({json}, '$') when {json} in ('true', 'false') "
            f"or json_type({json}) in ('BIGINT', 'UBIGINT') then {json} end"
        )
        return name

    def plain(self, path: str) -> str:
        """Return the column of a property as the text that tells its value from others, null if it is none (see ``plain``)."""
        name, json, number = f"d{self._place(path)}", self.json(path), self.number(path)
        digits = f"rtrim(rtrim({number}::varchar, '0'), '.')"
        whole = f"json_type({json}) in ('BIGINT', 'UBIGINT')"
        self.read[name] = (
            f"case when {json}[1] = '\"' then json_extract_string({json}, '$') when {json} in ('true', 'false') "
            f"or {whole} then {json} else {digits} end"
        )
        return name

    def select(self, rows: str, carried: str = "profile_id, ts") -> str:
        """Return ``rows`` (the columns ``carried``, and properties) with the columns asked for, as a subquery."""
        if not self.paths:
            return f"({rows})"
        pointers = ", ".join(literal(pointer(path)) for path in self.paths)
        taken = ", ".join(f"j[{i}]::varchar as j{i}" for i in range(1, len(self.paths) + 1))
        rows = f"select {carried}, json_extract(properties, [{pointers}]) as j from ({rows})"
        rows = f"select {carried}, {taken} from ({rows})"
        if not self.read:
            return f"({rows})"
        return f"(select *, {', '.join(f'{sql} as {name}' for name, sql in self.read.items())} from ({rows}))"

    def _place(self, path: str) -> int:
        if path not in self.paths:
            self.paths.append(path)
        return self.paths.index(path) + 1


def _decimal(text: str) -> str:
    """Read a decimal: nearly all fit the narrow type, which is read five times as fast as the wide one."""
    return f"coalesce(try_cast({text} as decimal(18,9))::{NUMBER}, try_cast({text} as {NUMBER}))"


def pointer(path: str) -> str:
    """Return a dotted path as a JSON pointer (RFC 6901)."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps(path))


def filter_sql(one: PropertyFilter, properties: Properties) -> str:
    """Return a condition on one property; where null it does not hold."""
    path = one.property
    match one.op:
        case "set":
            return f"(coalesce({properties.json(path)}, 'null') <> 'null')"
        case "not_set":
            return f"(coalesce({properties.json(path)}, 'null') = 'null')"
        case "is" | "in" | "is_not" | "not_in":
            wanted = one.values if one.op in ("in", "not_in") else [one.value if one.value is not None else ""]
            test = _one_of(path, wanted, properties)
        case "lt" | "le" | "gt" | "ge":
            test = f"{properties.number(path)} {_COMPARE[one.op]} {exact(one.value)}"
        case "between":
            test = f"{properties.number(path)} between {exact(one.values[0])} and {exact(one.values[1])}"
        case "contains" | "starts" | "ends":
            test = text_test(properties.text(path), one.op, str(one.value))
        case _:
            assert_never(one.op)
    return negated(test) if one.op in ("is_not", "not_in") else f"({test})"


def _one_of(path: str, wanted: Sequence[Scalar], properties: Properties) -> str:
    if not wanted:
        return "false"
    if isinstance(wanted[0], str):
        return f"{properties.text(path)} in ({', '.join(literal(str(one)) for one in wanted)})"
    if isinstance(wanted[0], bool):
        words = ", ".join(literal("true" if one else "false") for one in wanted)
        return f"{properties.json(path)} in ({words})"
    return f"{properties.number(path)} in ({', '.join(exact(one) for one in wanted)})"


def exact(value: Scalar | None) -> str:
    """Return a number as an exact decimal. Raises ValueError when it is none."""
    found = number(value)
    if found is None:
        raise ValueError("not a number")
    return literal(found)
