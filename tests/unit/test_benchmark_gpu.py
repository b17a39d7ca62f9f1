"""The benchmark of GPUs measures the pools that the chart has."""

import pytest

from benchmarks.sizing.gpu import POOLS
from tests.unit import chart


@pytest.mark.parametrize("pool", ["gpu", "cpu"])
def test_settings_are_those_of_the_chart(pool: str) -> None:
    settings = chart.values()["featurizer"]["pools"][pool]["settings"]
    assert settings.items() <= POOLS[pool].settings.items()
