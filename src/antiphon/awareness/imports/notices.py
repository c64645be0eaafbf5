"""What rooms beside and above hear of imports."""

from __future__ import annotations

from typing import Literal

from antiphon.foundation.notices import Notice


class ImportFinished(Notice, frozen=True):
    """An import is over: ``name`` is its file's, ``made`` and ``changed`` count customers, or events. Who they are says
    `people_of`. A dry run is not told."""

    import_id: int
    kind: Literal["customers", "events"]
    name: str
    made: int
    changed: int
