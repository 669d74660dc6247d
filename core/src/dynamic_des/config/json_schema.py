"""A JSON Schema of configuration files, made from the same constructors that check them."""

from __future__ import annotations

import inspect
from typing import Any

from dynamic_des.bridge.sink import SinkOptions
from dynamic_des.bridge.source import SourceOptions
from dynamic_des.config.adapters import json_schema_of
from dynamic_des.config.descriptions import described
from dynamic_des.config.parameters import CONFIGS, LIMITS
from dynamic_des.config.signatures import Parameter, client_of, leading_parameters, signature_of
from dynamic_des.config.twin import Simulation
from dynamic_des.errors import PluginError
from dynamic_des.kinds import KINDS
from dynamic_des.plugins import find_class, report_plugins

__all__ = ["json_schema"]

_Schema = dict[str, Any]
_FROM_ENVIRONMENT: _Schema = {"type": "string", "pattern": r"\$\{"}
_PLACE = r"^[\w.]+:[\w.]+$"


def json_schema() -> _Schema:
    """Return the schema: built-in kinds and those of every installed plugin that works."""
    kinds = {name: _named(_of_class(cls)) for name, cls in CONFIGS.items()}
    limits = {name: _or_variable({"type": "number"}) for name in LIMITS}
    schema = _object(
        {
            "simulation": _of_class(Simulation),
            "parameters": _named(_object({**kinds, "variables": {"type": "object"}})),
            "bounds": _named(_object(limits)),
            "resources": _named(_choice("resource", None)),
            "ingress": _named(_choice("ingress", SourceOptions)),
            "egress": _named(_choice("egress", SinkOptions)),
        }
    )
    definitions: _Schema = {kind: _choice(kind, None) for kind in ("serializer", "deserializer")}
    for part in (schema, *list(definitions.values())):
        _hoist(part, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A twin of Dynamic DES",
        **schema,
        "required": ["simulation"],
        "$defs": definitions,
    }


def _choice(kind: str, options: type[Any] | None) -> _Schema:
    """Return the schema of one connector or resource: one of the types known here, or code named by its place."""
    choices = [_of_type(kind, name, options) for name in KINDS[kind].builtin]
    for report in report_plugins():
        names = report.classes.get(kind, [])
        bare = [report.name] if len(names) == 1 else []
        choices += [_of_type(kind, name, options) for name in [*bare, *(f"{report.name}.{one}" for one in names)]]
    by_place = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "pattern": _PLACE}}}
    return {"anyOf": [choice for choice in choices if choice] + [by_place]}


def _of_type(kind: str, name: str, options: type[Any] | None) -> _Schema:
    try:
        cls = find_class(kind, name)
        schema = _of_class(cls, skip=leading_parameters(cls) if kind == "resource" else ())
    except PluginError:
        return {}  # `dynamic-des plugins` says what is wrong with it
    if options is not None:
        schema["properties"] |= _of_class(options)["properties"]
    schema["properties"]["type"] = {"const": name}
    schema["required"] = ["type", *schema.get("required", [])]
    return schema


def _of_class(cls: type[Any], skip: tuple[str, ...] = ()) -> _Schema:
    signature = signature_of(cls, skip)
    texts = described(cls)
    schema = _object({name: texts.get(name, {}) | _of_parameter(one) for name, one in signature.parameters.items()})
    schema["required"] = [name for name, parameter in signature.parameters.items() if parameter.required]
    if signature.open:
        client = client_of(cls)
        schema["additionalProperties"] = client is None or client.open
        if client is not None:
            schema["properties"] = {**{key: {} for key in sorted(client.keys)}, **schema["properties"]}
    summary = (inspect.getdoc(cls) or "").partition("\n")[0]
    return {"description": summary, **schema} if summary else schema


def _of_parameter(parameter: Parameter) -> _Schema:
    if parameter.role in ("serializer", "deserializer"):
        one: _Schema = {"anyOf": [{"$ref": f"#/$defs/{parameter.role}"}, {"type": "string"}]}
        return _named(one) if parameter.mapped else one
    if parameter.role in ("callable", "class") and parameter.takes_values:
        return {}
    if parameter.role in ("callable", "class"):
        text = {"type": "string"} if parameter.takes_text else {"type": "string", "pattern": _PLACE}
        return {"anyOf": [text, {"type": "object", "required": ["type"]}]}
    schema = _or_variable(json_schema_of(parameter.annotation))
    default = parameter.default
    if isinstance(default, (str, int, float)) and default not in (float("inf"), float("-inf")):
        schema["default"] = default
    return schema


def _or_variable(schema: _Schema) -> _Schema:
    """Return a schema that takes ``"${VAR}"``, too, and no null, which TOML does not have."""
    definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice != {"type": "null"}]
    if not schema or {"type": "string"} in choices:
        return {"anyOf": choices} if len(choices) > 1 else choices[0]
    return {"anyOf": [*choices, _FROM_ENVIRONMENT], **definitions}


def _hoist(schema: Any, definitions: _Schema) -> None:
    """Move the definitions of every part to those of the whole, where their references look for them."""
    if isinstance(schema, dict):
        definitions |= schema.pop("$defs", {})
        for inner in [*schema.values()]:
            _hoist(inner, definitions)
    elif isinstance(schema, list):
        for inner in schema:
            _hoist(inner, definitions)


def _object(properties: _Schema) -> _Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(schema: _Schema) -> _Schema:
    return {"type": "object", "additionalProperties": schema}
