"""A plan as Python functions, generated as source and compiled once, so that one event costs microseconds.

query.py     the entry: what a compiled query offers
scan.py      events → joined rows, results or windows: the loop over a batch, of rows or of columns
event.py     what the loop does with one event
columnar.py  lines that are for rows made into lines for columns
finish.py    the models' answers → results or windows
present.py   values as they are sent

Literals are the only thing of the user's text that enters the source, by `repr`; names go through the plan.
"""
