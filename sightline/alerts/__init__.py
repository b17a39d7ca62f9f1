"""Which match becomes an alert, decided without I/O.

pipelines.py  what rules need to know of a pipeline
rules.py      the rules file, checked against the pipelines
summary.py    a rule's summary, filled with a match's columns
memory.py     what was alerted before, within the horizon
decide.py     (match, rule, memory) → alert, duplicate, cooldown or too old
records.py    an alert as it travels through Kafka
"""
