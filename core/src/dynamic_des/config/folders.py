"""Where the names in a configuration file lead: the folder of the file first.

A process may run several twins, and each may call its model ``model``. So a folder is *active* from the moment that
its file is loaded until that of another folder is: it is first on ``sys.path``, and what was imported from it leaves
``sys.modules`` with it. Nothing else that the process has imported is touched.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_des.errors import PluginError, nearest
from dynamic_des.importing import import_object

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["ModelFolder"]


class ModelFolder:
    """The folder of a configuration file.

    Args:
        folder: The folder.
    """

    _active: ClassVar[ModelFolder | None] = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before: set[str] = set()
        self._own: dict[str, ModuleType] = {}
        self._hidden: dict[str, ModuleType] = {}

    def activate(self) -> None:
        """Let names lead here first, and no longer to another configuration's folder."""
        active = ModelFolder._active
        if active is self:
            return
        if active is not None:
            active._leave()
        ModelFolder._active = self
        self._before = set(sys.modules)
        sys.path.insert(0, str(self._folder))
        finder = sys.path_importer_cache.get(str(self._folder))
        if finder is not None and hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()  # files that were written since the last look
        self._hide([name for name in self._own if name in sys.modules])
        sys.modules.update(self._own)

    def prepare(self, place: str) -> None:
        """Make sure that the module of ``"module:name"`` is the one beside the file, if there is one.

        Raises:
            PluginError: If the file beside has the name of a module of Python itself.
        """
        self.activate()
        top = place.partition(":")[0].partition(".")[0]
        if not top.isidentifier() or PathFinder.find_spec(top, [str(self._folder)]) is None:
            return
        if top in sys.stdlib_module_names:
            raise PluginError(f"{place}: {top} is the name of a module of Python itself. Rename the file {top}.py.")
        loaded = sys.modules.get(top)
        if loaded is not None and not self._has(top, loaded):
            self._hide([name for name in sys.modules if name.partition(".")[0] == top])

    def import_object(self, place: str) -> Any:
        """Return what ``"module:name"`` names.

        Raises:
            PluginError: If it is not there; says what is missing.
        """
        self.prepare(place)
        top = place.partition(":")[0].partition(".")[0]
        if top.isidentifier() and top not in sys.modules and find_spec(top) is None:
            hint = nearest(top, {entry.stem for entry in self._folder.glob("*.py")})
            if hint:
                raise PluginError(f"{place}: there is no module {top!r}.{hint}")
        return import_object(place)

    def _leave(self) -> None:
        """Take what was imported from here out of the way."""
        if str(self._folder) in sys.path:
            sys.path.remove(str(self._folder))
        new = [name for name in sys.modules if name not in self._before]
        if self._folder.is_dir():  # which says it sooner than each module
            here = {entry.name.partition(".")[0] for entry in self._folder.iterdir()}
            new = [name for name in new if name.partition(".")[0] in here]
        self._own = {name: sys.modules[name] for name in new if self._has(name, sys.modules[name])}
        for name in self._own:
            del sys.modules[name]
        sys.modules.update(self._hidden)
        self._hidden = {}

    def _hide(self, names: list[str]) -> None:
        """Let modules of other places, which have the names of ours, wait until this folder is left."""
        for name in names:
            self._hidden[name] = sys.modules.pop(name)
            self._before.discard(name)

    def _has(self, name: str, module: ModuleType) -> bool:
        """Return whether a module is a file of this folder, or in a package of it."""
        top = name.partition(".")[0]
        for place in (getattr(module, "__file__", None), *getattr(module, "__path__", ())):
            # the first step decides: a virtual environment may be in this folder, too
            if isinstance(place, str) and Path(place).is_relative_to(self._folder):
                first = Path(place).relative_to(self._folder).parts[:1]
                return first != () and first[0].partition(".")[0] == top
        return False
