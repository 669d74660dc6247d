"""Discovery of plugins: by entry-point name, lazily, one guarded from the other.

``type = "kafka"`` imports the module behind the entry point ``kafka`` of the group ``dynamic_des`` and no other.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from dynamic_des import hookspecs
from dynamic_des.errors import PluginError, nearest, show
from dynamic_des.hookspecs import GROUP
from dynamic_des.kinds import KINDS, PLUGINS, Kind

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["PluginReport", "find_class", "report_plugins"]

_HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("dynamic_des_register_"))


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
        return _import(kind.builtin[type_name], kind)
    if ":" in type_name:
        return _import(type_name, kind)
    name, _, class_name = type_name.partition(".")
    if name in kind.builtin:
        found = _import(kind.builtin[name], kind)
        if found.__name__ == class_name:
            return found
    return _choose(kind, _registered(name, kind), name, class_name)


def report_plugins() -> list[PluginReport]:
    """Import every installed plugin, each guarded, and say what it brings or what is wrong with it."""
    reports = []
    for name in sorted({point.name for point in entry_points(group=GROUP)}):
        points = _points(name)
        distribution = " and ".join(_distribution(point) for point in points)
        try:
            module = _load(name)
            classes = {hook: _call(name, module, hook) for hook in _HOOKS}
        except PluginError as error:
            reports.append(PluginReport(name, distribution, error=str(error)))
            continue
        brings = {
            kind.name: [found.__name__ for found in classes[kind.hook]]
            for kind in KINDS.values()
            if kind.name != "deserializer" and classes[kind.hook]
        }
        reports.append(PluginReport(name, distribution, brings))
    return reports


def _import(place: str, kind: Kind) -> type[Any]:
    """Return the class at ``module:Class``."""
    module_name, _, class_name = place.partition(":")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise PluginError(
            f"{place}: the module {module_name!r} cannot be imported: {error}. "
            "Is it installed, or beside the configuration file?"
        ) from error
    except Exception as error:
        raise PluginError(f"{place}: the module {module_name!r} raised {type(error).__name__}: {error}") from error
    found = getattr(module, class_name, None)
    if found is None:
        raise PluginError(f"{place}: the module has no {class_name!r}.{nearest(class_name, vars(module))}")
    return _of_kind(found, kind, place)


def _registered(name: str, kind: Kind) -> list[type[Any]]:
    """Return the classes of a kind that the entry point ``name`` registers."""
    return [_of_kind(found, kind, name) for found in _call(name, _load(name), kind.hook) if _derives(found, kind)]


def _choose(kind: Kind, classes: list[type[Any]], name: str, class_name: str) -> type[Any]:
    if class_name:
        for found in classes:
            if found.__name__ == class_name:
                return found
        names = [found.__name__ for found in classes]
        raise PluginError(
            f"{name}.{class_name}: the plugin {name!r} registers no {kind.name} {class_name!r}."
            f"{nearest(class_name, names)} It registers {_listed(names) or f'no {kind.name} at all'}."
        )
    if len(classes) == 1:
        return classes[0]
    if classes:
        names = [f"{name}.{found.__name__}" for found in classes]
        raise PluginError(f"{name}: this plugin registers several classes of {kind.name}: say which, {_listed(names)}.")
    raise PluginError(f"{name}: this plugin registers no {kind.name}.{_what_it_brings(name)}")


def _load(name: str) -> ModuleType:
    """Import the module behind an entry point.

    Raises:
        PluginError: If it is not installed, installed twice, or cannot be imported.
    """
    points = _points(name)
    if not points:
        raise PluginError(_not_installed(name))
    if len(points) > 1:
        both = _listed([_distribution(point) for point in points])
        raise PluginError(f"{name}: {both} both register the plugin {name!r}. Uninstall one of them.")
    point = points[0]
    try:
        module: ModuleType = point.load()
    except Exception as error:
        raise PluginError(
            f"{name}: {_distribution(point)} is installed but cannot be imported: {type(error).__name__}: {error}. "
            f"Reinstall it: pip install --force-reinstall {_distribution(point).split()[0]}"
        ) from error
    _check_hooks(name, module)
    return module


def _points(name: str) -> list[EntryPoint]:
    """Return the entry points of one name, one for each distribution."""
    by_distribution: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP, name=name):
        by_distribution.setdefault(_distribution(point), point)
    return list(by_distribution.values())


def _check_hooks(name: str, module: ModuleType) -> None:
    """Find functions that were meant to be hooks and are none."""
    for attribute, found in vars(module).items():
        if not attribute.startswith("dynamic_des_") or not callable(found):
            continue
        if attribute not in _HOOKS:
            raise PluginError(
                f"{name}: {module.__name__}.{attribute} is no hook.{nearest(attribute, _HOOKS)} "
                f"Hooks are {_listed(list(_HOOKS))}."
            )
        if not hasattr(found, f"{GROUP}_impl"):
            raise PluginError(
                f"{name}: {module.__name__}.{attribute} is not decorated, so it is never called. "
                "Write @dynamic_des.hookimpl above it."
            )
    if hasattr(module, "__path__") or inspect.ismodule(module):
        return
    raise PluginError(
        f"{name}: the entry point names {show(module)}, not a module. Point it at the module of the hooks."
    )


def _call(name: str, module: ModuleType, hook: str) -> list[type[Any]]:
    """Return the classes that one hook of one plugin returns."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name)
        results = getattr(manager.hook, hook)()
    except Exception as error:
        raise PluginError(f"{name}: {module.__name__}.{hook} raised {type(error).__name__}: {error}") from error
    classes: list[type[Any]] = []
    for result in results:
        if not isinstance(result, (list, tuple)) or not all(isinstance(found, type) for found in result):
            raise PluginError(f"{name}: {module.__name__}.{hook} returned {show(result)}. Return a list of classes.")
        classes.extend(result)
    return classes


def _derives(found: type[Any], kind: Kind) -> bool:
    bases = kind.base_classes()
    if kind.name != "deserializer" or issubclass(found, bases):
        return True
    return not issubclass(found, KINDS["serializer"].base_classes())  # neither: let the check say so


def _of_kind(found: Any, kind: Kind, place: str) -> type[Any]:
    bases = kind.base_classes()
    if isinstance(found, type) and (not bases or issubclass(found, bases)):
        return found
    names = " or ".join(base.__name__ for base in bases) or "a class"
    raise PluginError(f"{place}: {show(found)} is not an {kind.name}. Derive it from dynamic_des.{names}.")


def _not_installed(name: str) -> str:
    if name in PLUGINS:
        return f"{name}: this plugin is not installed. Install it: pip install {PLUGINS[name]!r}".replace("'", '"')
    builtin = {known for kind in KINDS.values() for known in kind.builtin}
    installed = {point.name for point in entry_points(group=GROUP)}
    known = sorted(builtin | installed | set(PLUGINS))
    hint = nearest(name, known) or f" Built in or installed: {', '.join(sorted(builtin | installed))}."
    return f"{show(name)}: there is no such type.{hint}"


def _what_it_brings(name: str) -> str:
    by_kind: dict[str, list[str]] = defaultdict(list)
    module = _load(name)
    for kind in KINDS.values():
        if kind.name != "deserializer":
            by_kind[kind.name].extend(found.__name__ for found in _call(name, module, kind.hook))
    brings = [f"{kind} {_listed(names)}" for kind, names in by_kind.items() if names]
    return f" It registers {_listed(brings)}." if brings else " It registers nothing at all."


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""
