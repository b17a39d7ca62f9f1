"""Source formats: the bytes of a record as a row of the source's columns."""
