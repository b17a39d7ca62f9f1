from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.oracle.spark import start


@pytest.fixture(scope="session")
def session() -> Iterator[SparkSession]:
    spark = start()
    yield spark
    spark.stop()
