"""PostgreSQL: connections, named queries, migrations. The only package that imports psycopg."""

from psycopg import AsyncCopy as Copy
from psycopg.errors import (
    CheckViolation,
    DeadlockDetected,
    Error as PostgresError,
    ForeignKeyViolation,
    LockNotAvailable,
    QueryCanceled,
    SerializationFailure,
    UniqueViolation,
)
from psycopg.rows import dict_row, scalar_row, tuple_row
from psycopg.types.json import Json, Jsonb, set_json_loads

from antiphon.foundation.postgres.database import Connection, Database, DatabaseUnavailable, struct_row
from antiphon.foundation.postgres.json import read_json
from antiphon.foundation.postgres.migrate import Phase, migrate
from antiphon.foundation.postgres.queries import Queries, load_queries
from antiphon.foundation.postgres.statistics import renew_statistics

__all__ = [
    "CheckViolation", "Connection", "Copy", "Database", "DatabaseUnavailable", "DeadlockDetected", "ForeignKeyViolation",
    "Json", "Jsonb", "LockNotAvailable", "Phase", "PostgresError", "Queries", "QueryCanceled", "SerializationFailure",
    "UniqueViolation", "dict_row", "load_queries", "migrate", "read_json", "renew_statistics", "scalar_row", "struct_row",
    "tuple_row",
]

set_json_loads(read_json)
