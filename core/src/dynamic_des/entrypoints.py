"""One plugin at a time: from the name of an entry point to the classes that its hooks return.

Every plugin is imported and called for itself, so that a broken one breaks nobody else.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from inspect import ismodule, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from dynamic_des import hookspecs
from dynamic_des.aliases import PUBLISHED
from dynamic_des.errors import PluginError, nearest, raised, show
from dynamic_des.hookspecs import GROUP
from dynamic_des.kinds import RESERVED

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Plugin", "distributions", "installed", "listed", "load"]

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("dynamic_des_register_"))
_MARK = f"{GROUP}_impl"
_ALIKE = 0.85  # how alike to a hook a function must be to have been meant as one
_BROKEN = (Exception, SystemExit)  # a plugin that leaves the process is a broken plugin, too


class Plugin:
    """An imported plugin, its hooks checked.

    Attributes:
        name: The entry point's name.
        module: The module of the hooks.
    """

    def __init__(self, name: str, module: ModuleType) -> None:
        self.name = name
        self.module = module

    def classes(self, hook: str) -> list[type[Any]]:
        """Return the classes that one hook returns.

        Raises:
            PluginError: If the hook raises, or returns something else.
        """
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(hookspecs)
        where = f"{self.name}: {self.module.__name__}.{hook}"
        try:
            manager.register(self.module, self.name)
            results = getattr(manager.hook, hook)()
        except _BROKEN as error:
            raise PluginError(f"{where} raised {raised(error)}. Report it to who wrote the plugin.") from error
        found: list[type[Any]] = []
        for result in results:
            if not isinstance(result, (list, tuple)) or not all(isinstance(one, type) for one in result):
                raise PluginError(f"{where} returned {show(result)}. Return a list of classes.")
            found.extend(result)
        return found


def installed() -> dict[str, list[EntryPoint]]:
    """Return all entry points of plugins, by name. Imports none of them."""
    return _scan(tuple((place, _changed(place)) for place in sys.path))


def distributions(points: list[EntryPoint]) -> str:
    """Return the names and versions of the distributions that bring these entry points."""
    return listed([_distribution(point) for point in points])


def load(name: str) -> Plugin | None:
    """Import the plugin behind an entry point, and no other; None if there is no such entry point.

    Raises:
        PluginError: If it has a name that core keeps, is installed twice, or cannot be imported.
    """
    points = installed().get(name, [])
    if not points:
        return None
    who = distributions(points)
    if name in RESERVED:
        raise PluginError(
            f"{name}: {who} registers a plugin of this name, which core keeps for its own {RESERVED[name][0].name}. "
            "Rename the entry point."
        )
    if len(points) > 1:
        raise PluginError(f"{name}: {who} both register a plugin of this name. Uninstall one of them.")
    try:
        module: Any = points[0].load()
    except _BROKEN as error:
        raise PluginError(
            f"{name}: {who} is installed but cannot be imported: {raised(error)}. {_remedy(name, points[0], error)}"
        ) from error
    if not ismodule(module):
        raise PluginError(
            f"{name}: {who}: the entry point names {show(module)}, not a module. Write the module of the hooks there."
        )
    _check_hooks(name, module)
    return Plugin(name, module)


def listed(names: list[str]) -> str:
    """Return ``"a, b and c"``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _check_hooks(name: str, module: ModuleType) -> None:
    """Find functions that were meant to be hooks and are none."""
    for attribute, found in vars(module).items():
        if not callable(found) or isinstance(found, type):
            continue
        marked = hasattr(found, _MARK)
        if attribute in HOOKS:
            if not marked:
                raise PluginError(
                    f"{name}: {module.__name__}.{attribute} is not decorated, so it is never called. "
                    "Write @dynamic_des.hookimpl above it."
                )
            if signature(found).parameters:
                raise PluginError(
                    f"{name}: {module.__name__}.{attribute} takes arguments, and a hook gets none. "
                    f"Write def {attribute}()."
                )
        elif marked or attribute.startswith("dynamic_des_") or nearest(attribute, HOOKS, cutoff=_ALIKE):
            hint = nearest(attribute, HOOKS) or f" Rename it: hooks are {listed(list(HOOKS))}."
            raise PluginError(f"{name}: {module.__name__}.{attribute} is no hook, so it is never called.{hint}")


@lru_cache(maxsize=4)  # reading the metadata of everything that is installed takes milliseconds
def _scan(path: tuple[Any, ...]) -> dict[str, list[EntryPoint]]:  # noqa: ARG001 - what the answer depends on
    found: dict[str, list[EntryPoint]] = {}
    for point in sorted(entry_points(group=GROUP), key=_distribution):
        found.setdefault(point.name, []).append(point)
    return dict(sorted(found.items()))


def _changed(place: str) -> int:
    """Return when something was last installed into a folder."""
    try:
        return Path(place).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"


def _remedy(name: str, point: EntryPoint, error: BaseException) -> str:
    install = point.dist.name if point.dist is not None else name
    if name in PUBLISHED:
        install = PUBLISHED[name].install  # with its extras
    if isinstance(error, ModuleNotFoundError):
        return f'Install what it needs: pip install "{install}"'
    return f'Reinstall it: pip install --force-reinstall "{install}"'
