"""What an author should know before sending: traits that are missing, links that are broken, things mailboxes refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.expression import Expression

from antiphon.execution.channels import Capabilities, Size
from antiphon.execution.content.compile import CompiledTemplate
from antiphon.execution.content.links import FAULTS, fault
from antiphon.execution.content.liquid import Liquid
from antiphon.execution.content.model import Finding, Source, TraitUse

GIVEN = frozenset({
    "profile", "unsubscribe_url", "preferences_url", "language", "now", "today", "campaign", "offer", "event", "forloop",
    "tablerowloop",
})  # fmt: skip
CLIPPED = 100_000  # octets of HTML after which a large mailbox provider cuts a message

_HREF = re.compile(r"<(?:a|area)\b[^>]*?\shref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
_SRC = re.compile(r"<img\b[^>]*?\ssrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_FORBIDDEN = re.compile(r"<(script|iframe|object|embed|form)\b|\son\w+\s*=", re.IGNORECASE)
_WAY_OUT = re.compile(
    r"unsubscribe_url|preferences_url|\b(stop|stopp|unsubscribe|стоп|отпи[сш]\w*|baja|arr[êe]t)\b|退订|退訂|回复?\s*T\b",
    re.IGNORECASE,
)
_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def used_traits(compiled: CompiledTemplate) -> list[TraitUse]:
    """Every trait the template reads. One that is tested in a condition counts as having a default."""
    uses: dict[str, bool] = {}
    for part in compiled.parts:
        outside = {str(name) for name in part.analyze().globals}
        guarded: set[str] = set()
        plain: set[str] = set()
        for expression, shown in _expressions(part):
            for path in _paths(expression):
                trait = _trait(path, outside)
                if trait is not None:
                    (plain if shown and not _has_default(expression) else guarded).add(trait)
        for trait in plain | guarded:
            uses[trait] = uses.get(trait, True) and (trait in guarded or trait not in plain)
    return [TraitUse(name=name, has_default=default) for name, default in sorted(uses.items())]


def findings(
    source: Source,
    compiled: CompiledTemplate,
    missing: Mapping[str, float],
    *,
    marketing: bool = True,
    carrier: Capabilities | None = None,
) -> list[Finding]:
    """Everything worth saying about a template that compiles; ``carrier`` is what its channel can do, a mail's if None."""
    found = [*_link_findings(source), *_html_findings(source), *_trait_findings(compiled, missing)]
    if carrier is not None and not carrier.html and not carrier.subject:
        if not _said(source).strip():
            found.append(Finding(code="text-empty", severity="error", detail="the text is empty"))
        if marketing and not _WAY_OUT.search(_said(source)):
            found.append(Finding(
                code="way-out-missing", severity="warning",
                detail="nothing says how to unsubscribe: name a word such as STOP, or put in {{ unsubscribe_url }}",
            ))  # fmt: skip
        return found
    if not source.subject.strip():
        found.append(Finding(code="subject-empty", severity="error", detail="the subject is empty", part="subject"))
    if marketing and "unsubscribe_url" not in source.body:
        found.append(
            Finding(
                code="unsubscribe-missing",
                severity="warning",
                detail="there is no {{ unsubscribe_url }} in the body; only the header offers a way out",
            )
        )
    return found


def size_findings(size: Size) -> Iterator[Finding]:
    """What is worth saying about the size of a text that is paid by the part."""
    if size.parts > 1:
        facts = {"parts": str(size.parts), "units": str(size.units)}
        yield Finding(code="several-parts", severity="warning", detail=f"the text takes {size.parts} parts", facts=facts)
    if size.widening:
        facts = {"characters": size.widening, "per_part": str(size.per_part)}
        detail = f"because of {size.widening!r} a part has room for {size.per_part} characters only"
        yield Finding(code="wide-characters", severity="warning", detail=detail, facts=facts)


def _said(source: Source) -> str:
    return source.body if source.text is None else source.text


def _link_findings(source: Source) -> Iterator[Finding]:
    if source.format == "text":
        return
    for pattern, what in ((_HREF, "link"), (_SRC, "picture")):
        for match in pattern.finditer(_masked(source.body)):
            url = next((group for group in match.groups() if group is not None), "")
            if "\0" in url:
                continue
            why = fault(url.replace("&amp;", "&").strip())
            if why is not None and not (what == "picture" and url.startswith("cid:")):
                yield Finding(
                    code=f"{what}-broken",
                    severity="error" if what == "link" else "warning",
                    detail=f"{what} {url[:100]!r}: {FAULTS[why]}",
                    line=source.body[: match.start()].count("\n") + 1,
                    facts={"url": url[:100], "why": why},
                )


def _html_findings(source: Source) -> Iterator[Finding]:
    if source.format == "text":
        return
    masked = _masked(source.body)
    for match in _FORBIDDEN.finditer(masked):
        yield Finding(
            code="html-active",
            severity="error",
            detail=f"mail programs refuse {match[0].strip()[:40]!r}",
            line=masked[: match.start()].count("\n") + 1,
            facts={"found": match[0].strip()[:40]},
        )
    for match in _IMG.finditer(masked):
        if not re.search(r"\salt\s*=", match[0], re.IGNORECASE):
            yield Finding(
                code="picture-without-alt",
                severity="warning",
                detail="a picture has no alt text",
                line=masked[: match.start()].count("\n") + 1,
            )
    if len(source.body.encode()) > CLIPPED:
        yield Finding(code="html-long", severity="warning", detail="large mailbox providers cut messages over 100 KB")


def _trait_findings(compiled: CompiledTemplate, missing: Mapping[str, float]) -> Iterator[Finding]:
    for use in used_traits(compiled):
        share = missing.get(use.name, 0.0)
        if share > 0 and not use.has_default:
            detail = f"{share:.0%} of sampled people lack {use.name}, and there is no default"
            facts = {"share": f"{share:.4f}", "trait": use.name}
            yield Finding(code="trait-missing", severity="warning", detail=detail, facts=facts)


def _masked(body: str) -> str:
    """The body with Liquid blotted out, every line where it was."""
    return _LIQUID.sub(lambda m: re.sub(r"[^\n]", "\0", m[0]), body)


def _expressions(part: Liquid) -> Iterator[tuple[Expression, bool]]:
    """Each expression, and whether its value is shown (not merely tested or looped over)."""
    todo: list[Node] = list(part.nodes)
    context = part.context_class(part)
    while todo:
        node = todo.pop()
        shown = isinstance(node, (OutputNode, AssignNode))
        for expression in node.expressions():
            yield expression, shown
        todo.extend(node.children(context, include_partials=False))


def _paths(expression: Expression) -> Iterable[Path]:
    if isinstance(expression, Path):
        yield expression
    for child in expression.children():
        yield from _paths(child)


def _has_default(expression: Expression) -> bool:
    return isinstance(expression, FilteredExpression) and any(f.name == "default" for f in expression.filters or ())


def _trait(path: Path, outside: set[str]) -> str | None:
    segments = [segment for segment in path.path if isinstance(segment, str)]
    if not segments or segments[0] not in outside:
        return None
    if segments[0] == "profile":
        return segments[1] if len(segments) > 1 else None
    return None if segments[0] in GIVEN else segments[0]
