"""Request bodies: decoded strictly, in one pass, into the handler's own type; unknown keys are refused."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from litestar.dto import AbstractDTO
from msgspec import inspect

from antiphon.foundation.errors import Invalid

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.dto.data_structures import DTOFieldDefinition
    from litestar.openapi.spec import Reference, Schema
    from litestar.typing import FieldDefinition


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of request bodies."""


class MalformedBody(Invalid):
    """The body is not valid JSON."""


class InvalidBody(Invalid):
    """The body breaks a rule of its schema."""


_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]*)`")


def field_of(message: str) -> tuple[str, str | None]:
    """A validation message parted into the rule and the path of the field (`audience.segments[0].id`)."""
    match = _PATH.search(message)
    path = match.group(1) if match else ""
    rule = message[: match.start()] if match else message
    inner = _UNKNOWN.search(rule) or _MISSING.search(rule)
    if inner:
        path = f"{path}.{inner.group(1)}" if path else inner.group(1)
    return rule, path.replace("[...]", "[]") or None


def lenient_structs(annotation: Any) -> list[str]:
    """Names of the structs within `annotation` that would accept unknown keys."""
    found: list[str] = []
    seen: set[int] = set()

    def walk(node: Any) -> None:
        if isinstance(node, inspect.StructType):
            if id(node.cls) in seen:
                return
            seen.add(id(node.cls))
            if not node.forbid_unknown_fields:
                found.append(node.cls.__qualname__)
            for field in node.fields:
                walk(field.type)
        elif isinstance(node, inspect.UnionType):
            for part in node.types:
                walk(part)
        elif isinstance(node, inspect.Metadata):
            walk(node.type)
        else:
            for name in ("item_type", "key_type", "value_type"):
                if (inner := getattr(node, name, None)) is not None:
                    walk(inner)
            for inner in getattr(node, "item_types", ()):
                walk(inner)

    walk(inspect.type_info(annotation))
    return found


def text_with_nul(value: Any) -> str | None:
    """The path of a text that contains the character NUL, which no store of ours can hold; None if there is none."""
    if isinstance(value, str):
        return "" if "\0" in value else None
    parts: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        if any("\0" in name for name in value):
            return ""
        parts = ((f".{name}", part) for name, part in value.items())
    elif isinstance(value, list):
        parts = ((f"[{place}]", part) for place, part in enumerate(value))
    return next((step + deeper for step, part in parts if (deeper := text_with_nul(part)) is not None), None)


class StrictBody(AbstractDTO[Any]):
    """Decodes the JSON body of each handler with a decoder of its type."""

    _decoders: ClassVar[dict[str, msgspec.json.Decoder[Any]]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Prepare the handler's decoder; refuses a type that would let unknown keys pass."""
        if field_definition.name != "data":
            return
        annotation = field_definition.raw
        if lenient := lenient_structs(annotation):
            raise TypeError(f"{handler_id}: {', '.join(lenient)} must forbid unknown fields (derive from http.Body)")
        cls._decoders[handler_id] = msgspec.json.Decoder(annotation)

    def decode_bytes(self, value: bytes) -> Any:
        """The body as the handler's type. Raises MalformedBody, or InvalidBody naming field and rule."""
        try:
            decoded = self._decoders[self.asgi_connection.route_handler.handler_id].decode(value)
            if b"\\u0000" in value and (path := text_with_nul(msgspec.json.decode(value))) is not None:
                raise InvalidBody("A text may not contain the character NUL", field=path.removeprefix(".") or None)
            return decoded
        except msgspec.ValidationError as error:
            rule, path = field_of(str(error))
            raise InvalidBody(rule, field=path) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBody(str(error)) from error

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """The schema of the handler's type itself."""
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """Nothing is generated: the struct is the model."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Nothing is nested: the struct is the model."""
        return False
