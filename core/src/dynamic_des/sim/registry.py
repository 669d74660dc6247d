"""The switchboard: dot paths to live parameters, and the one place where they change."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ParameterError, UnknownPathError, WrongThreadError, show
from dynamic_des.messages import Outcome
from dynamic_des.sim.bounds import Bounds
from dynamic_des.sim.casting import Refusal
from dynamic_des.sim.dynamic_value import DynamicValue
from dynamic_des.sim.groups import CapacityGroup, DistributionGroup, Group, VariableGroup, differs
from dynamic_des.sim.parameters import SimParameter
from dynamic_des.sim.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from simpy import Environment

__all__ = ["DynamicValue", "SimulationRegistry"]

APPLIED = Outcome("applied")
UNCHANGED = Outcome("unchanged")


class SimulationRegistry:
    """The single source of truth for the parameters of a model.

    Paths read ``<sim_id>.<arrival|service|resources|containers|stores|variables>.<name>.<field>`` (variables have
    no field). Everything that comes in from outside goes through `update` or `update_many`: it is cast to the
    declared type, checked, and applied completely or not at all.

    Attributes:
        env: The environment whose processes are woken.
    """

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._values: dict[str, DynamicValue] = {}
        self._configs: dict[str, Group] = {}
        self._paths = Paths(self._values)
        self._thread: int | None = None  # the simulation thread while a run is on

    # -- what is there ---------------------------------------------------------------------------------

    def register_sim_parameter(self, param: SimParameter) -> None:
        """Add the parameters of one entity, at any time, also while the simulation runs.

        The registry keeps copies: one `SimParameter` can start many environments.

        Args:
            param: What to add. A ``sim_id`` that is known already may gain new names.

        Raises:
            ParameterError: If a value makes no sense or a path is registered already. Nothing is added then.
            WrongThreadError: If a run is on and this is not its thread.
        """
        self._check_thread()
        configs: dict[str, Group] = {}
        values: dict[str, DynamicValue] = {}
        for group in _groups(param):
            configs[group.path] = group
            for field, value in group.fields():
                entry = group.entries[field] = DynamicValue(self.env, group, field, value)
                values[entry.path] = entry
            group.free_ranges()
        for path in (*configs, *values):
            twice = path in values and path in configs and values[path]._group is not configs[path]  # names with dots
            if twice or path in self._configs or path in self._values:
                raise ParameterError(f"{path}: is registered already. Choose another sim_id or name, or update it.")
        self._configs.update(configs)
        self._values.update(values)
        self._paths.forget()

    def get(self, path: str) -> DynamicValue:
        """Return the live parameter at ``path``.

        Raises:
            UnknownPathError: (a KeyError) If there is none; names the nearest path.
        """
        try:
            return self._values[path]
        except (KeyError, TypeError):  # a list, which came as a path, cannot be looked up
            raise UnknownPathError(self._paths.unknown(path)) from None

    def get_config(self, path: str) -> Any:
        """Return the live configuration object at ``path``, such as a `DistributionConfig`.

        The object is kept in step with the registry: hold on to it and read it whenever it is needed. For a
        variable this is its current value.

        Raises:
            UnknownPathError: (a KeyError) If there is none; names the nearest path.
        """
        try:
            group = self._configs[path]
        except (KeyError, TypeError):
            raise UnknownPathError(Paths(self._configs, "configuration").unknown(path)) from None
        return self._values[path].value if group.config is None else group.config

    def paths(self) -> list[str]:
        """Return every path that has a value, sorted."""
        return sorted(path for path, entry in self._values.items() if entry.value is not None or not entry._field)

    # -- changing it -----------------------------------------------------------------------------------

    def update(self, path: str, new_value: Any) -> Outcome:
        """Change one parameter. Never raises on what the outside world may send.

        Args:
            path: The dot path.
            new_value: The new value; cast to the type of the parameter (``"5"`` → 5). None takes a field of a
                distribution away, if the distribution can do without it.

        Returns:
            ``applied``, ``unchanged`` or ``refused`` with the reason. A capacity above its maximum is clamped,
            the wish remembered for the day the maximum rises, and the outcome says so.

        Raises:
            WrongThreadError: If a run is on and this is not its thread. Use ``env.post``.
        """
        if self._thread is not None and self._thread != get_ident():
            raise self._wrong_thread()
        try:
            entry = self._values[path]
        except (KeyError, TypeError):
            return Outcome("refused", self._paths.unknown(path))
        if type(new_value) is not entry._free_type:
            return self._update_cast(entry, new_value)
        if not entry._floor <= new_value <= entry._ceiling:
            return self._apply(((path, new_value),))
        if new_value == entry.value:
            return UNCHANGED
        entry.value = new_value
        config = entry._group.config
        if config is not None:
            setattr(config, entry._field, new_value)
        if entry._listeners or entry._changed is not None:
            entry._tell()
            entry._wake()
        return APPLIED

    def update_many(self, updates: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Outcome:
        """Change several parameters at one instant: all of them or none. Never raises on outside data.

        Args:
            updates: Path → new value. Nobody sees a state in which only some are in force. Of two values for one
                path the last one counts.

        Returns:
            As `update`; ``unchanged`` only when nothing changed at all.

        Raises:
            WrongThreadError: If a run is on and this is not its thread. Use ``env.post``.
        """
        self._check_thread()
        if type(updates) is not tuple and hasattr(updates, "items"):
            updates = updates.items()
        try:
            pairs = [(path, value) for path, value in updates]
        except (TypeError, ValueError):
            return Outcome("refused", f"{show(updates)}: a change is a list of pairs (path, value), or a dictionary.")
        if len(pairs) == 1:
            return self.update(*pairs[0])
        if not pairs:
            return Outcome("refused", "the change is empty. Send at least one path and value.")
        return self._apply(pairs)

    def set_bounds(
        self,
        path: str,
        *,
        min: float | None = None,
        max: float | None = None,
        max_step: float | None = None,
    ) -> None:
        """Refuse values outside of ``min`` to ``max``, and steps larger than ``max_step``, from now on.

        They replace the bounds that were there; without any, the parameter has none any more.

        Bounds judge what is asked for, not what follows from it: a machine whose ``max_cap`` is lowered has the
        capacity that it has.

        Args:
            path: The dot path of a number.
            min: Smallest value allowed, in the parameter's own unit.
            max: Largest value allowed.
            max_step: Largest allowed distance between the value in force and a new one.

        Raises:
            UnknownPathError: If there is no such path.
            ParameterError: If the bounds make no sense, or exclude the value that is in force.
        """
        entry = self.get(path)
        bounds = Bounds(path, min, max, max_step)
        try:
            bounds.check(entry.value, None)
        except Refusal as refusal:
            raise ParameterError(f"bounds of {path}: the value in force is outside: {refusal}.") from None
        entry._bounds = None if min is max is max_step is None else bounds
        entry._group.free_ranges()

    def _update_cast(self, entry: DynamicValue, new_value: Any) -> Outcome:
        """Change one parameter to a value of another type than its own."""
        try:
            value = entry._cast(new_value)
        except Refusal as refusal:
            return Outcome("refused", f"{entry.path}: {refusal}. The value stays {show(entry.value)}.")
        if type(value) is entry._free_type:
            return self.update(entry.path, value)
        if entry._group.config is not None or entry._bounds is not None:
            return self._apply(((entry.path, value),))
        if not differs(value, entry.value):
            return UNCHANGED
        entry.value = value
        entry._tell()
        entry._wake()
        return APPLIED

    def _apply(self, pairs: Sequence[tuple[str, Any]]) -> Outcome:
        """Check a change as a whole, commit it as a whole, then tell everybody."""
        notes: list[str] = []
        place: Any = None
        try:
            wishes: dict[Group, dict[str, Any]] = {}
            for place, new_value in pairs:
                entry = self.get(place)
                value = entry._cast(new_value)
                if entry._bounds is not None:
                    entry._bounds.check(value, entry.value)
                wishes.setdefault(entry._group, {})[entry._field] = value
            settled: list[tuple[Group, dict[str, Any]]] = []
            for group, fields in wishes.items():
                place = group.path if len(fields) > 1 else group.path_of(*fields)
                settled.append((group, group.settle(fields, notes)))
        except UnknownPathError as unknown:
            return Outcome("refused", str(unknown))
        except Refusal as refusal:
            stays = f"The value stays {show(self._values[place].value)}" if len(pairs) == 1 else "Nothing was changed"
            return Outcome("refused", f"{place}: {refusal}. {stays}.")
        changed = [entry for group, fields in settled for entry in group.commit(fields)]
        for entry in changed:  # everybody who follows first: whoever wakes up finds the resources adjusted
            entry._tell()
        for entry in changed:
            entry._wake()
        if notes:
            return Outcome("applied" if changed else "unchanged", "; ".join(notes))
        return APPLIED if changed else UNCHANGED

    def _check_thread(self) -> None:
        if self._thread is not None and self._thread != get_ident():
            raise self._wrong_thread()

    def _wrong_thread(self) -> WrongThreadError:
        return WrongThreadError(
            "registry: a run is on in another thread, and only that thread may change the model. "
            "Use env.post(path, value), which is safe from any thread."
        )


def _groups(param: SimParameter) -> Iterator[Group]:
    """Make the groups of an entity's parameters, checked."""
    if not isinstance(param, SimParameter):
        raise ParameterError(f"register_sim_parameter: {show(param)} is not a SimParameter.")
    prefix = param.sim_id
    if not isinstance(prefix, str) or not prefix:
        raise ParameterError(f"SimParameter.sim_id: {show(prefix)} is not a name. Give text, such as 'Line_A'.")
    for kind in ("arrival", "service", "resources", "containers", "stores", "variables"):
        table = getattr(param, kind)
        if not isinstance(table, dict):
            raise ParameterError(f"{prefix}.{kind}: {show(table)} is not a dictionary. Give {{name: …}}.")
        for name, value in table.items():
            if not isinstance(name, str) or not name:
                raise ParameterError(f"{prefix}.{kind}: {show(name)} is not a name. Give text, such as 'lathe'.")
            path = f"{prefix}.{kind}.{name}"
            if kind in ("arrival", "service"):
                yield DistributionGroup(path, value)
            elif kind == "variables":
                yield VariableGroup(path, value)
            else:
                yield CapacityGroup(path, value, kind)
