"""What a plan is made of.

events → predicates on the event → join, predicates on its row → … → models → predicates on their answers
       → columns, or group keys and aggregates → windows → HAVING → columns
"""

from dataclasses import dataclass, field
from enum import Enum

from sightline.query.expressions import Code
from sightline.query.schema import Relation
from sightline.query.types import Type
from sightline.query.windows.aggregates import AggregateCall
from sightline.query.windows.spec import WindowSpec


class JoinKind(Enum):
    INNER = "INNER"
    LEFT = "LEFT"
    SEMI = "LEFT SEMI"
    ANTI = "LEFT ANTI"


@dataclass(frozen=True)
class Join:
    """A join with a table on equality: rows of `table` whose `index` expression equals `key`.

    `key` is over what stands left of the join. `index` is over the table's row alone; None stands for the table's
    own key. `residual`: the rest of ON.
    """

    kind: JoinKind
    table: str
    relation: Relation
    key: Code
    index: Code | None
    residual: tuple[Code, ...]
    text: str
    """ON as the user wrote it."""


@dataclass(frozen=True)
class ModelCall:
    """`function(model, image[, k])`; its answer for an event is in `variable`."""

    function: str
    model: str
    top_k: int
    image: Code
    variable: str
    offset: int


@dataclass(frozen=True)
class Explode:
    """`LATERAL inline(predict(…))`: a row an element of an answer."""

    call: ModelCall
    relation: Relation


@dataclass(frozen=True)
class Grouping:
    """GROUP BY: `keys` and the aggregates' `arguments` are over the joined row, the rest over a group.

    In the group's code `start` is the window's, µs; `key` the tuple of the keys, `values` that of the aggregates.
    """

    spec: WindowSpec
    keys: tuple[Code, ...]
    key_names: tuple[str, ...]
    aggregates: tuple[AggregateCall, ...]
    arguments: tuple[tuple[Code, ...], ...]
    having: tuple[Code, ...]
    by_source_key: bool
    """The source's partition key is among the keys: no group has rows in two partitions."""


@dataclass
class Plan:
    """`predicates[n]` are those that can be decided once the rows of stage n are there; 0 is the event's."""

    source_name: str
    source: Relation
    event_time: Code | None
    """Over the source's row; None: the record's timestamp, or what the format has."""
    event_time_column: str | None = None
    """Source of the one column that it reads, if it is one."""
    joins: list[Join] = field(default_factory=list)
    models: list[ModelCall] = field(default_factory=list)
    explode: Explode | None = None
    predicates: dict[int, list[Code]] = field(default_factory=dict)
    predicate_texts: dict[int, list[str]] = field(default_factory=dict)
    grouping: Grouping | None = None
    output: dict[str, Code] = field(default_factory=dict)
    source_columns: frozenset[str] = frozenset()
    """The columns of the source that are used at all."""

    @property
    def model_stage(self) -> int:
        """The stage from which on the models' answers are there."""
        return len(self.joins) + 1

    @property
    def types(self) -> dict[str, Type]:
        """The result's columns."""
        return {name: code.type for name, code in self.output.items()}
