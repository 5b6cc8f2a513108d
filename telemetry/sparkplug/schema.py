"""The messages of Sparkplug B 3.0 as one table, and classes of them in a descriptor pool of our own.

No generated code: descriptors are put together when this is imported, under a package name of ours and in a private
pool, so that no other Sparkplug package in the process can clash with them. Like in the specification it is proto2:
texts are not checked for UTF-8, a field may be absent; numbers behind the last are open to extensions, of which there
are none. What a message does not list is an unknown field and skipped.
Source: Eclipse Sparkplug specification 3.0.0, section 6.4 (field numbers and types).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "halltwin.sparkplug"


class Datatype(IntEnum):
    """What a metric's value is (specification 3.0, 6.4.16)."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATETIME_ARRAY = 34


class Field(NamedTuple):
    """One field: ``kind`` is u32, u64, f32, f64, bool, text, bytes or the name of a message."""

    number: int
    name: str
    kind: str
    repeated: bool = False
    one_of: bool = False


def _choice(first: int, *rest: tuple[str, str]) -> tuple[Field, ...]:
    """A oneof ``value``: numbers, text, then ``rest``, numbered from ``first`` on."""
    kinds = (("int", "u32"), ("long", "u64"), ("float", "f32"), ("double", "f64"), ("boolean", "bool"))
    named = (*kinds, ("string", "text"), *rest)
    return tuple(Field(first + n, f"{name}_value", kind, one_of=True) for n, (name, kind) in enumerate(named))


MESSAGES: dict[str, tuple[Field, ...]] = {
    "Payload": (
        Field(1, "timestamp", "u64"),
        Field(2, "metrics", "Metric", repeated=True),
        Field(3, "seq", "u64"),
        Field(4, "uuid", "text"),
        Field(5, "body", "bytes"),
    ),
    "Metric": (
        Field(1, "name", "text"),
        Field(2, "alias", "u64"),
        Field(3, "timestamp", "u64"),
        Field(4, "datatype", "u32"),
        Field(5, "is_historical", "bool"),
        Field(6, "is_transient", "bool"),
        Field(7, "is_null", "bool"),
        Field(8, "metadata", "MetaData"),
        Field(9, "properties", "PropertySet"),
        *_choice(10, ("bytes", "bytes"), ("dataset", "DataSet"), ("template", "Template"), ("extension", "Extension")),
    ),
    "MetaData": (
        Field(1, "is_multi_part", "bool"),
        Field(2, "content_type", "text"),
        Field(3, "size", "u64"),
        Field(4, "seq", "u64"),
        Field(5, "file_name", "text"),
        Field(6, "file_type", "text"),
        Field(7, "md5", "text"),
        Field(8, "description", "text"),
    ),
    "PropertySet": (
        Field(1, "keys", "text", repeated=True),
        Field(2, "values", "PropertyValue", repeated=True),
    ),
    "PropertyValue": (
        Field(1, "type", "u32"),
        Field(2, "is_null", "bool"),
        *_choice(3, ("propertyset", "PropertySet"), ("propertysets", "PropertySetList"), ("extension", "Extension")),
    ),
    "PropertySetList": (Field(1, "propertyset", "PropertySet", repeated=True),),
    "DataSet": (
        Field(1, "num_of_columns", "u64"),
        Field(2, "columns", "text", repeated=True),
        Field(3, "types", "u32", repeated=True),
        Field(4, "rows", "Row", repeated=True),
    ),
    "Row": (Field(1, "elements", "DataSetValue", repeated=True),),
    "DataSetValue": _choice(1, ("extension", "Extension")),
    "Template": (
        Field(1, "version", "text"),
        Field(2, "metrics", "Metric", repeated=True),
        Field(3, "parameters", "Parameter", repeated=True),
        Field(4, "template_ref", "text"),
        Field(5, "is_definition", "bool"),
    ),
    "Parameter": (
        Field(1, "name", "text"),
        Field(2, "type", "u32"),
        *_choice(3, ("extension", "Extension")),
    ),
    "Extension": (),
}
"""Every message by its name, the outermost first."""

_KINDS = {"u32": "UINT32", "u64": "UINT64", "f32": "FLOAT", "f64": "DOUBLE", "bool": "BOOL", "text": "STRING"}


def _classes() -> dict[str, Any]:
    """A protobuf class for every message."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="halltwin/sparkplug.proto", package=PACKAGE, syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        message.extension_range.add(start=max((field.number for field in fields), default=0) + 1, end=1 << 29)
        if any(field.one_of for field in fields):
            message.oneof_decl.add(name="value")
        for field in fields:
            made = message.field.add(name=field.name, number=field.number)
            made.label = kinds.LABEL_REPEATED if field.repeated else kinds.LABEL_OPTIONAL
            if field.one_of:
                made.oneof_index = 0
            if field.kind in MESSAGES:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}.{field.kind}"
            else:
                made.type = kinds.Type.Value(f"TYPE_{_KINDS.get(field.kind, 'BYTES')}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


CLASSES = _classes()
"""The protobuf class of every message by its name."""

__all__ = ["CLASSES", "MESSAGES", "PACKAGE", "Datatype", "Field"]
