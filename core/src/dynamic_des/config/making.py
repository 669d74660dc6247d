"""Objects from tables: connectors, serializers and resources with their arguments checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_des.config.arguments import Arguments
from dynamic_des.config.signatures import leading_parameters, signature_of
from dynamic_des.egress import BaseEgress
from dynamic_des.errors import ConfigError, PluginError, show
from dynamic_des.ingress import BaseIngress
from dynamic_des.kinds import KINDS
from dynamic_des.plugins import find_class

if TYPE_CHECKING:
    from dynamic_des.config.folders import ModelFolder
    from dynamic_des.config.places import Table
    from dynamic_des.config.problems import Problems
    from dynamic_des.config.secrets import Secrets

__all__ = ["Connector", "Maker"]

_CONTRACTS: tuple[tuple[type[Any], tuple[str, ...], str], ...] = (
    (BaseIngress, ("messages", "snapshot", "run"), "bring anything in"),
    (BaseEgress, ("write", "run"), "write anything"),
)


class Connector(NamedTuple):
    """A connector, and what core itself does for it."""

    connector: Any
    options: Any


class Maker:
    """Makes objects from the tables of one file, noting every problem.

    Args:
        problems: Where to note them.
        secrets: Where to note what must not be shown.
        folder: Where names lead first.
    """

    def __init__(self, problems: Problems, secrets: Secrets, folder: ModelFolder) -> None:
        self._problems = problems
        self._secrets = secrets
        self._folder = folder
        self._arguments = Arguments(problems, secrets, folder, self.of_type)

    def connector(self, kind: str, table: Table, keys: dict[str, Any], options: type[Any]) -> Connector | None:
        """Return a connector and core's own options for it, or None after noting why not.

        Args:
            kind: ``"ingress"`` or ``"egress"``.
            table: The table's name.
            keys: What stands in it.
            options: The dataclass of the keys that core owns: no connector ever gets one of them.
        """
        before = len(self._problems)
        own = tuple(signature_of(options).parameters)
        checked = self._options(options, table, {key: value for key, value in keys.items() if key in own})
        made = self.of_type(kind, table, {key: value for key, value in keys.items() if key not in own}, known=own)
        return None if len(self._problems) > before else Connector(made, checked)

    def of_type(self, kind: str, table: Table, keys: dict[str, Any], known: tuple[str, ...] = ()) -> Any:
        """Return an object of the class that ``type`` names, or None after noting why not.

        Args:
            kind: What is wanted.
            table: The table's name.
            keys: What stands in it.
            known: Further keys that may stand there, for the texts of errors.
        """
        cls = self.class_of(kind, table, keys)
        if cls is None:
            return None
        arguments = {key: value for key, value in keys.items() if key != "type"}
        made = self._instance(cls, table, arguments, known=("type", *known))
        if made is not None:
            self._check_overrides(table, made)
        return made

    def class_of(self, kind_name: str, table: Table, keys: dict[str, Any]) -> type[Any] | None:
        """Return the class that ``type`` names, or None after noting why not."""
        kind = KINDS[kind_name]
        name, remedy = keys.get("type"), f'Write type = "{kind.example}", or another one.'
        if "type" not in keys:
            self._problems.add(table, "type", f"is missing: it says which {kind.name} this is. {remedy}")
            return None
        if not isinstance(name, str):
            self._problems.add(table, "type", f"{show(name)} is not text. {remedy}")
            return None
        try:
            if ":" in name:
                self._folder.prepare(name)
            return find_class(kind_name, name)
        except PluginError as error:
            self._problems.add(table, "type", str(error))
            return None

    def plain(self, cls: type[Any], table: Table, keys: dict[str, Any]) -> Any:
        """Return an object of a class that is known, or None after noting why not."""
        return self._instance(cls, table, keys, known=())

    def resource_options(self, cls: type[Any], table: Table, keys: dict[str, Any]) -> dict[str, Any] | None:
        """Return the checked options of a resource, which is made later, or None after noting what is wrong."""
        try:
            skip = leading_parameters(cls)
        except PluginError as error:
            self._problems.add(table, "type", str(error))
            return None
        if len(skip) < 2:
            self._problems.add(
                table, "type", f"{cls.__name__} cannot be built with (env, name, **options). Give a resource kind."
            )
            return None
        return self._arguments.checked(cls, table, keys, known=("type",), skip=skip)

    def _instance(self, cls: type[Any], table: Table, keys: dict[str, Any], known: tuple[str, ...]) -> Any:
        arguments = self._arguments.checked(cls, table, keys, known)
        if arguments is None:
            return None
        try:
            return cls(**arguments)
        except ConfigError as error:
            self._problems.add(table, None, str(error))
        except Exception as error:  # noqa: BLE001 - a constructor is a plugin's code
            reason = f"{type(error).__name__}: {error}".removesuffix(".")
            self._problems.add(table, None, f"{cls.__name__} refused its arguments: {reason}. Give others.")
        return None

    def _options(self, options: type[Any], table: Table, own: dict[str, Any]) -> Any:
        """Return core's own options, or None after noting every one that is wrong."""
        before, arguments = len(self._problems), dict[str, Any]()
        for key, value in own.items():  # each by itself, so that a wrong one hides no other
            arguments |= self._arguments.checked(options, table, {key: value}, known=()) or {}
        while True:
            try:
                made = options(**arguments)
            except ConfigError as error:
                blamed, text = _blamed(str(error), arguments)
                if blamed is None:  # two that do not go together, unless what one lacks is what was wrong
                    if len(self._problems) == before:
                        self._problems.add(table, None, text)
                    return None
                self._problems.add(table, blamed, text)
                del arguments[blamed]
            else:
                return None if len(self._problems) > before else made

    def _check_overrides(self, table: Table, made: Any) -> None:
        """Note a connector that does nothing: a contract is kept by overriding methods."""
        cls = type(made)
        for base, methods, does in _CONTRACTS:
            if isinstance(made, base) and all(getattr(cls, method) is getattr(base, method) for method in methods):
                names = " nor ".join(methods)
                remedy = f"Write `async def {methods[0]}` in it"
                text = f"{cls.__name__} overrides neither {names}: it cannot {does}. {remedy}."
                self._problems.add(table, "type", text)


def _blamed(text: str, arguments: dict[str, Any]) -> tuple[str | None, str]:
    """Return the option that a refusal begins with, if it does, and what is said of it."""
    said = text.partition(": ")[2] or text
    key, _, rest = said.partition(" ")
    return (key, rest) if key in arguments else (None, said)
