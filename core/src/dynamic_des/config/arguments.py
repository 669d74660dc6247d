"""From the keys of a table to the keyword arguments of a constructor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_des.config.annotations import members
from dynamic_des.config.nested import secrets_in
from dynamic_des.config.signatures import Parameter, Signature, client_of, signature_of
from dynamic_des.config.validation import checked
from dynamic_des.errors import PluginError, nearest, show
from dynamic_des.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.config.folders import ModelFolder
    from dynamic_des.config.places import Table
    from dynamic_des.config.problems import Problems
    from dynamic_des.config.secrets import Secrets

    _Make = Callable[[str, Table, dict[str, Any]], Any]

__all__ = ["Arguments"]

_NEARLY = 0.8  # how alike a key that goes to a client may be to one that the connector itself knows
_CONNECTORS = ("ingress", "egress")
_PLACE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class Arguments:
    """Checks arguments, noting every problem.

    Args:
        problems: Where to note them.
        secrets: Where to note what must not be shown.
        folder: Where names lead first.
        make: Makes a part, such as a serializer, from its kind, its table's name, and its keys.
    """

    def __init__(
        self,
        problems: Problems,
        secrets: Secrets,
        folder: ModelFolder,
        make: Callable[[str, Table, dict[str, Any]], Any],
    ) -> None:
        self._problems = problems
        self._secrets = secrets
        self._folder = folder
        self._make = make

    def checked(
        self,
        target: Callable[..., Any],
        table: Table,
        keys: dict[str, Any],
        known: tuple[str, ...],
        skip: tuple[str, ...] = (),
    ) -> dict[str, Any] | None:
        """Return checked keyword arguments, or None after noting what is wrong.

        Args:
            target: The class or function that they are for.
            table: The table's name.
            keys: What stands in it.
            known: Further keys that may stand in the table, for the texts of errors.
            skip: Parameters that the framework itself gives.
        """
        before = len(self._problems)
        try:
            signature = signature_of(target, skip)
        except PluginError as error:
            self._problems.add(table, None, str(error))
            return None
        given: dict[str, Any] = {}
        for key, value in keys.items():
            parameter = signature.parameters.get(key)
            if parameter is not None:
                given[key] = self._argument(parameter, table, value)
            elif self._goes_to_client(signature, target, table, key, known):
                given[key] = value
        for name, parameter in signature.parameters.items():
            if parameter.required and name not in keys:
                self._problems.add(table, name, f"is missing, and has no default. Write {name} = ….")
        return None if len(self._problems) > before else given

    def _argument(self, parameter: Parameter, table: Table, value: Any) -> Any:
        """Return one argument, or nothing of use after noting what is wrong."""
        for secret in secrets_in(parameter.values, value):
            self._secrets.add(secret)
        if parameter.role in KINDS and not (isinstance(value, str) and str in members(parameter.values)):
            return self._parts(parameter, table, value)
        if parameter.role in ("callable", "class"):
            place = value.get("type") if isinstance(value, dict) else value
            if isinstance(place, str) and (parameter.values is None or _PLACE.fullmatch(place)):
                return self._named(parameter, table, value, place)
            if parameter.values is None:
                what = "a class" if parameter.role == "class" else "something that can be called"
                remedy = f'Write {parameter.name} = "module:name".'
                self._problems.add(table, parameter.name, f"{show(value)} does not name {what}. {remedy}")
                return None
        converted, wrong = checked(parameter, value)
        for one in wrong:
            self._problems.add(table, parameter.name, one.text, one.inside)
        return converted

    def _parts(self, parameter: Parameter, table: Table, value: Any) -> Any:
        """Return what a sub-table describes, such as a serializer, or a mapping of such things."""
        inner, role = (*table, parameter.name), parameter.role
        if not parameter.mapped:
            if role in _CONNECTORS and isinstance(value, str) and parameter.values is not None:
                return value  # the path of a file, say, in the place of a connector
            return self._part(role, table, inner, value)
        if isinstance(value, dict):
            return {key: self._part(role, inner, (*inner, key), item) for key, item in value.items()}
        plural = f"{role}{'es' if role.endswith('s') else 's'}"
        remedy = f'Write {parameter.name} = {{ "…" = {{ type = "{KINDS[role].example}" }} }}.'
        self._problems.add(table, parameter.name, f"{show(value)} is not a table of {plural}. {remedy}")
        return None

    def _part(self, role: str, outer: Table, inner: Table, value: Any) -> Any:
        kind = KINDS[role]
        if isinstance(value, str):
            value = {"type": value}
        if isinstance(value, dict):
            return self._make(role, inner, value)
        self._problems.add(outer, inner[-1], f'{show(value)} is not {kind}. Write {{ type = "{kind.example}" }}.')
        return None

    def _named(self, parameter: Parameter, table: Table, value: Any, place: str) -> Any:
        """Return what ``"module:name"`` names, or what a sub-table with such a ``type`` describes."""
        try:
            found = self._folder.import_object(place)
        except PluginError as error:
            self._problems.add(table, parameter.name, str(error))
            return None
        if isinstance(value, dict):
            found = self._built(found, (*table, parameter.name), value)
        return self._of_role(parameter, table, place, found)

    def _built(self, found: Any, table: Table, keys: dict[str, Any]) -> Any:
        """Return what a class or a function makes of the rest of a sub-table; None after noting why not."""
        arguments = {key: value for key, value in keys.items() if key != "type"}
        if not callable(found):
            return found
        checked_arguments = self.checked(found, table, arguments, known=("type",))
        if checked_arguments is None:
            return None
        try:
            return found(**checked_arguments)
        except Exception as error:  # noqa: BLE001 - the user's code
            reason = f"{type(error).__name__}: {error}".removesuffix(".")
            self._problems.add(table, None, f"{keys['type']} refused its arguments: {reason}. Give others.")
            return None

    def _of_role(self, parameter: Parameter, table: Table, place: str, found: Any) -> Any:
        if parameter.role == "class" and isinstance(found, parameter.kinds):
            return found
        if found is not None and not (isinstance(found, type) if parameter.role == "class" else callable(found)):
            what = "is not a class" if parameter.role == "class" else "cannot be called"
            remedy = "class" if parameter.role == "class" else "function"
            self._problems.add(table, parameter.name, f"{place}: {show(found)} {what}. Name a {remedy}.")
        return found

    def _goes_to_client(
        self, signature: Signature, target: Any, table: Table, key: str, known: tuple[str, ...]
    ) -> bool:
        """Return whether a key is for the client behind a connector; note it when it is for nobody."""
        own = [*signature.parameters, *known]
        client = None
        if signature.open:
            try:
                client = client_of(target)
            except PluginError as error:
                self._problems.add(table, key, str(error))
                return False
            if client is not None and key in client.keys:
                return True
            theirs = client.keys if client is not None else ()
            if (client is None or client.open) and not nearest(key, [*own, *theirs], cutoff=_NEARLY):
                return True
        hint = nearest(key, [*own, *(client.keys if client is not None else ())])
        takes = f" {signature.name} takes {', '.join(own) or 'no keys'}. Remove it."
        self._problems.add(table, key, f"unknown key.{hint or takes}")
        return False
