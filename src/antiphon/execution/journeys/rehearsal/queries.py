"""The statements of rehearsals on PostgreSQL."""

from pathlib import Path

from antiphon.foundation.postgres import load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
