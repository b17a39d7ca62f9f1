"""A query and the tables that it looks rows up in."""

from collections.abc import Mapping

from sightline.query.compiling.query import Bound, Query
from sightline.query.tables.table import TableRows


def bind_tables(query: Query, tables: Mapping[str, TableRows]) -> Bound:
    """The tables get the indexes that the query's joins need; rows may be there already."""
    lookups = []
    for name, index in query.indexes:
        rows = tables[name]
        lookups.append(rows.lookup(rows.add_index(index.key, index.name) if index else 0))
    return query.bind(lookups)
