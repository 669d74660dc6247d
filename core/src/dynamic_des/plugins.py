"""From the ``type`` in a configuration file to a class.

``type = "kafka"`` imports the module behind the entry point ``kafka`` of the group ``dynamic_des`` and no other.
What core itself brings is found without looking at what is installed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_des.aliases import PUBLISHED
from dynamic_des.errors import PluginError, nearest, show
from dynamic_des.importing import import_object
from dynamic_des.kinds import KINDS, RESERVED, Kind

if TYPE_CHECKING:
    from dynamic_des.entrypoints import Plugin

__all__ = ["PluginReport", "find_class", "report_plugins"]


_TABLES = {"ingress": "ingress", "egress": "egress", "resource": "resources"}  # where a kind stands in a file


@dataclass(frozen=True)
class PluginReport:
    """What is known about one entry point.

    Attributes:
        name: The entry point's name: the ``type`` in a configuration file.
        distribution: The distribution that brings it, and its version.
        classes: Kind → names of the classes it registers.
        error: Why it cannot be used, or None.
    """

    name: str
    distribution: str
    classes: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None


def find_class(kind_name: str, type_name: str) -> type[Any]:
    """Return the class that ``type = "type_name"`` names.

    Args:
        kind_name: ``"ingress"``, ``"egress"``, ``"serializer"``, ``"deserializer"`` or ``"resource"``.
        type_name: A built-in name (``"console"``), an entry point (``"kafka"``), one of its classes
            (``"kafka.KafkaEgress"``), or code that is not packaged (``"package.module:Class"``).

    Raises:
        PluginError: If there is none; says why and what to do.
    """
    kind = KINDS[kind_name]
    if type_name in kind.builtin:
        found: type[Any] = import_object(kind.builtin[type_name])
        return found
    if ":" in type_name:
        return _of_kind(import_object(type_name), kind, type_name)
    name, _, class_name = type_name.partition(".")
    if name in RESERVED:
        return _own(kind, name, class_name)
    return _of_plugin(kind, type_name)


def report_plugins() -> list[PluginReport]:
    """Import every installed plugin, each guarded, and say what it brings or what is wrong with it."""
    from dynamic_des.entrypoints import distributions, installed, load

    reports = []
    for name, points in installed().items():
        try:
            plugin = load(name)
            assert plugin is not None
            classes = {kind.name: _classes(plugin, kind) for kind in KINDS.values()}
        except PluginError as error:
            reports.append(PluginReport(name, distributions(points), error=str(error)))
            continue
        brings = {kind: [found.__name__ for found in some] for kind, some in classes.items() if some}
        reports.append(PluginReport(name, distributions(points), brings))
    return reports


def _own(kind: Kind, name: str, class_name: str) -> type[Any]:
    """Return one of core's own classes, named in full, or say that it is of another kind."""
    if name in kind.builtin:
        found: type[Any] = import_object(kind.builtin[name])
        if found.__name__ == class_name:
            return found
        raise PluginError(f"{name}.{class_name}: there is only {found.__name__} in it. Write type = {name!r}.")
    other = RESERVED[name][0]
    move = f"Move it to [{_TABLES[other.name]}.…], or use" if other.name in _TABLES else "Use"
    raise PluginError(f"{name}: this is {other}, not {kind}. {move} one of {_known(kind)}.")


def _of_plugin(kind: Kind, type_name: str) -> type[Any]:
    """Return a class that an installed plugin registers."""
    from dynamic_des.entrypoints import load

    whole, class_name = load(type_name), ""  # the name of an entry point may itself have dots
    if whole is None and "." in type_name:
        name, _, class_name = type_name.rpartition(".")
        whole = load(name)
    if whole is None:
        raise PluginError(_not_installed(kind, type_name))
    return _choose(kind, whole, class_name)


def _choose(kind: Kind, plugin: Plugin, class_name: str) -> type[Any]:
    classes = {found.__name__: found for found in _classes(plugin, kind)}
    if class_name in classes:
        return classes[class_name]
    if len(classes) == 1 and not class_name:
        return next(iter(classes.values()))
    name = plugin.name
    ways = " or ".join(f'type = "{name}.{one}"' for one in classes)
    if class_name:
        hint = nearest(class_name, classes) or (f" Write {ways}." if classes else _what_it_brings(plugin))
        raise PluginError(f"{name}.{class_name}: the plugin {name!r} registers no {kind.name} {class_name!r}.{hint}")
    if classes:
        raise PluginError(f"{name}: this plugin registers several classes of {kind.name}. Write {ways}.")
    raise PluginError(f"{name}: this plugin registers no {kind.name}.{_what_it_brings(plugin)}")


def _classes(plugin: Plugin, kind: Kind) -> list[type[Any]]:
    """Return the classes of a kind that a plugin registers; all that one hook returns have to be of its kind."""
    together = [other for other in KINDS.values() if other.hook == kind.hook]
    found = plugin.classes(kind.hook)
    for one in found:
        if not any(other.has(one) for other in together):
            _of_kind(one, kind, f"{plugin.name}: {plugin.module.__name__}.{kind.hook}")
    return [one for one in found if kind.has(one)]


def _of_kind(found: Any, kind: Kind, place: str) -> type[Any]:
    if not isinstance(found, type):
        raise PluginError(f"{place}: {show(found)} is not a class. Name a class.")
    if kind.has(found):
        return found
    other = next((other for other in KINDS.values() if other.base and other.has(found)), None)
    what = f"is {other}, not {kind}" if other else f"is not {kind}"
    base = kind.base.partition(":")[2]
    remedy = f"Derive it from dynamic_des.{base}" if base else "Give a class that is built with (env, name, **options)"
    raise PluginError(f"{place}: {found.__name__} {what}. {remedy}.")


def _not_installed(kind: Kind, type_name: str) -> str:
    name = type_name if type_name in PUBLISHED else type_name.partition(".")[0]
    if name in PUBLISHED:
        return f'{name}: this plugin is not installed. Install it: pip install "{PUBLISHED[name].install}"'
    from dynamic_des.entrypoints import installed

    hint = nearest(type_name, [*kind.builtin, *installed(), *PUBLISHED])
    known = _known(kind)
    remedy = f' Use one of {known}; install a plugin that has it; or write "module:Class".'
    return f"{show(type_name)}: there is no {kind.name} of this type.{hint or remedy}"


def _known(kind: Kind) -> str:
    """Return what may be meant: core's own, and the plugins, whose classes are known to nobody before their import."""
    from dynamic_des.entrypoints import installed

    plugins = ", ".join(installed())
    return ", ".join(kind.builtin) + (f", or a plugin ({plugins})" if plugins else "")


def _what_it_brings(plugin: Plugin) -> str:
    from dynamic_des.entrypoints import listed

    brings = [
        f"{kind.name} {one.__name__}" for kind in KINDS.values() for one in plugin.classes(kind.hook) if kind.has(one)
    ]
    if brings:
        return f" It brings {listed(brings)}. Use it for that, or give another type."
    return " It brings nothing at all. Report it to who wrote the plugin."
