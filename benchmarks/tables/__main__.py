"""Tables: what a look-up costs from a thousand to ten million rows, in memory and on disk, and beside updates.

Each figure comes from a process of its own, so that memory is one table's. Rows are
`{"id": "key-00000042", "name": …, "lat": …, "lon": …, "n": …}`, applied as a topic's records are. Writes
benchmarks/results/tables.json and tables.png.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import versions
from benchmarks.report import RESULTS, make_parser
from benchmarks.tables import plot
from demo.summary import cpu

ROWS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MEMORY_ROWS_MAX = 1_000_000
"""A larger table is measured on disk only."""

EXAMPLES = """\
examples:
  python -m benchmarks.tables                     all sizes, about 4 minutes
  python -m benchmarks.tables --rows 1000 100000  a quick look
"""


def main() -> None:
    parser = make_parser("benchmarks.tables", __doc__, EXAMPLES)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of tables.json and tables.png")
    options = parser.parse_args()
    stores: dict[str, dict[str, Any]] = {"memory": {}, "disk": {}}
    for rows in options.rows:
        for store, results in stores.items():
            if store == "disk" or rows <= MEMORY_ROWS_MAX:
                results[str(rows)] = one = _measure(store, rows)
                print(f"{store}, {rows:,} rows: {_line(one)}", flush=True)
    result = {"date": datetime.now(UTC).date().isoformat(), **stores, "cpu": cpu(), "versions": versions()}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "tables.json").write_text(json.dumps(result, indent=2) + "\n")
    plot.draw(result, options.out / "tables.png")
    print(f"{options.out / 'tables.json'}, {options.out / 'tables.png'}")


def _measure(store: str, rows: int) -> dict[str, Any]:
    argv = [sys.executable, "-m", "benchmarks.tables.measure", store, str(rows)]
    found: dict[str, Any] = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
    return found


def _line(one: dict[str, Any]) -> str:
    hot, spread, storm = one["hot_us"], one["random_us"], one["storm_us"]
    return (
        f"hot p50 {hot['p50']:.2f} p99 {hot['p99']:.2f} µs, random p50 {spread['p50']:.2f} p99 {spread['p99']:.2f} µs, "
        f"beside updates p99 {storm['p99']:.1f} p99.9 {storm['p99.9']:.0f} µs; "
        f"{one['memory_bytes_per_row']:.0f} B/row in memory, {one['file_bytes_per_row']:.0f} on disk; "
        f"{one['load_rows_per_s']:,.0f} rows/s loaded"
    )


if __name__ == "__main__":
    main()
