"""sightline send: photographs as camera events, or rows of a table, and the alert that comes of it."""

import argparse
from pathlib import Path

from sightline.cli.kafka_options import ENVIRONMENT, add_servers

EXTRA = "io"

_EXAMPLES = f"""{ENVIRONMENT}
examples:
  sightline send --image cat.jpg --camera door-3 --location-id piz-gloria
  sightline send --image photographs/ --rate 20 --count 0 --location-id piz-gloria
      all images of the directory in turn, 20 a second, until Ctrl-C
  sightline send --image cat.jpg --location-id piz-gloria --wait-alert --timeout-s 30
      prints the alert as JSON; ends with 1 if none came
  sightline send --topic locations --rows locations.jsonl --key location_id
      each line is a row, its location_id the record's key
"""


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    if arguments.rows:
        from sightline.cli.send_rows import run

        return run(arguments)
    from sightline.cli.send_images import run as run_images

    return run_images(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline send",
        description="Send photographs as CloudEvents, or the rows of a table, and wait until Kafka has them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_servers(parser)
    parser.add_argument("--topic", help="events for photographs; needed for rows")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image", nargs="+", type=Path, metavar="FILE|DIR", help="JPEG, PNG or WebP, sent as they are")
    what.add_argument("--rows", type=Path, metavar="FILE", help="JSON lines")
    parser.add_argument(
        "--timeout-s", type=float, default=60, help="to wait for Kafka, and for the alert (%(default)s)"
    )

    events = parser.add_argument_group("photographs")
    events.add_argument("--camera", nargs="+", default=["sightline-send"], help="keys, in turn (%(default)s)")
    events.add_argument("--location-id", nargs="+", default=[], help="what the table is joined by, in turn")
    events.add_argument("--source", default="/sightline/send", help="CloudEvents source (%(default)s)")
    events.add_argument("--rate", type=_above_zero, default=10.0, help="events a second (%(default)s)")
    events.add_argument("--count", type=int, help="events (one of each photograph); 0: until Ctrl-C or SIGTERM")
    events.add_argument("--wait-alert", action="store_true", help="until an alert for one of the events has come")
    events.add_argument("--alerts-topic", default="alerts", help="where it is waited for (%(default)s)")
    events.add_argument("--alerts-address", metavar="H:P", help="wait at alerting's gRPC service instead")

    rows = parser.add_argument_group("rows")
    rows.add_argument("--key", help="column that is the record's key")
    return parser


def _above_zero(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError("a number above 0 is needed")
    return number
