"""A JSON Schema of configuration files, made from the same constructors that check them."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from dynamic_des.bridge.sink_options import SinkOptions
from dynamic_des.bridge.source_options import SourceOptions
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
_REFERENCE = re.compile(rf'"#/\$defs/({"|".join(KINDS)})"')
_NARROW = {"enum", "const", "format", "pattern"}  # what not every text keeps to


def json_schema() -> _Schema:
    """Return the schema: built-in kinds and those of every installed plugin that works."""
    kinds = {name: _named(_of_class(cls)) for name, cls in CONFIGS.items()}
    limits = {name: _open({"type": "number"}) for name in LIMITS}
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
    definitions: _Schema = {}
    _hoist(schema, definitions)
    while missing := {
        kind for kind in _REFERENCE.findall(json.dumps([schema, definitions])) if kind not in definitions
    }:
        for kind in sorted(missing):
            definitions[kind] = _choice(kind, None)
            _hoist(definitions[kind], definitions)
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
    texts, where = described(cls), re.sub(r"[^\w.]", "_", f"{cls.__module__}.{cls.__qualname__}.")
    schema = _object(
        {name: texts.get(name, {}) | _of_parameter(one, where) for name, one in signature.parameters.items()}
    )
    schema["required"] = [name for name, parameter in signature.parameters.items() if parameter.required]
    if signature.open:
        client = client_of(cls)
        schema["additionalProperties"] = client is None or client.open
        if client is not None:
            schema["properties"] = {**{key: {} for key in sorted(client.keys)}, **schema["properties"]}
    summary = (inspect.getdoc(cls) or "").partition("\n")[0]
    return {"description": summary, **schema} if summary else schema


def _of_parameter(parameter: Parameter, where: str) -> _Schema:
    """Return the schema of one key; names of definitions begin with ``where``, so that no two plugins share one."""
    if parameter.role in KINDS:
        one: _Schema = {"anyOf": [{"$ref": f"#/$defs/{parameter.role}"}, {"type": "string"}]}
        return _named(one) if parameter.mapped else one
    written = {"anyOf": []} if parameter.values is None else json_schema_of(parameter.values, where)
    definitions = written.pop("$defs", {})
    choices = [_open(choice) for choice in written.get("anyOf", [written]) if choice != {"type": "null"}]
    if parameter.role != "plain":
        choices += [{"type": "string", "pattern": _PLACE}, {"type": "object", "required": ["type"]}]
    schema = choices[0] if len(choices) == 1 else {"anyOf": choices}
    if definitions:
        schema["$defs"] = {name: _open(one) for name, one in definitions.items()}
    default = parameter.default
    if isinstance(default, (str, int, float)) and default not in (float("inf"), float("-inf")):
        schema["default"] = default
    return schema


def _open(schema: Any) -> Any:
    """Return a schema in which every value may be a ``"${VAR}"``, too, and no object takes unknown keys."""
    if not isinstance(schema, dict):
        return schema
    opened: _Schema = {}
    for key, inner in schema.items():
        if key == "properties":
            opened[key] = {name: _open(one) for name, one in inner.items()}
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            opened[key] = [_open(one) for one in inner]
        else:
            opened[key] = _open(inner) if key in ("items", "additionalProperties") else inner
    if "properties" in opened:
        opened.setdefault("additionalProperties", False)
    if opened.get("type") in ("integer", "number", "boolean") or _NARROW & opened.keys():
        return {"anyOf": [opened, _FROM_ENVIRONMENT]}
    return opened


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
