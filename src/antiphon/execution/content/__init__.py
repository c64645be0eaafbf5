"""What is said: templates in Liquid with MJML, HTML or plain text, their versions, and checks before anything is sent.

Owns the tables ``template``, ``template_version`` and ``link``. A published version never changes. ``ctx.get(Templates)``
gives versions ready to send: ``compiled.render(Render(traits=…, now=…), links)`` is one
person's subject, HTML and text. The channel room's `Rendered` is its result, `Links` what it asks of whoever tracks clicks.
"""

from antiphon.execution.content.compile import CompiledTemplate, compile_source
from antiphon.execution.content.errors import RenderFailed, RenderLimit, TemplateInvalid
from antiphon.execution.content.library import Templates
from antiphon.execution.content.model import (
    Finding,
    Link,
    Links,
    Render,
    Source,
    TraitUse,
    Untracked,
)
from antiphon.execution.content.store import find_urls
from antiphon.execution.content.variants import under_subject

__all__ = [
    "CompiledTemplate",
    "Finding",
    "Link",
    "Links",
    "Render",
    "RenderFailed",
    "RenderLimit",
    "Source",
    "TemplateInvalid",
    "Templates",
    "TraitUse",
    "Untracked",
    "compile_source",
    "find_urls",
    "under_subject",
]
