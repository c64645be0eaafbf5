"""Conditions as DuckDB SQL. Every value enters through ``literal`` or ``identifier``; ``check`` has the same rules."""

from datetime import UTC, datetime
from typing import assert_never

from antiphon.awareness.events.properties import Properties, Value, exact, literal, negated, text_test
from antiphon.awareness.segments.model import EventCondition, Operand, RelativeInstant, TraitColumn, TraitCondition
from antiphon.awareness.segments.values import day, instant
from antiphon.awareness.segments.windows import Fixed, Last, bounds, duration
from antiphon.awareness.traits import TraitType

_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "is": "=", "eq": "=", "ne": "<>"}


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
            elif column.type == "text":
                test = f"list_contains([{joined}], {name})"  # a function is asked once for each text of the file's dictionary
            else:
                test = f"list_has_any({name}, [{joined}])" if many else f"{name} in ({joined})"
        case "all":
            test = f"list_has_all({name}, [{', '.join(values)}]::varchar[])"
        case "lt" | "le" | "gt" | "ge":
            test = f"{name} {_COMPARE[node.op]} {value}"
        case "between":
            test = f"{name} between {values[0]} and {values[1]}"
        case "contains" | "not_contains" | "starts" | "ends":
            test = text_test(name, node.op, str(node.value))
        case _:
            assert_never(node.op)
    return negated(test) if node.op in ("is_not", "not_in", "not_contains") else f"({test})"


def window_sql(window: Fixed | None, now: datetime) -> list[str]:
    """Return the window as conditions on ``ts``, without the one that holds for all: nothing after now."""
    if isinstance(window, Last):
        return [f"ts > {literal(now - duration(window.amount, window.unit))}"]
    first, end = bounds(window, now)
    return ([f"ts >= {literal(first)}"] if first else []) + ([f"ts < {literal(end)}"] if end else [])


def measure_sql(node: EventCondition, keep: str, properties: Properties) -> str:
    """Return the comparison of a measure of a person's events (those with ``keep``), never null."""
    only = f" filter (where {keep})" if keep else ""
    if node.op in ("did", "did_not"):
        return f"(count(*){only} {'>=' if node.op == 'did' else '<'} 1)"
    low, high = exact(node.value), exact(node.high if node.high is not None else 0)
    if node.measure == "count":
        return _compared(f"count(*){only}", node.op, _whole(node.value) or low, _whole(node.high) or high)
    if node.measure == "distinct":
        return _compared(f"count(distinct {properties.plain(node.property or '')}){only}", node.op, low, high)
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


def _whole(value: float | None) -> str | None:
    """Return a whole number as counts are compared with fastest, None for others."""
    return str(int(value)) if value is not None and abs(value) < 2**53 and value == int(value) else None


def _compared(measured: str, op: str, low: str, high: str) -> str:
    if op == "between":
        return f"({measured} between {low} and {high})"
    return f"({measured} {_COMPARE[op]} {low})"
