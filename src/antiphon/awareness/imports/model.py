"""What an import map says: which column means what. Pure types and rules.

A map is written in TOML (for the command line) or JSON (for the API). A cell is the name of a column, or a table with
more to say about it; the smallest map of customers is

    kind = "customers"
    [identities]
    email = "E-mail"
    [traits]
    plan = "Plan"
"""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from antiphon.awareness.consent import Aspect
from antiphon.awareness.profiles import normal_kind
from antiphon.foundation.errors import Forbidden, Invalid, NotFound
from antiphon.foundation.http import Body

CellType = Literal["text", "integer", "number", "boolean", "date", "instant", "text_list"]
LARGEST_ROW = 1024 * 1024
ENCODINGS = (
    "utf-8", "utf-16", "windows-1251", "windows-1252", "koi8-r", "iso-8859-1", "iso-8859-5", "iso-8859-15", "cp866",
    "gb18030", "big5", "shift_jis", "euc-kr", "windows-1250",
)  # fmt: skip
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class BadMap(Invalid):
    """The import map breaks a rule."""


class ColumnMissing(Invalid):
    """The file has no column {column!r}; it has {columns}."""


class UnreadableFile(Invalid):
    """The file cannot be read as a table: {why}"""


class ConsentNotYours(Forbidden):
    """Importing what customers said about being written to needs the permission {permission}."""


class NoSuchImport(NotFound):
    """There is no such import."""


class NoErrors(NotFound):
    """This import has refused nothing."""


class NoSuchFile(NotFound):
    """There is no such uploaded file."""


class Cell(Body, frozen=True, kw_only=True):
    """Where one value comes from, and what it is.

    `column` names the file's column; `value` is the same for every row; `times` multiplies several columns, exactly.
    Text becomes another `type`; dates and instants by `format` (strptime's letters; without it ISO 8601) in `zone`.
    `starting` picks a value by the beginning of the column's text, else `otherwise`. `row` is the row's number in the file.
    `prefix` is put before what is there. Of several lines that make one event `pick` says whose value counts; `sum` adds
    them up.
    """

    column: str | None = None
    value: str | int | float | bool | None = None
    times: list[Name] = []
    row: bool = False
    prefix: Annotated[str, msgspec.Meta(max_length=100)] = ""
    type: CellType | None = None
    format: Annotated[str, msgspec.Meta(max_length=100)] = ""
    zone: Annotated[str, msgspec.Meta(max_length=100)] = "UTC"
    starting: dict[str, str] = {}
    otherwise: str | None = None
    pick: Literal["first", "last", "earliest", "latest", "sum"] = "first"


Source = Name | Cell


class ConsentCells(Body, frozen=True, kw_only=True):
    """What each row says of one channel and topic: `state` is yes or no (or granted, withdrawn), nothing where it is empty.

    `at` is when it was said, without it the instant of the import; `source` where, and `text` what the customer saw.
    """

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    topic: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    state: Source
    at: Source | None = None
    source: Source | None = None
    text: Source | None = None


class Tally(msgspec.Struct):
    """What became of the rows so far. `made` are new customers, or new events; `said` consents and wishes that were news."""

    rows: int = 0
    refused: int = 0
    made: int = 0
    changed: int = 0
    unchanged: int = 0
    said: int = 0
    reasons: dict[str, int] = {}

    def refuse(self, count: int, reasons: Mapping[str, int]) -> None:
        """Count refused rows, by at most a hundred sorts of reason."""
        self.refused += count
        for reason, many in reasons.items():
            if reason in self.reasons or len(self.reasons) < 100:
                self.reasons[reason] = self.reasons.get(reason, 0) + many


class ImportMap(Body, frozen=True, kw_only=True):
    """How a file is read. Customers: `identities`, `traits`, what they said. Events: `name`, `time`, what else they carry.

    `consents` and `preferences` are what a customer said of being written to; quiet hours are written `22:00-08:00`, in the
    cell's zone. `only` takes those rows alone whose column has one of these texts.

    `group` names the columns that lines of one event share; the lines become the list `items` of its properties, each
    with the cells of `item`. `key` names the columns that tell one event from another for ever; without it the whole
    row does, and rows that repeat exactly count each. An empty cell says nothing; with `empty = "remove"` it removes
    the trait.
    """

    kind: Literal["customers", "events"]
    encoding: Annotated[str, msgspec.Meta(max_length=40)] = "utf-8"
    delimiter: Annotated[str, msgspec.Meta(max_length=4)] | None = None
    quote: Annotated[str, msgspec.Meta(max_length=1)] | None = None
    header: bool = True
    sheet: str | None = None
    region: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None
    empty: Literal["keep", "remove"] = "keep"
    identities: dict[str, Source] = {}
    traits: dict[Name, Source] = {}
    consents: Annotated[list[ConsentCells], msgspec.Meta(max_length=50)] = []
    preferences: dict[Aspect, Source] = {}
    only: dict[Name, Annotated[list[str], msgspec.Meta(min_length=1, max_length=1000)]] = {}
    name: Source | None = None
    time: Source | None = None
    key: list[Name] = []
    group: list[Name] = []
    items: Name = "products"
    item: dict[Name, Source] = {}
    properties: dict[Name, Source] = {}


def cell(source: Source) -> Cell:
    """A cell written short (a column's name) as the whole thing."""
    return Cell(column=source) if isinstance(source, str) else source


def cells(imported: ImportMap) -> dict[str, Cell]:
    """Every cell of a map by its place in it."""
    found: dict[str, Cell] = {}
    for part in ("identities", "traits", "item", "properties", "preferences"):
        for name, source in getattr(imported, part).items():
            found[f"{part}.{name}"] = cell(source)
    for part in ("name", "time"):
        if (source := getattr(imported, part)) is not None:
            found[part] = cell(source)
    for number, said in enumerate(imported.consents):
        for part in ("state", "at", "source", "text"):
            if (source := getattr(said, part)) is not None:
                found[f"consents[{number}].{part}"] = cell(source)
    return found


def columns_of(imported: ImportMap) -> dict[str, str]:
    """Every column a map speaks of, and where it does so."""
    found: dict[str, str] = {}
    for place, one in cells(imported).items():
        for column in [*([one.column] if one.column else []), *one.times]:
            found.setdefault(column, place)
    for part in ("key", "group", "only"):
        for column in getattr(imported, part):
            found.setdefault(column, part)
    return found


def check_map(imported: ImportMap, columns: list[str] | None = None) -> None:
    """Raises BadMap or ColumnMissing, naming the field and the rule."""
    if imported.encoding.lower() not in ENCODINGS:
        raise BadMap(f"encoding is none of {', '.join(ENCODINGS)}", field="encoding")
    for kind in imported.identities:
        if normal_kind(kind) != kind:
            raise BadMap("a kind of identity is spelled in small letters, digits and _", field=f"identities.{kind}")
    for place, one in cells(imported).items():
        if sum((one.column is not None, one.value is not None, bool(one.times), one.row)) != 1:
            raise BadMap("a cell has exactly one of column, value, times and row", field=place)
        if one.zone not in zoneinfo.available_timezones():
            raise BadMap(f"there is no time zone {one.zone!r}", field=f"{place}.zone")
        if (
            one.format
            and one.type not in ("date", "instant")
            and not (place in ("time", "preferences.paused_until") or place.endswith("].at"))
        ):
            raise BadMap("only dates and instants have a format", field=f"{place}.format")
    _check_kind(imported)
    if columns is not None:
        for column, place in columns_of(imported).items():
            if column not in columns:
                raise ColumnMissing(column=column, columns=", ".join(columns[:40]), field=place)


def _check_kind(imported: ImportMap) -> None:
    if imported.kind == "customers":
        for part in ("name", "time"):
            if getattr(imported, part) is not None:
                raise BadMap("this belongs to a map of events", field=part)
        for part in ("key", "group", "item", "properties"):
            if getattr(imported, part):
                raise BadMap("this belongs to a map of events", field=part)
        if not imported.identities:
            raise BadMap("customers need at least one identity", field="identities")
        return
    for part in ("consents", "preferences"):
        if getattr(imported, part):
            raise BadMap("this belongs to a map of customers", field=part)
    for part in ("name", "time"):
        if getattr(imported, part) is None:
            raise BadMap("events need this", field=part)
    if imported.item and not imported.group:
        raise BadMap("item needs group: the columns that lines of one event share", field="item")
    for place, one in cells(imported).items():
        if one.pick != "first" and not imported.group:
            raise BadMap("pick needs group", field=f"{place}.pick")


def parse_map(text: str) -> ImportMap:
    """A map written in TOML or JSON. Raises BadMap naming the field."""
    try:
        values: Any = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        found = msgspec.convert(values, ImportMap)
    except msgspec.ValidationError as wrong:
        rule, _, where = str(wrong).partition(" - at ")
        raise BadMap(rule, field=where.strip("`$.") or None) from wrong
    except (tomllib.TOMLDecodeError, msgspec.DecodeError) as wrong:
        raise BadMap(f"the map is neither TOML nor JSON: {wrong}") from wrong
    check_map(found)
    return found


def _word(column: str) -> str:
    """A column's name as one word, as templates and expressions want it: ``First name`` is ``first_name``."""
    if column.isidentifier():
        return column
    word = re.sub(r"\W+", "_", column).strip("_").lower()
    return word if word.isidentifier() else column


def guess_map(kind: Literal["customers", "events"], columns: list[str]) -> dict[str, Any]:
    """A first proposal for a file with these columns: known spellings of identities, the rest as traits or properties."""
    spellings = {
        "email": ("email", "emailaddress", "mail", "почта", "邮箱"),
        "phone": ("phone", "mobile", "phonenumber", "tel", "telephone", "msisdn", "телефон", "手机"),
        "user_id": ("userid", "customerid", "customer", "clientid", "id", "accountid", "customerno", "customernumber", "clientno",
                    "clientnumber"),
    }
    plain = {c: "".join(ch for ch in c.lower() if ch.isalnum()) for c in columns}
    identities: dict[str, str] = {}
    for found, words in spellings.items():
        column = next((c for c in columns if plain[c] in words), None)
        if column is not None:
            identities[found] = column
    used = set(identities.values())
    proposal: dict[str, Any] = {"kind": kind, "identities": identities}
    if kind == "customers":
        names = {c: _word(c) for c in columns if c not in used}
        twice = {one for one, times in Counter([*names.values(), *identities]).items() if times > 1}
        proposal["traits"] = {c if name in twice else name: c for c, name in names.items()} | (
            {"email": identities["email"]} if "email" in identities else {}
        )
        return proposal
    for part, words in (
        ("name", ("event", "eventname", "name", "type")),
        ("time", ("timestamp", "time", "date", "at", "datetime")),
    ):
        column = next((c for c in columns if plain[c] in words and c not in used), None)
        if column is not None:
            proposal[part] = column
            used.add(column)
    proposal["properties"] = {c: c for c in columns if c not in used}
    return proposal
