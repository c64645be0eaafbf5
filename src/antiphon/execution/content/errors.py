"""What can go wrong with templates."""

from __future__ import annotations

from typing import Any

from antiphon.foundation.errors import Conflict, Invalid, NotFound


class TemplateUnknown(NotFound):
    """There is no template {template}."""

    code = "template-unknown"


class TemplateVersionUnknown(NotFound):
    """There is no version {version} of this template."""

    code = "template-version-unknown"


class TemplateNameTaken(Conflict):
    """There is already a template named {name}."""

    code = "template-name-taken"


class NothingToPublish(Conflict):
    """This template has no draft: change it first."""

    code = "template-nothing-to-publish"


class TemplateInvalid(Invalid):
    """The template cannot be understood: {why}"""

    code = "template-invalid"

    def __init__(self, why: str, *, part: str = "body", line: int | None = None, **facts: Any) -> None:
        self.part = part
        self.line = line
        self.why = why
        where = f"{part}, line {line}: " if line else f"{part}: "
        super().__init__(where + why, field=part, line=line, **facts)


class TemplateHasErrors(Invalid):
    """The template has errors; correct them before publishing: {errors}"""

    code = "template-has-errors"


class RenderFailed(Invalid):
    """The template could not be rendered for this person: {why}"""

    code = "template-render-failed"


class RenderLimit(RenderFailed):
    """The template was stopped, because it takes too long or writes too much: {why}"""

    code = "template-render-limit"
