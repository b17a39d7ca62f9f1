"""What is wrong with a running release and what to do about it: pure decisions over plain values.

`snapshot` has the values, `sightline.io.cluster` reads them, each other module is one kind of check, and `examine`
runs them all.
"""
