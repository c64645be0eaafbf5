"""A journey as YAML, for people and for git: written in one order, what is usual left out; read strictly.

It is YAML 1.2's core in what plain words mean: ``yes`` and ``no`` are names of ways, not booleans, and times are text. There are
no anchors, aliases or tags, and no key comes twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

import msgspec
import yaml

from antiphon.execution.journeys.model import Definition
from antiphon.foundation.errors import Invalid
from antiphon.foundation.http.body import field_of, text_with_nul

MOST_CHARACTERS = 1_000_000
_BOOLEAN = "tag:yaml.org,2002:bool"
_TAGS = ("bool", "timestamp", "int", "float", "merge", "value")
_LEFT_OUT = {f"tag:yaml.org,2002:{name}" for name in _TAGS}


class YamlInvalid(Invalid):
    """This is no journey in YAML: {why}."""

    code = "journey-yaml-invalid"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A journey as YAML holds it."""

    definition: Definition
    name: str | None = None
    description: str | None = None


def to_yaml(definition: Definition, *, name: str = "", description: str = "") -> str:
    """A journey as YAML. Reading it gives the same definition."""
    head = {"name": name} if name else {}
    if description:
        head["description"] = description
    return yaml.dump(
        head | _lean(definition), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )


def from_yaml(text: str) -> Written:
    """Read what `to_yaml` writes, and what people write. Raises YamlInvalid, naming the line or the field."""
    if len(text) > MOST_CHARACTERS:
        raise YamlInvalid(field="yaml", why=f"at most {MOST_CHARACTERS} characters")
    try:
        plain = plain_of(text)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise YamlInvalid(field="yaml", why=f"{wrong.problem or wrong.context}{where}") from wrong
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        raise YamlInvalid(field="yaml", why=str(wrong)[:200] or "it is nested too deep") from wrong
    if not isinstance(plain, dict):
        raise YamlInvalid(field="yaml", why="it has no fields")
    if text_with_nul(plain) is not None:
        raise YamlInvalid(field="yaml", why="a text may not contain the character NUL")
    head = {field: plain.pop(field) for field in ("name", "description") if field in plain}
    for field, value in head.items():
        if not isinstance(value, str) or len(value) > 4000 or (field == "name" and not 0 < len(value) <= 200):
            raise YamlInvalid(field=field, why=f"{field} is a text")
    try:
        definition = msgspec.convert(plain, Definition)
    except (msgspec.ValidationError, RecursionError) as wrong:
        rule, path = field_of(str(wrong))
        raise YamlInvalid(field=path or "yaml", why=f"{rule} at {path}" if path else rule) from wrong
    return Written(definition=definition, **head)


def plain_of(text: str) -> Any:
    """What YAML says, as plain values. Raises YAMLError, ValueError, RecursionError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 -- it is the safe loader with more left out


def _lean(value: Any) -> Any:
    """As plain values, in the order of the structs, without what is as by default."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        found: dict[str, Any] = {} if config.tag_field is None else {config.tag_field: config.tag}
        for field in msgspec.structs.fields(value):
            one = getattr(value, field.name)
            usual = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
            if field.required or one != usual:
                found[field.encode_name] = _lean(one)
        return found
    if isinstance(value, Mapping):
        return {key: _lean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_lean(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return msgspec.to_builtins(value)


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks and short lists of plain values on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


class _Loader(yaml.SafeLoader):
    """Reads without aliases, tags and repeated keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(problem="no anchors and aliases here", problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(problem="no tags here", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a name is one word", problem_mark=key_node.start_mark)
            key = key_node.value
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key} is there twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return {
            str(key_node.value): self.construct_object(value, deep=deep)
            for key_node, value in node.value
        }


def _finite(loader: _Loader, node: Any) -> float:
    found = float(node.value)
    if not math.isfinite(found):
        raise yaml.MarkedYAMLError(problem="no number is so large", problem_mark=node.start_mark)
    return found


def _resolvers(plain: Mapping[str, list[tuple[str, Any]]]) -> dict[str, list[tuple[str, Any]]]:
    """What plain words mean: null as before; true and false alone; numbers as JSON writes them."""
    kept = {first: [(tag, rule) for tag, rule in rules if tag not in _LEFT_OUT] for first, rules in plain.items()}
    return {first: rules for first, rules in kept.items() if rules}


def _prepare() -> None:
    for cls in (_Loader, _Dumper):
        cls.yaml_implicit_resolvers = _resolvers(cls.yaml_implicit_resolvers)
        for tag, rule, firsts in (
            (_BOOLEAN, r"^(?:true|false)$", "tf"),
            ("tag:yaml.org,2002:int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
            ("tag:yaml.org,2002:float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", "-0123456789"),
        ):
            cls.add_implicit_resolver(tag, re.compile(rule), list(firsts))

    def text(dumper: yaml.SafeDumper, value: str) -> Any:
        strange = any(ch in value for ch in "\r\t\x85\u2028\u2029\ufeff")  # what a block or a plain text would not keep
        block = "\n" in value and not strange and value == value.strip(" ")
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if strange else "|" if block else None)

    def items(dumper: yaml.SafeDumper, value: list[Any]) -> Any:
        short = all(isinstance(one, int | float | str) for one in value) and sum(len(str(one)) for one in value) < 60
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=short)

    _Dumper.add_representer(str, text)
    _Dumper.add_representer(list, items)
    _Loader.add_constructor("tag:yaml.org,2002:float", _finite)


_prepare()
