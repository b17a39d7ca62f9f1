"""Calls of models: found wherever they stand, made once each, and replaced by what they answer.

`predict(model, image[, k])` gives array<struct<rank int, label string, score double>>, best first.
`featurize(model, image)` gives array<float>, and so does any other signature of a model, called by its name.
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from sightline.query.dialect import offset_of
from sightline.query.expressions import Code
from sightline.query.functions import FUNCTIONS, load
from sightline.query.planning.nodes import Explode, ModelCall, Plan
from sightline.query.planning.scope import Scope
from sightline.query.schema import Column, field_name
from sightline.query.types import BINARY, DOUBLE, FLOAT, INT, STRING, Array, Field, Struct

TOP_K_MAX = 100
CALLS_MAX = 8

PREDICTION = Struct(fields=(Field("rank", INT), Field("label", STRING), Field("score", DOUBLE)))
PREDICT_TYPE, VECTOR_TYPE = Array(element=PREDICTION), Array(element=FLOAT)

_USAGE = "predict('model', image[, k])"


def plan_models(scope: Scope, plan: Plan, select: exp.Select, stage: int) -> None:
    """Plan each distinct call in the query and let expressions over it read the answer, there from `stage` on.

    Raises QueryError.
    """
    load()
    calls: dict[exp.Expression, ModelCall] = {}
    for node in _calls(select):
        if node in calls:
            continue
        if len(calls) == CALLS_MAX:
            raise scope.error(f"{CALLS_MAX} different model calls a query are allowed", node)
        call = _call(scope, node, f"answer{len(calls)}")
        if call is None:
            continue
        calls[node] = call
        plan.models.append(call)
        kind = PREDICT_TYPE if call.function == "predict" else VECTOR_TYPE
        scope.expressions.substitutes[node] = Code(call.variable, kind, call.image.nullable, stage)


def _calls(select: exp.Select) -> Iterator[exp.Anonymous]:
    """In the order of the text."""
    found = [each for each in select.find_all(exp.Anonymous) if _is_call(each)]
    yield from sorted(found, key=offset_of)


def _is_call(node: exp.Anonymous) -> bool:
    """A function that SQL doesn't know, whose first argument names a model."""
    name = node.name.lower()
    first = node.expressions[0] if node.expressions else None
    named = isinstance(first, exp.Literal) and first.is_string and len(node.expressions) >= 2
    return name in ("predict", "featurize") or (name not in FUNCTIONS and named)


def _call(scope: Scope, node: exp.Anonymous, variable: str) -> ModelCall | None:
    """None where it is no call of a model after all, but of a function that nobody knows."""
    function, arguments = node.name.lower(), node.expressions
    usage = _USAGE if function == "predict" else f"{function}('model', image)"
    counts = (2, 3) if function == "predict" else (2,)
    if len(arguments) not in counts or not (isinstance(arguments[0], exp.Literal) and arguments[0].is_string):
        raise scope.error(f"write {usage}", node)
    image = scope.expressions.compile(arguments[1])
    if image.type != BINARY:
        if function not in ("predict", "featurize"):
            return None
        raise scope.error(f"the second argument of {function} must be an image, this is {image.type}", arguments[1])
    if image.stage:
        raise scope.error("the image must be the event's, not a table's", arguments[1])
    top_k = _top_k(scope, arguments)
    return ModelCall(function, arguments[0].this, top_k, image, variable, offset_of(arguments[0]))


def _top_k(scope: Scope, arguments: list[exp.Expression]) -> int:
    if len(arguments) < 3:
        return 1
    given = arguments[2]
    if not (isinstance(given, exp.Literal) and given.is_int and 1 <= int(given.this) <= TOP_K_MAX):
        raise scope.error(f"k must be a whole number from 1 to {TOP_K_MAX}", given)
    return int(given.this)


def plan_explode(scope: Scope, plan: Plan, join: exp.Join) -> None:
    """CROSS JOIN LATERAL inline(predict('model', e.image[, k])) p"""
    call = join.this.this.this if isinstance(join.this.this, exp.Inline) else None
    planned = scope.expressions.substitutes.get(call) if call is not None else None
    if join.kind != "CROSS" or planned is None or planned.type != PREDICT_TYPE:
        raise scope.error(f"only CROSS JOIN LATERAL inline({_USAGE}) alias is supported", join)
    if plan.explode:
        raise scope.error("one LATERAL a query is supported", join)
    columns = {
        field.name: Column(field.type, False, f"{{row}}.{field_name(index)}")
        for index, field in enumerate(PREDICTION.fields)
    }
    relation = scope.add(join.this, columns, "prediction")
    relation = replace(relation, stage=plan.model_stage)
    scope.expressions.relations[relation.alias] = relation
    model = next(each for each in plan.models if each.variable == planned.text)
    plan.explode = Explode(model, relation)
