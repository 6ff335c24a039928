"""What Athena is told beside a table's DDL: to make a database and a view."""

from __future__ import annotations

from stormlake.lake.ddl import quote_name


def create_database(name: str) -> str:
    """Make a database where it is missing."""
    return f"CREATE DATABASE IF NOT EXISTS {quote_name(name)}"


def create_view(name: str, query: str) -> str:
    """Make a view anew; in a view's statement Athena quotes names as its queries do."""
    quoted = '"' + name.replace('"', '""') + '"'
    return f"CREATE OR REPLACE VIEW {quoted} AS\n{query}"
