"""Workbooks row by row: what cells mean, what is damaged or hostile, and memory that stays where it was."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import psutil
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from python_calamine import CalamineWorkbook
from tests.awareness.test_imports_customers import make_spreadsheet

from antiphon.awareness.imports.model import UnreadableFile
from antiphon.awareness.imports.reading import prepare, sheets_of
from antiphon.awareness.imports.xlsx import Workbook

MEGABYTES = 100
MOST_GROWTH = 16
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(path: Path, sheet: Iterator[str] | str, *, texts: str = "", styles: str = "", properties: str = "") -> Path:
    """A workbook of these parts: the inside of its sheetData, of its shared texts, of its styles."""
    make_spreadsheet(path, [["x"]])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    del parts["xl/worksheets/sheet1.xml"]
    if properties:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"<sheets>", f"<workbookPr {properties}/><sheets>".encode())
    if texts:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{texts}</sst>'.encode()
        parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
            b"</Relationships>",
            b'<Relationship Id="r9" Target="sharedStrings.xml" '
            b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
        )
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>'.encode()
        parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
            b"</Relationships>",
            b'<Relationship Id="r8" Target="styles.xml" '
            b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/></Relationships>',
        )
    with zipfile.ZipFile(path, "w") as book:
        for name, body in parts.items():
            book.writestr(name, body)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as out:
            out.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for piece in [sheet] if isinstance(sheet, str) else sheet:
                out.write(piece.encode())
            out.write(b"</sheetData></worksheet>")
    return path


def read(path: Path, **asked: int) -> list[list[str]]:
    with Workbook(path, path.parent) as book:
        return list(book.rows(**asked))


def test_cells_come_out_as_they_are_meant(tmp_path: Path) -> None:
    texts = (
        "<si><t>name</t></si><si><r><t>An</t></r><r><t xml:space='preserve'>na </t></r></si>"
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si>"
    )
    styles = (
        '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm"/>'
        '<numFmt numFmtId="165" formatCode="&quot;days&quot; 0.00 [Red]"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="20"/></cellXfs>'
    )
    sheet = (
        '<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>B</t></is></c><c t="str"><v>C</v></c><c t="str"><v>D</v></c></row>'
        '<row r="2"><c r="A2" s="3"/></row>'
        '<row r="3"><c r="A3" t="s"><v>1</v></c><c r="D3" t="b"><v>1</v></c></row>'
        '<row r="4"><c r="A4" t="s"><v>2</v></c><c r="B4" s="1"><v>45000</v></c><c r="C4" s="2"><v>45000.75</v></c>'
        '<c r="D4" s="4"><v>0.5</v></c><c r="F4" s="1"/></row>'
        '<row r="5"><c r="A5"><v>1.0</v></c><c r="B5"><v>1E-3</v></c><c r="C5" s="3"><v>7.5</v></c>'
        '<c r="D5" t="e"><v>#N/A</v></c></row>'
        '<row r="6"><c r="A6" t="str"><f>A1&amp;"x"</f><v>a &lt; b</v></c></row>'
    )
    path = workbook(tmp_path / "a.xlsx", sheet, texts=texts, styles=styles)
    assert read(path) == [
        ["name", "B", "C", "D"],
        ["Anna ", "", "", "true"],
        ["東京", "2023-03-15", "2023-03-15T18:00:00", "12:00:00"],
        ["1", "0.001", "7.5", ""],
        ["a < b", "", "", ""],
    ]
    assert read(path, limit=2) == [["name", "B", "C", "D"], ["Anna ", "", "", "true"]]
    assert sheets_of(path) == ["People"]
    early = workbook(tmp_path / "b.xlsx", '<row><c s="1"><v>0</v></c></row>', styles=styles, properties='date1904="1"')
    assert read(early) == [["00:00:00"]] or read(early) == [["1904-01-01"]]


cells = st.one_of(
    st.none(), st.integers(-(10**9), 10**9), st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), st.text('abc,"é漢\n ', max_size=5)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6))
def test_it_reads_what_another_reader_reads(tmp_path: Path, rows: list[list[object]]) -> None:
    path = tmp_path / "same.xlsx"
    make_spreadsheet(path, [["a", "b", "c"], *([escape(c) if isinstance(c, str) else c for c in row] for row in rows)])
    other = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("People").to_python(skip_empty_area=False)

    def shown(value: object) -> str:
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()

    expected = [found for row in other if any(found := [shown(value) for value in row])]
    assert [[value.strip() for value in row] for row in read(path)] == [row + [""] * (3 - len(row)) for row in expected]


def test_damaged_and_hostile_files_are_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "whole.xlsx", "<row><c><v>1</v></c></row>")
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(whole.read_bytes()[:-40])
    broken = workbook(tmp_path / "broken.xlsx", "<row><c><v>1</c></row>")
    for path in (cut, broken):
        with pytest.raises(UnreadableFile):
            prepare(path, tmp_path, encoding="utf-8", sheet=None)
    with pytest.raises(UnreadableFile, match="no sheet 'Other'"):
        prepare(whole, tmp_path, encoding="utf-8", sheet="Other")
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(bomb, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name.endswith("sheet1.xml"):
                body = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + body.replace(b"<v>1", b"<v>&b;")
            new.writestr(name, body)
    with pytest.raises(UnreadableFile, match="entities"):
        prepare(bomb, tmp_path, encoding="utf-8", sheet=None)


def test_a_hundred_megabytes_stream_through(tmp_path: Path) -> None:
    number = 0

    def rows() -> Iterator[str]:
        nonlocal number
        yield '<row><c t="str"><v>E-mail</v></c><c t="str"><v>Name</v></c><c t="str"><v>Visits</v></c></row>'
        size = 0
        while size < MEGABYTES << 20:
            piece = "".join(
                f'<row><c t="inlineStr"><is><t>person{n}@example.org and a long remark about them {n:0900d}</t></is></c>'
                f'<c t="s"><v>{n * 7919 % 200_000}</v></c><c><v>{n % 100}</v></c></row>'
                for n in range(number, number + 1_000)
            )
            number += 1_000
            size += len(piece)
            yield piece

    texts = "".join(f"<si><t>Customer with a rather long name number {n}</t></si>" for n in range(200_000))
    path = workbook(tmp_path / "large.xlsx", rows(), texts=texts)
    del texts
    assert path.stat().st_size > MEGABYTES << 20
    read(workbook(tmp_path / "small.xlsx", "<row><c><v>1</v></c></row>", texts="<si><t>x</t></si>"))
    before = psutil.Process().memory_info().rss
    peak = count = 0
    with Workbook(path, tmp_path) as book:
        for place, row in enumerate(book.rows()):
            count += 1
            if place % 20_000 == 1:
                assert row[1] == f"Customer with a rather long name number {(place - 1) * 7919 % 200_000}"
                peak = max(peak, psutil.Process().memory_info().rss)
    assert count == number + 1
    assert (peak - before) >> 20 < MOST_GROWTH
