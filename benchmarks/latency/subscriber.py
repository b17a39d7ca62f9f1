"""The end of event→alert: an independent subscriber that writes a line for each alert, with the time of its receipt.

python -m benchmarks.latency.subscriber --address 127.0.0.1:9000 --out alerts.jsonl
"""

import argparse
import asyncio
import gc
import json
import signal
import time
from pathlib import Path
from typing import TextIO

from services.common.grpc_core import poll_in_one_thread


async def follow(address: str, out: TextIO) -> None:
    import grpc

    from sightline.proto import alerts_pb2, alerts_pb2_grpc

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    async def receive() -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            await channel.channel_ready()
            stream = alerts_pb2_grpc.AlertsStub(channel).Subscribe(alerts_pb2.SubscribeRequest())  # type: ignore[no-untyped-call]
            async for alert in stream:
                received_us = time.time_ns() // 1000
                line = {
                    "id": alert.id,
                    "source": alert.event_source,
                    "event_us": alert.event_time.ToMicroseconds(),
                    "decided_us": alert.alert_time.ToMicroseconds(),
                    "received_us": received_us,
                    "stage_us": dict(alert.stage_us),
                }
                out.write(json.dumps(line) + "\n")

    gc.freeze()
    receiving = asyncio.create_task(receive())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([receiving, stopped], return_when=asyncio.FIRST_COMPLETED)
    receiving.cancel()
    await asyncio.wait([receiving])


def main() -> None:
    import uvloop

    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency.subscriber")
    parser.add_argument("--address", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    poll_in_one_thread()
    with options.out.open("w", buffering=1) as out:
        uvloop.run(follow(options.address, out))


if __name__ == "__main__":
    main()
