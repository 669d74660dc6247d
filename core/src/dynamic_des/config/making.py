"""Objects from tables: connectors, serializers and resources with their arguments checked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dynamic_des.config.secrets import is_secret_key
from dynamic_des.config.signatures import Parameter, Signature, leading_parameters, signature_of
from dynamic_des.errors import ConfigError, PluginError, nearest, show
from dynamic_des.plugins import find_class

if TYPE_CHECKING:
    from dynamic_des.config.problems import Problems

__all__ = ["Maker", "import_object"]

_NEARLY = 0.8  # how alike a key that goes to an unknown client may be to one that is known


class Maker:
    """Makes objects from the tables of one file, noting every problem."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def connector(self, kind: str, table: str, keys: dict[str, Any], options: type[Any]) -> tuple[Any, Any] | None:
        """Return a connector and core's own options for it, or None after noting why not.

        Args:
            kind: ``"ingress"`` or ``"egress"``.
            table: The table's name in the file.
            keys: What stands in it.
            options: The dataclass of the keys that core owns.
        """
        before = len(self._problems)
        own = {key: value for key, value in keys.items() if key in options.__dataclass_fields__}
        rest = {key: value for key, value in keys.items() if key not in own}
        checked = self._instance(options, table, own, known=())
        made = self.of_type(kind, table, rest, known=tuple(options.__dataclass_fields__))
        return None if len(self._problems) > before else (made, checked)

    def of_type(self, kind: str, table: str, keys: dict[str, Any], known: tuple[str, ...] = ()) -> Any:
        """Return an object of the class that ``type`` names, or None after noting why not."""
        cls = self.class_of(kind, table, keys)
        if cls is None:
            return None
        return self._instance(cls, table, {k: v for k, v in keys.items() if k != "type"}, known=("type", *known))

    def class_of(self, kind: str, table: str, keys: dict[str, Any]) -> type[Any] | None:
        """Return the class that ``type`` names, or None after noting why not."""
        if "type" not in keys:
            self._problems.add(
                table, "type", f"is missing. Say which {kind} this is, such as type = {_EXAMPLE[kind]!r}."
            )
            return None
        name = keys["type"]
        if not isinstance(name, str):
            self._problems.add(table, "type", f"{show(name)} is not text. Write type = {_EXAMPLE[kind]!r}.")
            return None
        try:
            return find_class(kind, name)
        except PluginError as error:
            self._problems.add(table, "type", str(error))
            return None

    def plain(self, cls: type[Any], table: str, keys: dict[str, Any]) -> Any:
        """Return an object of a class that is known, or None after noting why not."""
        return self._instance(cls, table, keys, known=())

    def resource_options(self, cls: type[Any], table: str, keys: dict[str, Any]) -> dict[str, Any] | None:
        """Return the checked options of a resource, which is made later, or None after noting what is wrong."""
        skip = leading_parameters(cls)
        return self._arguments(signature_of(cls, skip=skip), cls.__name__, table, keys, known=("type",))

    def _instance(self, cls: type[Any], table: str, keys: dict[str, Any], known: tuple[str, ...]) -> Any:
        arguments = self._arguments(signature_of(cls), cls.__name__, table, keys, known)
        if arguments is None:
            return None
        try:
            return cls(**arguments)
        except ConfigError as error:
            self._problems.add(table, None, str(error))
        except Exception as error:  # noqa: BLE001 - a constructor is a plugin's code
            self._problems.add(table, None, f"{cls.__name__} refused its arguments: {type(error).__name__}: {error}")
        return None

    def _arguments(
        self, signature: Signature, name: str, table: str, keys: dict[str, Any], known: tuple[str, ...]
    ) -> dict[str, Any] | None:
        """Return checked keyword arguments, or None after noting what is wrong."""
        before = len(self._problems)
        given: dict[str, Any] = {}
        further: dict[str, Any] = {}
        for key, value in keys.items():
            parameter = signature.parameters.get(key)
            if parameter is not None:
                given[key] = self._converted(parameter, f"{table}.{key}", table, value)
            elif self._goes_to_client(signature, name, table, key, known):
                further[key] = value
        if len(self._problems) > before:
            self._note_missing(signature, name, table, keys)
            return None
        try:
            model = signature.model.model_validate(given)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self._note(one, name, table, given)
            return None
        fields = signature.model.model_fields
        values = {field.alias or "": getattr(model, attribute) for attribute, field in fields.items()}
        return {**{key: values[key] for key in given}, **further}

    def _converted(self, parameter: Parameter, inner: str, table: str, value: Any) -> Any:
        """Return what a file can only describe: a serializer, a mapping of them, something to import."""
        if parameter.serializer and isinstance(value, (dict, str)):
            if isinstance(value, dict) and "type" not in value:
                return {
                    key: self._serializer(parameter.serializer, f"{inner}.{key}", item) for key, item in value.items()
                }
            return self._serializer(parameter.serializer, inner, value)
        if parameter.imported and isinstance(value, str) and (":" in value or not parameter.otherwise):
            try:
                return import_object(value)
            except ConfigError as error:
                self._problems.add(table, parameter.name, str(error))
        return value

    def _serializer(self, kind: str, table: str, value: Any) -> Any:
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, dict):
            self._problems.add(table, None, f'{show(value)} is no {kind}. Write {{ type = "json" }}.')
            return None
        return self.of_type(kind, table, value)

    def _goes_to_client(self, signature: Signature, name: str, table: str, key: str, known: tuple[str, ...]) -> bool:
        own = [*signature.parameters, *known]
        if signature.open and signature.client_keys is not None and key in signature.client_keys:
            return True
        if signature.open and signature.client_keys is None and not nearest(key, own, cutoff=_NEARLY):
            return True
        candidates = [*own, *(signature.client_keys or ())]
        hint = nearest(key, candidates) or f" {name} takes {', '.join(own) or 'no keys'}."
        self._problems.add(table, key, f"unknown key.{hint}")
        return False

    def _note_missing(self, signature: Signature, name: str, table: str, keys: dict[str, Any]) -> None:
        for parameter in signature.parameters.values():
            if parameter.required and parameter.name not in keys:
                self._problems.add(table, parameter.name, f"is missing: {name} cannot do without it.")

    def _note(self, error: Any, name: str, table: str, given: dict[str, Any]) -> None:
        key = ".".join(str(part) for part in error["loc"]) or None
        if error["type"] == "missing" and len(error["loc"]) == 1:
            self._problems.add(table, key, f"is missing: {name} cannot do without it.")
            return
        value = given.get(str(error["loc"][0])) if error["loc"] else None
        shown = "" if is_secret_key(key or "") or error["loc"] == () else f", not {show(value)}"
        text = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        self._problems.add(table, key, f"should be {text}{shown}." if text != error["msg"] else f"{text}{shown}.")


def import_object(place: str) -> Any:
    """Return what ``"module:name"`` names.

    Raises:
        ConfigError: If it is not there; says what is missing.
    """
    module_name, separator, name = place.partition(":")
    if not separator or not name or not module_name:
        raise ConfigError(f'{show(place)} is no place. Write "module:name".')
    try:
        found: Any = import_module(module_name)
    except ImportError as error:
        raise ConfigError(f"the module {module_name!r} cannot be imported: {error}. Is it beside the file?") from error
    except Exception as error:
        raise ConfigError(f"the module {module_name!r} raised {type(error).__name__}: {error}") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{place}: there is no {part!r} in it.{nearest(part, dir(found))}")
        found = getattr(found, part)
    return found


_EXAMPLE = {
    "ingress": "lines",
    "egress": "console",
    "serializer": "json",
    "deserializer": "json",
    "resource": "resource",
}
