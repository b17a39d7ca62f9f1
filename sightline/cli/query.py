"""sightline query: a pipeline's query over files or a range of a topic."""

import argparse
from pathlib import Path

EXTRA = "batch"

_EXAMPLES = """examples:
  sightline query pipeline.yaml --input photographs/ --output found.parquet
      each image an event, its path the id; attributes from photographs/events.jsonl, if it is there
  sightline query pipeline.yaml --input clicks.jsonl --tables ads=ads.csv --output -
      the rows to standard output as JSON lines, a table from a file in place of its topic
  sightline query pipeline.yaml --input 'clicks@[2026-01-31T00:00:00Z,2026-02-01T00:00:00Z)' --output day.jsonl \\
      --bootstrap-servers localhost:9092
      a day of the topic; clicks@[100,200) would be offsets of each partition, clicks@[,] all that is there
"""


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    from sightline.cli.batch_run import run

    return run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline query",
        description="Run a pipeline's query once over input that has an end. The rows are those that the stream gives.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pipeline", type=Path, help="pipeline file")
    parser.add_argument(
        "--input",
        required=True,
        metavar="DIR|FILE|TOPIC@[FROM,TO)",
        help="a directory of images, a .jsonl or .parquet file, or a range of a topic",
    )
    parser.add_argument("--output", required=True, metavar="FILE|-", help=".parquet or .jsonl; - is standard output")
    parser.add_argument(
        "--on-error",
        choices=("fail", "dead-letter"),
        default="fail",
        help="what a row does that the stream would dead-letter (%(default)s)",
    )
    parser.add_argument("--dead-letters", type=Path, help="file for them (OUTPUT.dead-letters.jsonl)")
    parser.add_argument(
        "--tables", nargs="+", default=[], metavar="NAME=FILE", help="read these tables from .csv, .jsonl or .parquet"
    )
    parser.add_argument("--limit-rows", type=_positive, help="end after so many rows of the result")
    parser.add_argument("--bootstrap-servers", help="Kafka, for a topic as the input or as a table")
    parser.add_argument("--featurizer-address", help="a featurizer that runs the models (default: in this process)")
    parser.add_argument(
        "--model-root", type=Path, default=Path("build/models"), help="models to run in this process (%(default)s)"
    )
    parser.add_argument("--event-bytes-max", type=_positive, default=5 << 20, help="of one row (%(default)s)")
    parser.add_argument(
        "--future-s-max",
        type=float,
        default=10.0,
        help="seconds that a topic's event times may be ahead of the record's timestamp (%(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a positive number is needed")
    return number
