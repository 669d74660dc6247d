"""What is given to ``setup_ingress`` and ``setup_egress``, checked."""

from __future__ import annotations

from typing import Any

from dynamic_des.egress import BaseEgress
from dynamic_des.errors import ConfigError, show, suggest
from dynamic_des.ingress import BaseIngress

__all__ = ["named", "options_of"]


def options_of(kind: type[Any], given: dict[str, Any], where: str) -> Any:
    """Return core's own options for a connector.

    Raises:
        ConfigError: If one is unknown, or makes no sense.
    """
    known = kind.__dataclass_fields__
    for key in given:
        if key not in known:
            raise ConfigError(f"{where}: {key!r} is no option.{suggest(key, known)}")
    return kind(**given)


def named(providers: Any, kind: type[Any], where: str, taken: list[str]) -> list[tuple[str, Any]]:
    """Return the connectors with names of their own.

    Raises:
        ConfigError: If they are no list or mapping of connectors.
    """
    if isinstance(providers, kind):
        raise ConfigError(f"{where}: got a single {type(providers).__name__}. Give a list: {where}([…]).")
    if not hasattr(providers, "__iter__"):
        raise ConfigError(f"{where}: {show(providers)} is not a list of connectors. Give a list: {where}([…]).")
    pairs = list(providers.items()) if hasattr(providers, "items") else [(None, one) for one in providers]
    found: list[tuple[str, Any]] = []
    for name, connector in pairs:
        if not isinstance(connector, kind):
            raise ConfigError(f"{where}: {_mistaken(connector, kind)}")
        if any(connector is other for _, other in found):
            raise ConfigError(f"{where}: {show(connector)} is given twice. Make an object of its own for each.")
        base = name or type(connector).__name__
        number, unique = 2, base
        while unique in taken:
            unique, number = f"{base}-{number}", number + 1
        taken.append(unique)
        found.append((unique, connector))
    return found


def _mistaken(given: Any, kind: type[Any]) -> str:
    """Return what is wrong with something that is no connector of the kind, and what to give."""
    if isinstance(given, type) and issubclass(given, kind):
        return f"{given.__name__} is a class. Give an object: {given.__name__}(…)."
    for other, setup in ((BaseIngress, "setup_ingress"), (BaseEgress, "setup_egress")):
        if isinstance(given, other):
            return f"{show(given)} is not a {kind.__name__} but a {other.__name__}. Give it to {setup}."
    if isinstance(given, str):
        return f"{given!r} is text. Give an object of a connector's class; a type by name is for configuration files."
    return f"{show(given)} is not a {kind.__name__}. Derive it from dynamic_des.{kind.__name__}."
