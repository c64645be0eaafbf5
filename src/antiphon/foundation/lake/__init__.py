"""The lake: DuckDB over Parquet in a process of its own, its catalogue in PostgreSQL. The only package that imports duckdb.

Tables are `lake.<table>`; PostgreSQL is attached read-only as `pg` (best read by `postgres_query('pg', '…')`). Parameters
are `$name`. Rooms keep their statements in `lake.sql`.
"""

from antiphon.foundation.lake.client import LakeClient
from antiphon.foundation.lake.errors import LakeConflict, LakeQueryFailed, LakeTimeout, LakeUnavailable
from antiphon.foundation.lake.launcher import LakeProcess, start_lake
from antiphon.foundation.lake.session import LakeSession, LakeTransaction
from antiphon.foundation.lake.storage import ObjectStorage, object_storage
from antiphon.foundation.lake.wire import transaction_variable

__all__ = [
    "LakeClient",
    "LakeConflict",
    "LakeProcess",
    "LakeQueryFailed",
    "LakeSession",
    "LakeTimeout",
    "LakeTransaction",
    "LakeUnavailable",
    "ObjectStorage",
    "object_storage",
    "start_lake",
    "transaction_variable",
]
