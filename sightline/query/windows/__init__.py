"""Event-time windows with no I/O, no threads and no clock of their own.

spec.py        which windows a time belongs to, and when one is closed
exact.py       sums of doubles without rounding, so that the order of rows can't show
values.py      SQL values as group keys and in msgpack
functions/     the aggregate functions, one class each
aggregates.py  all calls of a query as one accumulator, with the source that updates it
windowing.py   spec, group keys and aggregates together: what both stages and the records share
accumulate.py  the source that adds one row to stage 1
state.py       stage 1: partial aggregates of one source partition
merge.py       stage 2: partials of all source partitions, in one repartition partition
records.py     what travels: changelog and repartition records

Stage 1 is a pure function of its partition's log: a row is late or not by the rows before it in the same partition,
never by when a batch ended. Stage 2 replaces, never adds, what a source partition said before of a window and key.
Both can therefore read anything twice.
"""
