"""The SQL of what customers of an import said about being written to: consents and wishes, each judged with its row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from antiphon.awareness.consent import FREQUENCIES, LANGUAGES, LONGEST_PAUSE
from antiphon.awareness.imports.compile import NO, YES, instant_of, literal, raw
from antiphon.awareness.imports.model import Cell, ImportMap, cell

_SKEW = timedelta(days=1)
_HOURS = r"([01]\d|2[0-3]):[0-5]\d\s*[-–]\s*([01]\d|2[0-3]):[0-5]\d"
LONGEST_TEXT = 4000


def said_columns(imported: ImportMap, channels: Sequence[str], now: datetime) -> tuple[list[str], list[str]]:
    """(columns, reasons): `state0`, `at0`, `source0`, `text0` for each consent in turn, `wish_<aspect>` for each wish."""
    columns, reasons = [], []
    for number, said in enumerate(imported.consents):
        one = cell(said.state)
        text = raw(one)
        state = (
            f"case when lower({text}) in {YES} or lower({text}) = 'granted' then 'granted' "
            f"when lower({text}) in {NO} or lower({text}) = 'withdrawn' then 'withdrawn' end"
        )
        reasons.append(_unless(state, text, f"{one.column or 'state'}: neither yes nor no: "))
        columns.append(f"{state} as state{number}")
        columns += [
            f"{f'left({raw(cell(found))}, {longest})' if found is not None else 'null::varchar'} as {name}{number}"
            for name, found, longest in (("source", said.source, 200), ("text", said.text, LONGEST_TEXT))
        ]
        if said.at is None:
            columns.append(f"null::bigint as at{number}")
            continue
        when = cell(said.at)
        moment = instant_of(when, raw(when))
        reasons.append(_unless(moment, raw(when), f"{when.column or 'at'}: not a date and time: "))
        latest = literal((now + _SKEW).isoformat())
        future = literal(f"{when.column or 'at'}: in the future: ")
        reasons.append(f"case when {moment} > {latest}::timestamptz then {future} || left({raw(when)}, 60) end")
        columns.append(f"epoch_us({moment}) as at{number}")
    for aspect, source in imported.preferences.items():
        one = cell(source)
        text = raw(one)
        wish = _wish(aspect, one, text, channels, now)
        reasons.append(_unless(wish, text, f"{one.column or aspect}: no {aspect.replace('_', ' ')}: "))
        columns.append(f"{wish} as wish_{aspect}")
    return columns, reasons


def _wish(aspect: str, one: Cell, text: str, channels: Sequence[str], now: datetime) -> str:
    """A wish as it is kept, or null where it is none."""
    match aspect:
        case "quiet_hours":
            hours = f"regexp_extract_all({text}, '\\d\\d:\\d\\d')"
            fine = f"regexp_full_match({text}, {literal(_HOURS)}) and {hours}[1] <> {hours}[2]"
            return f"case when {fine} then {hours}[1] || ' ' || {hours}[2] || ' ' || {literal(one.zone)} end"
        case "paused_until":
            moment, most = instant_of(one, text), literal((now + LONGEST_PAUSE).isoformat())
            return f"case when {moment} <= {most}::timestamptz then strftime(timezone('UTC', {moment}), '%Y-%m-%dT%H:%M:%SZ') end"
        case "channel":
            allowed: Sequence[str] = channels
        case "language":
            allowed = LANGUAGES
        case _:
            allowed = FREQUENCIES
    listed = ", ".join(map(literal, allowed)) or "null"
    return f"case when lower({text}) in ({listed}) then lower({text}) end"


def _unless(value: str, text: str, words: str) -> str:
    return f"case when ({text}) is not null and ({value}) is null then {literal(words)} || left({text}, 60) end"
