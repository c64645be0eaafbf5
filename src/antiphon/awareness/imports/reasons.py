"""Why rows are refused: each sort of reason has a code, and a wording that the error file uses."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

WORDINGS: Mapping[str, str] = {
    "not-whole-number": "not a whole number",
    "not-numbers": "not numbers",
    "not-number": "not a number",
    "not-yes-or-no": "not yes or no",
    "not-instant": "not a date and time",
    "not-date": "not a date",
    "has-nul": "a NUL in it",
    "names-nobody": "names nobody",
    "no-identity": "no identity",
    "no-time": "no time",
    "no-event-name": "no event name",
    "long-event-name": "event name longer than 255 characters",
    "too-large": "larger than 1 MB",
    "broken-line": "broken line",
    "neither-yes-nor-no": "neither yes nor no",
    "in-the-future": "in the future",
    "no-channel": "no channel",
    "no-frequency": "no frequency",
    "no-language": "no language",
    "no-quiet-hours": "no quiet hours",
    "no-paused-until": "no paused until",
}
"""Code → wording, after the column or the kind of identity it is about, and before the value."""
NOT_OF_ENCODING = "bytes that are not "
_ALL = "|".join(map(re.escape, WORDINGS.values()))
SORT = f"(?s)^(?:.*?(?:: | ))??(?:{_ALL})(?:$|: )"
"""Regular expression (RE2) of a reason up to the value it is about."""
_READ = re.compile(rf"(?:(?P<where>.*?):? )??(?P<wording>{_ALL})", re.DOTALL)
_CODES = {wording: code for code, wording in WORDINGS.items()}


class RefusedRows(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows were refused for one sort of reason. `where` is the column, the kind of identity or the encoding.

    `code` is stable; it is `unsorted` for what has no sort, and then the wording is all there is.
    """

    code: str
    where: str | None = None
    wording: str
    rows: int


def reason(wording: str, rows: int) -> RefusedRows:
    """A sort of reason, read."""
    if wording.startswith(NOT_OF_ENCODING):
        return RefusedRows(code="not-of-encoding", where=wording.removeprefix(NOT_OF_ENCODING), wording=wording, rows=rows)
    found = _READ.fullmatch(wording)
    if found is None:
        return RefusedRows(code="unsorted", wording=wording, rows=rows)
    return RefusedRows(code=_CODES[found["wording"]], where=found["where"], wording=wording, rows=rows)


def reasons(counted: Mapping[str, int]) -> list[RefusedRows]:
    """Sorts of reason with how many rows, the commonest first."""
    return [reason(wording, rows) for wording, rows in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]
