"""SQL over a stream, with no I/O: pipeline file → syntax tree → plan → Python functions, and the state they work on.

pipeline.py   the YAML file
dialect.py    Spark SQL's syntax, and where in the file a piece of it stands
types.py      SQL types; schema.py: relations and their columns
expressions/  one SQL expression as Python source; functions/: the functions; runtime/: what the source calls
planning/     what runs when: predicates as early as their columns allow, models last
compiling/    the plan as generated functions over batches of rows
tables/       the rows of a table: in memory or on disk, kept current, found by key, index or time
windows/      event-time windows: partial aggregates of a partition, merged over all
keys.py       the Kafka key of a result row
"""
