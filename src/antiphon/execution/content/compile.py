"""From what an author wrote to something that renders fast: everything that is alike for all people happens here, once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import css_inline
import mrml

from antiphon.execution.channels import Rendered
from antiphon.execution.content import links as linking
from antiphon.execution.content.errors import TemplateInvalid
from antiphon.execution.content.liquid import Liquid, parse, values
from antiphon.execution.content.model import Link, Links, Render, Source, Untracked
from antiphon.execution.content.plaintext import from_html
from antiphon.execution.content.straight import MARKUP, PICTURE, Straight, straighten
from antiphon.execution.content.tokens import Hidden, hide
from antiphon.foundation.ids import random_token

MAX_SUBJECT = 500  # characters; longer ones are cut

_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True)
_MJML = mrml.ParserOptions(include_loader=mrml.noop_loader())
_PREHEADER = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{}</div>'
_BODY = re.compile(r"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f\x85\u2028\u2029]+")
_MAYBE_BLANKS = re.compile(r"\n(?:\n\n|[ \t])").search
_BLANKS = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


class CompiledTemplate:
    """A template version ready to render. Immutable and cheap to share.

    ``urls`` are its static links in order; `with_links` gives them the ids of their rows, without which links stay as
    written. ``links`` lists all, for the console.
    """

    def __init__(self, source: Source) -> None:
        mark = _mark(source)
        table = linking.LinkTable(f"{mark}u")
        self.source = source
        self._fill = linking.filler(table.mark)
        self._subject = parse(source.subject, html=False, part="subject")
        html, text = _parts(source, mark, table)
        self._html: Liquid | None = parse(html, html=True, part="body") if html is not None else None
        self._text = parse(text, html=False, part="text" if source.text is not None else "body")
        self._straight = tuple(
            straighten(part, table.mark, html=part is self._html) if part is not None else None
            for part in (self._subject, self._html, self._text)
        )
        # What is straight throughout names its variables in plain words, so one not found in the source is not asked for.
        parts = (self._subject, self._html, self._text)
        winding = any(way is None for part, way in zip(parts, self._straight, strict=True) if part is not None)
        self._preferences = winding or any("preferences_url" in str(part) for part in parts if part is not None)
        self.parts: Sequence[Liquid] = [p for p in (self._subject, self._html, self._text) if p is not None]
        self.urls: Sequence[str] = tuple(table.urls)
        self.links: Sequence[Link] = tuple(table.found)
        self._rows: Sequence[tuple[str, int, str]] = ()
        self._refuse_unknown_filters()

    def with_links(self, ids: Mapping[str, int]) -> CompiledTemplate:
        """Name the row of each static link; returns itself."""
        self._rows = [(str(index), ids[url], url) for index, url in enumerate(self.urls)]
        return self

    def render(self, given: Render, links: Links | None = None) -> Rendered:
        """One person's content. Raises `RenderFailed` or `RenderLimit`."""
        links = links if links is not None else Untracked()
        ways = {"unsubscribe_url": links.unsubscribe_url}
        if self._preferences:
            ways["preferences_url"] = links.preferences_url
        names = values(given.traits, {**given.extra, **ways}, given.now)
        fixed = self._fixed(links)
        picture = linking.picture(links.open_url)
        marked = {key: escape(url) if MARKUP(url) else url for key, url in fixed.items()}
        subject, html, text = self._straight
        return Rendered(
            _SPACES.sub(" ", self._write(self._subject, subject, names, links, fixed, False)).strip()[:MAX_SUBJECT],
            None
            if self._html is None
            else self._write(self._html, html, names, links, {PICTURE: picture, **marked}, True),
            _few_blanks(self._write(self._text, text, names, links, {PICTURE: picture, **fixed}, False)),
        )

    def _write(
        self, part: Liquid, straight: Straight | None, names: Mapping[str, Any], links: Links, places: dict[str, str], html: bool
    ) -> str:
        """One part, by the straight way where there is one."""
        if straight is not None and (written := straight.write(names, places)) is not None:
            return written
        return self._fill(part.write(names), links, places, html)

    def _fixed(self, links: Links) -> dict[str, str]:
        if not self._rows:
            return {str(index): url for index, url in enumerate(self.urls)}
        return {key: links.fixed(link_id, url) for key, link_id, url in self._rows}

    def _refuse_unknown_filters(self) -> None:
        for part in self.parts:
            for name, spans in part.analyze().filters.items():
                if name not in part.env.filters:
                    line = str(part)[: spans[0].index].count("\n") + 1 if spans else None
                    raise TemplateInvalid(f"unknown filter {name}", line=line)


def compile_source(source: Source) -> CompiledTemplate:
    """Compile a template. Raises `TemplateInvalid`, naming part and line."""
    parse(source.body, html=False, part="body")  # so that lines in errors are the author's own
    if source.text is not None:
        parse(source.text, html=False, part="text")
    parse(source.preheader, html=False, part="preheader")
    return CompiledTemplate(source)


def _few_blanks(text: str) -> str:
    """Never more than one empty line. Looked for before it is searched for: most texts have none."""
    return _BLANKS.sub("\n\n", text) if _MAYBE_BLANKS(text) else text


def _mark(source: Source) -> str:
    """Letters nobody can guess: what a customer's data contains is then never taken for a placeholder."""
    return "lq" + re.sub(r"[^a-z]", "", random_token(48).lower())[:20]


def _parts(source: Source, mark: str, table: linking.LinkTable) -> tuple[str | None, str]:
    """The Liquid of the HTML part (None for plain text) and of the text part."""
    if source.format == "text":
        hidden = hide(source.body, mark)
        return None, _plain(hidden, table)
    hidden = hide(source.body, mark, mjml=source.format == "mjml")
    html = linking.mark_html(_styled(source, hidden), hidden, table)
    if source.text is not None:
        text = _plain(hide(source.text, mark), table)
    else:
        text = hidden.restore(from_html(html, mark))
    return hidden.restore(_dressed(html, source.preheader, table.mark)), text


def _plain(hidden: Hidden, table: linking.LinkTable) -> str:
    # Tags stand as comments in what is hidden; as text they are plain again before bare addresses are looked for.
    flat = Hidden(re.sub(rf"<!--({hidden.mark}\d+q)-->", r"\1", hidden.text), hidden.mark, hidden.pieces)
    return hidden.restore(linking.mark_text(flat.text, hidden, table))


def _styled(source: Source, hidden: Hidden) -> str:
    if source.format == "mjml":
        try:
            return mrml.to_html(hidden.text, parser_options=_MJML, render_options=mrml.RenderOptions(fonts={})).content
        except Exception as failed:  # mrml raises plain OSError subclasses of its own
            raise TemplateInvalid(hidden.restore(f"MJML: {failed}")) from failed
    if "<style" not in hidden.text.lower():
        return hidden.text
    try:
        return _INLINER.inline(hidden.text)
    except css_inline.InlineError as failed:
        raise TemplateInvalid(hidden.restore(f"CSS: {failed}")) from failed


def _dressed(html: str, preheader: str, mark: str) -> str:
    """Preheader after the body's start; the open picture's place before its end."""
    if preheader:
        opening = _BODY.search(html)
        at = opening.end() if opening else 0
        html = html[:at] + _PREHEADER.format(preheader) + html[at:]
    ends = list(_BODY_END.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return f"{html[:at]}{mark}P{html[at:]}"
