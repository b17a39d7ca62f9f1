"""Sends a photograph as a camera event: [BOOTSTRAP_SERVERS=host:port] python examples/send_photo.py PHOTO LOCATION"""

import mimetypes
import os
import sys
import uuid
from pathlib import Path

from kafka import KafkaProducer

photo, location = sys.argv[1:]
attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/my/cameras", "type": "sightline.image.v1"}
headers = [("ce_" + name, text.encode()) for name, text in (attributes | {"locationid": location}).items()]
headers.append(("content-type", (mimetypes.guess_type(photo)[0] or "image/jpeg").encode()))
producer = KafkaProducer(bootstrap_servers=os.environ.get("BOOTSTRAP_SERVERS", "localhost:9092"), acks="all")
sent = producer.send("events", Path(photo).read_bytes(), key=b"my-camera", headers=headers).get(timeout=30)
print(f"event {attributes['id']}: partition {sent.partition}, offset {sent.offset}")
producer.close()
