"""Protobuf rows: types as Spark maps them, values as protobuf's own JSON says them, refusals."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import Limits, Reason, Refusal
from sightline.formats.protobuf import ProtobufReader, message_type
from sightline.formats.reader import one_by_one
from sightline.io.records import Raw, RawBatch

SHOP = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";

enum Kind { UNKNOWN = 0; VIEW = 1; CLICK = 2; }
message Place { string name = 1; double lat = 2; Place parent = 3; }
message Item { string sku = 1; optional int32 count = 2; repeated Kind kinds = 3; }
message Empty {}
message Click {
  int32 i32 = 1; int64 i64 = 2; uint32 u32 = 3; uint64 u64 = 4; sint32 s32 = 5; fixed64 f64 = 6; sfixed32 sf = 7;
  float f = 8; double d = 9; bool b = 10; string s = 11; bytes raw = 12; Kind kind = 13;
  google.protobuf.Timestamp at = 14; optional int32 maybe = 15; Item item = 16; repeated Item items = 17;
  repeated int64 numbers = 18; repeated google.protobuf.Timestamp times = 19;
  oneof choice { string text = 20; int32 number = 21; }
  map<string, string> labels = 22; google.protobuf.Duration took = 23; Place place = 24; Empty nothing = 25;
  string from = 26;
}
"""

LEGACY = """
syntax = "proto2";
package legacy;
message Row { required int32 id = 1; optional string name = 2; optional int32 size = 3 [default = 7]; }
"""


def compile_proto(text: str, folder: Path, *flags: str) -> bytes:
    (folder / "x.proto").write_text(text)
    google = Path(protoc.__file__).parent / "_proto"
    arguments = ["", f"-I{folder}", f"-I{google}", f"--descriptor_set_out={folder / 'x.desc'}", *flags]
    assert protoc.main([*arguments, str(folder / "x.proto")]) == 0
    return (folder / "x.desc").read_bytes()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_proto(SHOP, tmp_path_factory.mktemp("proto"), "--include_imports")


@pytest.fixture(scope="module")
def click(shop: bytes) -> Descriptor:
    return message_type(shop, "shop.Click")


def encode(message: Descriptor, **fields: Any) -> bytes:
    encoded: bytes = json_format.ParseDict(fields, GetMessageClass(message)()).SerializeToString()
    return encoded


def read(message: Descriptor, value: bytes) -> dict[str, Any]:
    """A row by the columns' names."""
    reader = ProtobufReader(message)
    row = reader.read(None, value, None, 0)
    assert not isinstance(row, Refusal), row
    return {name: eval(column.read.format(row="row"), {"row": row}) for name, column in reader.columns.items()}


def test_types(click: Descriptor) -> None:
    reader = ProtobufReader(click)
    assert {name: str(kind) for name, kind in reader.types.items()} == {
        "i32": "int",
        "i64": "bigint",
        "u32": "bigint",
        "u64": "decimal(20,0)",
        "s32": "int",
        "f64": "decimal(20,0)",
        "sf": "int",
        "f": "float",
        "d": "double",
        "b": "boolean",
        "s": "string",
        "raw": "binary",
        "kind": "string",
        "at": "timestamp",
        "maybe": "int",
        "item": "struct<sku: string, count: int, kinds: array<string>>",
        "items": "array<struct<sku: string, count: int, kinds: array<string>>>",
        "numbers": "array<bigint>",
        "times": "array<timestamp>",
        "text": "string",
        "number": "int",
        "from": "string",
    }
    assert set(reader.left_out) == {"labels", "took", "place", "nothing"}
    assert "shop.Click.labels is a map" in reader.left_out["labels"]
    assert "shop.Place in a shop.Place" in reader.left_out["place"]


def test_values(click: Descriptor) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    at_us = int(at.timestamp()) * 1_000_000 + 678901
    row = read(
        click,
        encode(
            click, i32=-1, i64=str(-(2**63)), u32=2**32 - 1, u64=str(2**64 - 1), f=0.1, d=0.1, b=True, s="é",
            raw="aGk=", kind="CLICK", at=at.isoformat(), maybe=0, item={"sku": "a", "kinds": ["VIEW", 7]}, number=5,
            items=[{"count": 3}], numbers=[1, 2], times=[at.isoformat()], **{"from": "here"},
        ),
    )  # fmt: skip
    assert (row["i32"], row["i64"], row["u32"], row["u64"]) == (-1, -(2**63), 2**32 - 1, Decimal(2**64 - 1))
    assert (row["f"], row["d"], row["b"], row["s"], row["raw"]) == (0.10000000149011612, 0.1, True, "é", b"hi")
    assert (row["kind"], row["at"], row["times"], row["maybe"]) == ("CLICK", at_us, [at_us], 0)
    assert (row["item"].c0, row["item"].c1, row["item"].c2) == ("a", None, ["VIEW", "7"])
    assert [(each.c0, each.c1, each.c2) for each in row["items"]] == [("", 3, [])]
    assert (row["numbers"], row["text"], row["number"], row["from"]) == ([1, 2], None, 5, "here")


def test_what_is_not_on_the_wire(click: Descriptor) -> None:
    row = read(click, b"")
    assert (row["i32"], row["s"], row["kind"], row["b"], row["numbers"]) == (0, "", "UNKNOWN", False, [])
    assert [row[name] for name in ("at", "maybe", "item", "text", "number")] == [None] * 5


def test_defaults_of_the_older_syntax(tmp_path: Path) -> None:
    message = message_type(compile_proto(LEGACY, tmp_path), "legacy.Row")
    assert read(message, encode(message, id=1)) == {"id": 1, "name": None, "size": 7}
    # protobuf's own decoder for Python lets a required field be missing.
    assert read(message, b"")["id"] is None


def test_only_needed_columns_are_taken_and_keep_their_numbers(click: Descriptor) -> None:
    reader = ProtobufReader(click).needs({"s", "at"})
    row = reader.read(None, encode(click, s="x", i32=5), None, 0)
    assert eval(reader.columns["s"].read.format(row="row"), {"row": row}) == "x"
    assert not hasattr(row, "c0")


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, Reason.EMPTY_VALUE, "empty"),
        (b"\xff\xff", Reason.BAD_VALUE, "no shop.Click"),
        (b"\x5a\x01\xff", Reason.BAD_VALUE, "no shop.Click"),  # a string that is not UTF-8
        (b"\x5a\x7d" + b"x" * 125, Reason.EVENT_TOO_LARGE, "127 bytes, allowed are 100"),
    ],
)
def test_refusals(click: Descriptor, value: bytes | None, reason: Reason, detail: str) -> None:
    refusal = ProtobufReader(click, Limits(event_bytes_max=100)).read(None, value, None, 0)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert detail in refusal.detail


def test_a_timestamp_out_of_range_is_refused(click: Descriptor) -> None:
    message: Any = GetMessageClass(click)()
    message.at.seconds = 2**62
    refusal = ProtobufReader(click).read(None, message.SerializeToString(), None, 0)
    assert isinstance(refusal, Refusal)
    assert "shop.Click.at: 4611686018427387904 s" in refusal.detail


def test_descriptor_files_that_do_not_serve(shop: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no message 'shop\.Clack' \(known: .*shop\.Click"):
        message_type(shop, "shop.Clack")
    with pytest.raises(ValueError, match="descriptor_set_out"):
        message_type(b"\xff", "shop.Click")
    with pytest.raises(ValueError, match="include_imports"):
        message_type(compile_proto(SHOP, tmp_path), "shop.Click")
    with pytest.raises(ValueError, match="no field that can be a column"):
        ProtobufReader(message_type(shop, "shop.Empty"))


def test_no_bytes_raise_and_a_batch_says_what_its_records_say(click: Descriptor) -> None:
    reader = ProtobufReader(click)
    good = encode(click, s="x", item={"sku": "a"}, times=["2026-01-01T00:00:00Z"], numbers=[1])
    cut = st.integers(0, len(good)).flatmap(lambda at: st.binary(max_size=4).map(lambda more: good[:at] + more))

    @given(st.lists(st.none() | st.binary() | cut | st.just(good), min_size=1, max_size=4))
    def check(values: list[bytes | None]) -> None:
        batch = RawBatch("t", 0, [Raw(None, value, [], 0, offset) for offset, value in enumerate(values)])
        # By text: a NaN is not equal to itself.
        assert repr(reader.read_many(batch)) == repr(one_by_one(reader, batch))

    check()
