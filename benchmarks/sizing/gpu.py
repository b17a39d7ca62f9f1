"""What a featurizer on an NVIDIA GPU does, beside featurizers on the CPUs of the same machine.

Each pool of the chart is one featurizer process, asked over gRPC; callers run on the same machine and take their share
of its CPUs. Scores on the GPU are compared with TensorFlow's on the CPUs. Needs requirements/featurizer-gpu.lock and
scikit-image, whose photographs are sent. Writes benchmarks/results/gpu.json.
"""

import argparse
import json
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.machine import versions
from benchmarks.report import RESULTS, make_parser
from benchmarks.sizing import pool
from benchmarks.sizing.callers import Callers
from benchmarks.sizing.photographs import SIZES, take
from benchmarks.sizing.pool import Pool
from benchmarks.sizing.spent import rss_bytes
from demo.summary import cpu
from services.common.grpc_core import poll_in_one_thread
from sightline.models.agreement import agreement

LOGS = Path("build/bench-gpu")
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}

ON_GPU = {"engine": "tensorflow", "batch_rows_max": 64, "decode_threads": 8}
POOLS = {
    "gpu": Pool(ON_GPU, {}),
    "gpu_decode_4": Pool(ON_GPU | {"decode_threads": 4}, {}),
    "gpu_decode_16": Pool(ON_GPU | {"decode_threads": 16}, {}),
    "gpu_shared_by_2": Pool(ON_GPU, {}, featurizers=2),
    "gpu_shared_by_4": Pool(ON_GPU, {}, featurizers=4),
    "cpu_tensorflow": Pool({"engine": "tensorflow", "batch_rows_max": 32}, NO_GPU),
    "cpu": Pool({"threads": 2, "decode_threads": 2, "batch_rows_max": 32}, NO_GPU),
}
"""The chart's gpu and cpu; the former also with other threads, several on one GPU, and with its network on all CPUs."""

MEASURED = ("450x300", "1280x720")
PHOTOS = 64

EXAMPLES = """\
examples:
  python -m benchmarks.sizing.gpu                  everything, about 8 minutes
  python -m benchmarks.sizing.gpu --seconds 2      a quick look
  python -m benchmarks.sizing.gpu --note "GPU of a MIG slice"
"""


def main() -> None:
    parser = make_parser("benchmarks.sizing.gpu", __doc__, EXAMPLES)
    parser.add_argument("--seconds", type=float, default=8, help="of each load (8)")
    parser.add_argument("--callers", type=int, default=8, help="processes that send (8)")
    parser.add_argument("--model-root", type=Path, default=Path("build/models"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of gpu.json")
    parser.add_argument("--note", help="what else is to be known of this machine")
    parser.add_argument("--pools", nargs="+", choices=POOLS, default=list(POOLS), help="which ones (all)")
    options = parser.parse_args()
    poll_in_one_thread()
    photos = {name: take(SIZES[name], PHOTOS) for name in MEASURED}
    result: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "note": options.note, "pools": {}}
    result |= {"seconds": options.seconds, "callers": options.callers}
    result |= {"cpu": cpu(), "gpu": _gpu("name", "driver_version", "memory.total")}
    result["versions"] = versions() | {"tensorflow": version("tensorflow")}
    scores = {}
    callers = Callers(options.callers)
    for name in options.pools:
        result["pools"][name], scores[name] = _measure(name, options, callers, photos)
        print(f"{name}: {json.dumps(result['pools'][name])}", flush=True)
        result["agreement"] = _agreement(scores)
        _write(result, options.out)
    callers.close()


def _measure(
    name: str, options: argparse.Namespace, callers: Callers, photos: dict[str, list[bytes]]
) -> tuple[dict[str, Any], pool.Scores]:
    chosen = POOLS[name]
    memory_before = _memory_mb()
    with pool.running(LOGS / f"{name}.log", options.model_root, chosen) as featurizers:
        first, smallest = featurizers[0], photos[MEASURED[0]]
        found = {
            "featurizers": chosen.featurizers,
            "settings": dict(chosen.settings),
            "ready_s": max(each.ready_s() for each in featurizers),
            "gpu_memory_mb_when_ready": _memory_mb() - memory_before,
        }
        if chosen.env != NO_GPU and found["gpu_memory_mb_when_ready"] == 0:
            raise SystemExit(f"TensorFlow found no GPU, or not all of its CUDA libraries (log: {first.log})")
        if chosen.featurizers == 1:
            found["alone"] = pool.alone(first, smallest, options.seconds)
            found["batches"] = pool.batches(first, smallest, chosen.settings["batch_rows_max"])
        found["saturated"] = {
            size: pool.saturated(featurizers, callers, those, options.seconds) for size, those in photos.items()
        }
        found |= {
            "rss_mb": round(rss_bytes(first.pid) / 1e6),
            "gpu_memory_mb": _memory_mb() - memory_before,
            "libraries": first.libraries(),
        }
        return found, pool.scores(first, smallest)


def _agreement(scores: dict[str, pool.Scores]) -> dict[str, Any]:
    """Each pool's with TensorFlow's on the CPUs."""
    reference = scores.get("cpu_tensorflow")
    if reference is None:
        return {}
    return {
        name: {
            "probability_difference_max": float(np.abs(those - reference).max().round(6)),
            **msgspec.structs.asdict(agreement(reference, those)),
        }
        for name, those in scores.items()
        if those is not reference
    }


def _gpu(*fields: str) -> list[str]:
    """Of the first GPU."""
    if not shutil.which("nvidia-smi"):
        raise SystemExit("nvidia-smi, which comes with NVIDIA's driver, is not on the PATH")
    query = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", "--id=0"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip().split(", ")


def _memory_mb() -> int:
    return int(_gpu("memory.used")[0])


def _write(result: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
