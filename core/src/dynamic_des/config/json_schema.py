"""A JSON Schema of configuration files, made from the same constructors that check them."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

from dynamic_des.bridge.sink import SinkOptions
from dynamic_des.bridge.source import SourceOptions
from dynamic_des.config.signatures import Parameter, leading_parameters, signature_of
from dynamic_des.config.twin import Simulation
from dynamic_des.errors import PluginError
from dynamic_des.kinds import KINDS
from dynamic_des.plugins import find_class, report_plugins
from dynamic_des.sim.parameters import CapacityConfig, DistributionConfig

__all__ = ["json_schema"]

_Schema = dict[str, Any]


def json_schema() -> _Schema:
    """Return the schema: built-in kinds and those of every installed plugin that works."""
    distribution, capacity = _of_class(DistributionConfig), _of_class(CapacityConfig)
    kinds = {"arrival": distribution, "service": distribution}
    kinds |= dict.fromkeys(("resources", "containers", "stores"), capacity)
    parameter = {name: _named(schema) for name, schema in kinds.items()}
    limits = {name: {"type": "number"} for name in ("min", "max", "max_step")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A twin of Dynamic DES",
        "type": "object",
        "additionalProperties": False,
        "required": ["simulation"],
        "properties": {
            "simulation": _of_class(Simulation),
            "parameters": _named(_object({**parameter, "variables": {"type": "object"}})),
            "bounds": _named(_object(limits)),
            "resources": _named(_choice("resource", None)),
            "ingress": _named(_choice("ingress", SourceOptions)),
            "egress": _named(_choice("egress", SinkOptions)),
        },
    }


def _choice(kind: str, options: type[Any] | None) -> _Schema:
    """Return the schema of one connector or resource: one of the types known here, or code named by its place."""
    choices = [_of_type(kind, name, options) for name in KINDS[kind].builtin]
    for report in report_plugins():
        for class_name in report.classes.get(kind, []):
            single = len(report.classes[kind]) == 1
            choices.append(_of_type(kind, report.name if single else f"{report.name}.{class_name}", options))
    by_place = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "pattern": ":"}}}
    return {"anyOf": [choice for choice in choices if choice] + [by_place]}


def _of_type(kind: str, name: str, options: type[Any] | None) -> _Schema:
    try:
        cls = find_class(kind, name)
    except PluginError:
        return {}
    schema = _of_class(cls, skip=leading_parameters(cls) if kind == "resource" else ())
    if options is not None:
        schema["properties"] |= _of_class(options)["properties"]
    schema["properties"]["type"] = {"const": name}
    schema["required"] = ["type", *schema.get("required", [])]
    return schema


def _of_class(cls: type[Any], skip: tuple[str, ...] = ()) -> _Schema:
    signature = signature_of(cls, skip=skip)
    schema = _object({name: _of_parameter(parameter) for name, parameter in signature.parameters.items()})
    schema["required"] = [name for name, parameter in signature.parameters.items() if parameter.required]
    schema["additionalProperties"] = signature.open
    summary = (inspect.getdoc(cls) or "").partition("\n")[0]
    return {"description": summary, **schema} if summary else schema


def _of_parameter(parameter: Parameter) -> _Schema:
    if parameter.serializer:
        return {"type": ["object", "string"], "description": f"A {parameter.serializer}: {{ type = … }}"}
    if parameter.otherwise:
        return {}
    if parameter.imported:
        return {"type": "string", "pattern": ":", "description": "module:name"}
    try:
        schema: _Schema = TypeAdapter(parameter.annotation).json_schema()
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        schema = {}
    default = parameter.default
    if isinstance(default, (str, int, float)) and default not in (float("inf"), float("-inf")):
        schema["default"] = default
    return schema


def _object(properties: _Schema) -> _Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(schema: _Schema) -> _Schema:
    return {"type": "object", "additionalProperties": schema}
