"""Conditions as DuckDB SQL. Every value enters through ``literal`` or ``identifier``; ``check`` has the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_never

from antiphon.awareness.segments.model import (
    Dates,
    EventCondition,
    Last,
    Operand,
    PropertyFilter,
    RelativeInstant,
    Scalar,
    TraitColumn,
    TraitCondition,
    duration,
)
from antiphon.awareness.segments.values import NUMERIC_PATTERN, day, instant, lower, number, steps
from antiphon.awareness.traits import TraitType

NUMBER = "decimal(28,9)"
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "is": "=", "eq": "=", "ne": "<>"}


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


def identifier(name: str) -> str:
    """Return a quoted column name."""
    return '"' + name.replace('"', '""') + '"'


def operand(value: Operand, kind: TraitType, now: datetime) -> Value:
    """Return an operand as a value of the trait's type. It must have passed ``rules.validate``."""
    match kind:
        case "number":
            return float(value) if isinstance(value, int | float) else float("nan")
        case "boolean":
            return bool(value)
        case "text" | "text_list":
            return str(value)
        case "instant":
            return value.at(now) if isinstance(value, RelativeInstant) else instant(str(value))
        case "date":
            return value.at(now).astimezone(UTC).date() if isinstance(value, RelativeInstant) else day(str(value))
        case _:
            assert_never(kind)


def trait_sql(node: TraitCondition, column: TraitColumn, now: datetime) -> str:
    """Return the condition on the profile's column; where null it does not hold."""
    name = identifier(column.column)
    values = [literal(operand(one, column.type, now)) for one in node.values]
    value = literal(operand(node.value, column.type, now)) if node.value is not None else ""
    many = column.type == "text_list"
    match node.op:
        case "set":
            return f"({name} is not null)"
        case "not_set":
            return f"({name} is null)"
        case "is" | "is_not":
            test = f"list_contains({name}, {value})" if many else f"{name} = {value}"
        case "in" | "not_in":
            joined = ", ".join(values)
            if not values:
                test = "false"
            else:
                test = f"list_has_any({name}, [{joined}])" if many else f"{name} in ({joined})"
        case "lt" | "le" | "gt" | "ge":
            test = f"{name} {_COMPARE[node.op]} {value}"
        case "between":
            test = f"{name} between {values[0]} and {values[1]}"
        case "contains" | "not_contains" | "starts" | "ends":
            test = _text_test(name, node.op, str(node.value))
        case _:
            assert_never(node.op)
    return negated(test) if node.op in ("is_not", "not_in", "not_contains") else f"({test})"


def negated(test: str) -> str:
    """Return the exact negation of a test that does not hold where it is null."""
    return f"(not coalesce({test}, false))"


def _text_test(expression: str, op: str, wanted: str) -> str:
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

    def select(self, rows: str) -> str:
        """Return ``rows`` (profile_id, ts, properties) with the columns asked for, as a subquery."""
        if not self.paths:
            return f"({rows})"
        pointers = ", ".join(literal(pointer(path)) for path in self.paths)
        taken = ", ".join(f"j[{i}]::varchar as j{i}" for i in range(1, len(self.paths) + 1))
        rows = f"select profile_id, ts, json_extract(properties, [{pointers}]) as j from ({rows})"
        rows = f"select profile_id, ts, {taken} from ({rows})"
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
            test = f"{properties.number(path)} {_COMPARE[one.op]} {_exact(one.value)}"
        case "between":
            test = f"{properties.number(path)} between {_exact(one.values[0])} and {_exact(one.values[1])}"
        case "contains" | "starts" | "ends":
            test = _text_test(properties.text(path), one.op, str(one.value))
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
    return f"{properties.number(path)} in ({', '.join(_exact(one) for one in wanted)})"


def _exact(value: Scalar | None) -> str:
    exact = number(value)
    if exact is None:
        raise ValueError("not a number")
    return literal(exact)


def window_sql(node: EventCondition, now: datetime) -> list[str]:
    """Return the window as conditions on ``ts``, without the one that holds for all: nothing after now."""
    match node.window:
        case None:
            return []
        case Last(amount=amount, unit=unit):
            return [f"ts > {literal(now - duration(amount, unit))}"]
        case Dates(since=since, until=until):
            return ([f"ts >= {literal(since)}"] if since else []) + ([f"ts < {literal(until)}"] if until else [])
        case _:
            assert_never(node.window)


def measure_sql(node: EventCondition, keep: str, properties: Properties) -> str:
    """Return the comparison of a measure of a person's events (those with ``keep``), never null."""
    only = f" filter (where {keep})" if keep else ""
    if node.op in ("did", "did_not"):
        return f"(count(*){only} {'>=' if node.op == 'did' else '<'} 1)"
    low, high = _exact(node.value), _exact(node.high if node.high is not None else 0)
    if node.measure == "count":
        return _compared(f"count(*){only}", node.op, low, high)
    value = properties.number(node.property or "")
    match node.measure:
        case "sum":
            return _compared(f"coalesce(sum({value}){only}, 0::decimal(38,9))", node.op, low, high)
        case "min" | "max":
            return f"coalesce({_compared(f'{node.measure}({value}){only}', node.op, low, high)}, false)"
        case "avg":
            total, count = f"sum({value}){only}", f"count({value}){only}"
            return f"coalesce({_compared(total, node.op, f'{low} * {count}', f'{high} * {count}')}, false)"
        case _:
            assert_never(node.measure)


def _compared(measured: str, op: str, low: str, high: str) -> str:
    if op == "between":
        return f"({measured} between {low} and {high})"
    return f"({measured} {_COMPARE[op]} {low})"
