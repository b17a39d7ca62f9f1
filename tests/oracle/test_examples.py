"""Each function's examples, from its documentation, on both engines."""

from pyspark.sql import SparkSession

from sightline.query.functions import FUNCTIONS, load
from tests.oracle.spark import Oracle, Refused, evaluate_here, same

NOT_IN_SPARK = {"distance_km", "iff"}


def test_every_example_holds_on_both_engines(session: SparkSession) -> None:
    load()
    cases = [
        (name, text)
        for name, function in FUNCTIONS.items()
        if name not in NOT_IN_SPARK
        for example in function.examples
        for text in example
    ]
    oracle = Oracle(session, {"x": "int"}, [{"x": 1}])
    theirs = oracle.evaluate([text for _, text in cases])
    wrong = []
    for (name, text), (kind, there) in zip(cases, theirs, strict=True):
        our_type, here = evaluate_here(text, {"x": "int"}, [{"x": 1}])
        if isinstance(there, Refused) or isinstance(here, Refused):
            wrong.append(f"{name}: {text}: here {here}, Spark {there}")
        elif our_type is None or our_type != kind or not same(here[0], there[0], our_type, ulps=1):
            wrong.append(f"{name}: {text}: here {our_type} {here[0]!r}, Spark {kind} {there[0]!r}")
    assert not wrong, "\n".join(wrong)
