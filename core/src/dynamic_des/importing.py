"""From ``"package.module:name"`` to what it names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dynamic_des.errors import PluginError, nearest, raised, show

__all__ = ["import_object"]


def import_object(place: str) -> Any:
    """Return what ``"package.module:name"`` names.

    Raises:
        PluginError: If it is not there; says what is missing.
    """
    module_name, _, name = place.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *name.split("."))):
        raise PluginError(f'{show(place)} names nothing. Write "module:name".')
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise PluginError(
                f"{place}: the module {module_name!r} needs {error.name!r}, which is not installed. Install it."
            ) from error
        raise PluginError(
            f"{place}: there is no module {error.name!r}. Is it installed, or beside the configuration file? "
            "Write its name as an import statement would."
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{place}: the module {module_name!r} raised {raised(error)}. Mend the module.") from error
    for part in name.split("."):
        found = _attribute(found, part, place)
    return found


def _attribute(found: Any, part: str, place: str) -> Any:
    """Return what a module, or something in it, has under a name."""
    try:
        if hasattr(found, part):
            return getattr(found, part)
    except ImportError as error:  # of a plugin that is not installed: says what to do
        raise PluginError(f"{place}: {error}") from error
    except Exception as error:
        raise PluginError(f"{place}: {raised(error)}. Mend that, or name something else.") from error
    public = [known for known in dir(found) if not known.startswith("_")]
    hint = nearest(part, public) or " Write the name of something that is defined there."
    raise PluginError(f"{place}: there is no {part!r} in it.{hint}")
