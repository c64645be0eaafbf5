"""How the lake fails. DuckDB's own exceptions die in this folder."""

from __future__ import annotations

from antiphon.foundation.errors import AntiphonError, Unavailable


class LakeUnavailable(Unavailable):
    """The lake cannot be reached now; try again."""


class LakeTimeout(Unavailable):
    """The question took longer than {seconds} seconds and was stopped; narrow it or try again."""


class LakeConflict(Unavailable):
    """Somebody else changed the same part of the lake at the same time; try again."""


class LakeQueryFailed(AntiphonError):
    """The lake refused the statement."""


class LakeMigrationFailed(AntiphonError):
    """Lake migration {name} failed: {why}"""
