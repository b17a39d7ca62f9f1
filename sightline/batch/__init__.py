"""A pipeline's query over input that has an end: the generated code of the stream, run to the last row."""
