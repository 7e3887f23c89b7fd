"""Frozen dataclasses to plain JSON objects and back.

A record may have been written by an older or a newer version: fields we do not know are ignored, missing ones take
their default (those without a default must be there). A value of the wrong type raises Malformed, which names the
field by its path. Readers are built once per class from the annotations: str, int, float, bool, enums of `states`,
tuples, string-keyed mappings, nested dataclasses, `X | None`, and `Any` for free JSON.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Self, Union, cast, get_args, get_origin, get_type_hints

from pipeline.link.errors import Malformed
from pipeline.link.states import Word

Reader = Callable[[Any, str], Any]


class Jsonable:
    """Base of the models. Subclasses are frozen dataclasses."""

    def to_json(self) -> dict[str, Any]:
        """Give a plain dict of JSON types with every field."""
        return {name: _plain(getattr(self, name)) for name in _readers(type(self))}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Read what `to_json` gave, in this version or another; raises Malformed naming the field."""
        return cast(Self, _read_object(cls, raw, ""))


def _plain(value: Any) -> Any:
    if isinstance(value, Jsonable):
        return value.to_json()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


_READERS: dict[type[Any], dict[str, tuple[Reader, bool]]] = {}


def _readers(model: type[Any]) -> dict[str, tuple[Reader, bool]]:
    """For each field of a model: its reader, and whether it must be there. Built at first use."""
    if model not in _READERS:
        _READERS[model] = _build_readers(model)
    return _READERS[model]


def _build_readers(model: type[Any]) -> dict[str, tuple[Reader, bool]]:
    hints = get_type_hints(model)
    return {
        field.name: (
            _reader(hints[field.name]),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(model)
    }


def _read_object(model: type[Any], raw: Any, path: str) -> Any:
    if not isinstance(raw, Mapping):
        raise Malformed(f"{path or model.__name__.lower()}: expected a JSON object, not {_kind(raw)}")
    values = {}
    for name, (read, required) in _readers(model).items():
        where = f"{path}.{name}" if path else name
        if name in raw:
            values[name] = read(raw[name], where)
        elif required:
            raise Malformed(f"{where}: missing")
    return model(**values)


def _reader(hint: Any) -> Reader:
    """Give the function that reads one annotated type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        read = _reader(inner)
        return lambda raw, path: None if raw is None else read(raw, path)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return _read_list(_reader(arguments[0]))
        return _read_fixed([_reader(argument) for argument in arguments])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _read_mapping(_reader(arguments[1]))
    return _plain_reader(hint)


def _plain_reader(hint: Any) -> Reader:
    """Give the reader of a type that is not built from others."""
    if hint is Any:
        return lambda raw, path: raw
    if issubclass(hint, Jsonable):
        return lambda raw, path: _read_object(hint, raw, path)
    if issubclass(hint, Word):
        return _read_word(hint)
    return _read_scalar(hint)


def _read_list(read: Reader) -> Reader:
    def reader(raw: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(raw, list | tuple):
            raise Malformed(f"{path}: expected a list, not {_kind(raw)}")
        return tuple([read(item, f"{path}[{index}]") for index, item in enumerate(raw)])

    return reader


def _read_fixed(reads: list[Reader]) -> Reader:
    def reader(raw: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(raw, list | tuple) or len(raw) != len(reads):
            raise Malformed(f"{path}: expected a list of {len(reads)} values")
        return tuple(
            [read(item, f"{path}[{index}]") for index, (read, item) in enumerate(zip(reads, raw, strict=True))]
        )

    return reader


def _read_mapping(read: Reader) -> Reader:
    def reader(raw: Any, path: str) -> dict[str, Any]:
        if not isinstance(raw, Mapping):
            raise Malformed(f"{path}: expected a JSON object, not {_kind(raw)}")
        return {str(key): read(item, f"{path}.{key}") for key, item in raw.items()}

    return reader


def _read_word(words: type[Word]) -> Reader:
    def reader(raw: Any, path: str) -> Word:
        if not isinstance(raw, str):
            raise Malformed(f"{path}: expected a string, not {_kind(raw)}")
        try:
            return words.read(raw)
        except ValueError as error:
            raise Malformed(f"{path}: {error}") from None

    return reader


def _read_scalar(kind: type[Any]) -> Reader:
    name = {str: "a string", int: "an integer", float: "a number", bool: "a boolean"}[kind]

    def reader(raw: Any, path: str) -> Any:
        if kind is float and type(raw) is int:
            return float(raw)
        if type(raw) is not kind:
            raise Malformed(f"{path}: expected {name}, not {_kind(raw)}")
        return raw

    return reader


def _kind(raw: Any) -> str:
    """Name a JSON value's type, never the value: it may be a secret."""
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return "a boolean"
    if isinstance(raw, Mapping):
        return "an object"
    return {str: "a string", int: "an integer", float: "a number", list: "a list"}.get(type(raw), type(raw).__name__)
