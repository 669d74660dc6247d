"""The switchboard: dot paths to live parameters, and the one place where they change."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from simpy.events import PENDING, Event

from dynamic_des.errors import ParameterError, UnknownPathError, WrongThreadError, nearest, show
from dynamic_des.messages import Outcome
from dynamic_des.sim.bounds import Bounds
from dynamic_des.sim.casting import Refusal
from dynamic_des.sim.groups import CapacityGroup, DistributionGroup, Group, VariableGroup, differs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from simpy import Environment

    from dynamic_des.sim.parameters import SimParameter

__all__ = ["DynamicValue", "SimulationRegistry"]

APPLIED = Outcome("applied")
UNCHANGED = Outcome("unchanged")


class DynamicValue:
    """One live parameter.

    Attributes:
        path: Its dot path, such as ``"Line_A.arrival.standard.rate"``.
        value: The value in force. Read it whenever it is needed; change it through the registry only.
    """

    __slots__ = ("_bounds", "_cast", "_changed", "_env", "_field", "_group", "_listeners", "path", "value")

    def __init__(self, env: Environment, path: str, group: Group, field: str, value: Any) -> None:
        self.path = path
        self.value = value
        self._env = env
        self._group = group
        self._field = field
        self._cast: Callable[[Any], Any] = group.cast(field)
        self._bounds: Bounds | None = None
        self._listeners: list[Callable[[Any], None]] = []
        self._changed: Event | None = None

    def __repr__(self) -> str:
        return f"<DynamicValue {self.path} = {show(self.value)}>"

    def wait_for_change(self) -> Event:
        """Return an event that happens at the next change; its value is the new value.

        All who wait share one event: every one of them is woken. Combine it freely
        (``value.wait_for_change() | env.timeout(60)``); giving up on it costs nothing.
        """
        event = self._changed
        if event is None or event._value is not PENDING:
            event = self._changed = Event(self._env)
        return event

    def subscribe(self, listener: Callable[[Any], None]) -> None:
        """Call ``listener(new_value)`` inside every update, before any waiting process goes on.

        For resources that follow a parameter. A listener must not yield, block or raise.
        """
        self._listeners.append(listener)


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
        self._configs: dict[str, Any] = {}
        self._thread: int | None = None  # the simulation thread while a run is on

    # -- what is there ---------------------------------------------------------------------------------

    def register_sim_parameter(self, param: SimParameter) -> None:
        """Add the parameters of one entity, at any time, also while the simulation runs.

        The registry keeps copies: one `SimParameter` can start many environments.

        Args:
            param: What to add. A ``sim_id`` that is known already may gain new names.

        Raises:
            ParameterError: If a value makes no sense or a path is registered already. Nothing is added then.
        """
        groups: dict[str, Group] = {}
        prefix = param.sim_id
        if not isinstance(prefix, str) or not prefix:
            raise ParameterError(f"SimParameter.sim_id: {show(prefix)} is not a name. Give text, such as 'Line_A'.")
        for kind in ("arrival", "service"):
            for name, distribution in _named(param, kind):
                groups[f"{prefix}.{kind}.{name}"] = DistributionGroup(f"{prefix}.{kind}.{name}", distribution)
        for kind in ("resources", "containers", "stores"):
            for name, capacity in _named(param, kind):
                groups[f"{prefix}.{kind}.{name}"] = CapacityGroup(f"{prefix}.{kind}.{name}", capacity, kind)
        for name, value in _named(param, "variables"):
            groups[f"{prefix}.variables.{name}"] = VariableGroup(f"{prefix}.variables.{name}", value)
        for path in groups:
            if path in self._configs:
                raise ParameterError(f"{path}: is registered already. Choose another sim_id or name, or update it.")
        for path, group in groups.items():
            self._configs[path] = group.config
            for field, value in group.fields():
                full = f"{path}.{field}" if field else path
                self._values[full] = DynamicValue(self.env, full, group, field, value)

    def get(self, path: str) -> DynamicValue:
        """Return the live parameter at ``path``.

        Raises:
            UnknownPathError: (a KeyError) If there is none; names the nearest path.
        """
        try:
            return self._values[path]
        except (KeyError, TypeError):
            raise UnknownPathError(self._unknown(path)) from None

    def get_config(self, path: str) -> Any:
        """Return the live configuration object at ``path``, such as a `DistributionConfig`.

        The object is kept in step with the registry: hold on to it and read it whenever it is needed. For a
        variable this is its current value.

        Raises:
            UnknownPathError: (a KeyError) If there is none; names the nearest path.
        """
        try:
            config = self._configs[path]
        except (KeyError, TypeError):
            hint = nearest(path, self._configs) or _some(self._configs)
            raise UnknownPathError(f"{show(path)}: no such configuration.{hint}") from None
        return self._values[path].value if path in self._values else config

    def paths(self) -> list[str]:
        """Return every path that has a value, sorted."""
        return sorted(path for path, entry in self._values.items() if entry.value is not None or not entry._field)

    # -- changing it -----------------------------------------------------------------------------------

    def update(self, path: str, new_value: Any) -> Outcome:
        """Change one parameter. Never raises on what the outside world may send.

        Args:
            path: The dot path.
            new_value: The new value; cast to the type of the parameter (``"5"`` → 5).

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
            value = entry._cast(new_value)
        except (KeyError, TypeError):
            return Outcome("refused", self._unknown(path))
        except Refusal as refusal:
            return Outcome("refused", f"{path}: {refusal}. The value stays {show(self._values[path].value)}.")
        if type(entry._group) is not VariableGroup or entry._bounds is not None:
            return self._apply({entry: value})
        if not differs(value, entry.value):
            return UNCHANGED
        entry.value = entry._group.config = value
        if entry._listeners or entry._changed is not None:
            _announce((entry,))
        return APPLIED

    def update_many(self, updates: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Outcome:
        """Change several parameters at one instant: all of them or none. Never raises on outside data.

        Args:
            updates: Path → new value. Nobody sees a state in which only some are in force.

        Returns:
            As `update`; ``unchanged`` only when nothing changed at all.

        Raises:
            WrongThreadError: If a run is on and this is not its thread. Use ``env.post``.
        """
        if self._thread is not None and self._thread != get_ident():
            raise self._wrong_thread()
        wishes: dict[DynamicValue, Any] = {}
        for path, new_value in updates.items() if hasattr(updates, "items") else updates:
            try:
                entry = self._values[path]
            except (KeyError, TypeError):
                return Outcome("refused", self._unknown(path))
            try:
                wishes[entry] = entry._cast(new_value)
            except Refusal as refusal:
                return Outcome("refused", f"{path}: {refusal}. The value stays {show(entry.value)}.")
        if not wishes:
            return Outcome("refused", "the change is empty. Send at least one path and value.")
        return self._apply(wishes)

    def set_bounds(
        self,
        path: str,
        *,
        min: float | None = None,
        max: float | None = None,
        max_step: float | None = None,
    ) -> None:
        """Refuse values outside of ``min`` to ``max``, and steps larger than ``max_step``, from now on.

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
        entry._bounds = bounds

    def _apply(self, wishes: dict[DynamicValue, Any]) -> Outcome:
        """Check a change as a whole, commit it as a whole, then tell everybody."""
        groups: dict[Group, dict[str, Any]] = {}
        notes: list[str] = []
        try:
            for entry, value in wishes.items():
                if entry._bounds is not None:
                    entry._bounds.check(value, entry.value)
                groups.setdefault(entry._group, {})[entry._field] = value
            settled = {group: group.settle(fields, notes) for group, fields in groups.items()}
        except Refusal as refusal:
            first = next(iter(wishes))
            place = first.path if len(wishes) == 1 else f"{first.path} and {len(wishes) - 1} more"
            return Outcome("refused", f"{place}: {refusal}. Nothing was changed.")
        changed = [
            self._values[group.path_of(field)] for group, fields in settled.items() for field in group.commit(fields)
        ]
        for entry in changed:
            entry.value = entry._group.read(entry._field)
        _announce(changed)
        if notes:
            return Outcome("applied" if changed else "unchanged", "; ".join(notes))
        return APPLIED if changed else UNCHANGED

    # -- the words of errors -----------------------------------------------------------------------------

    def _unknown(self, path: object) -> str:
        if not isinstance(path, str):
            return f"{show(path)}: a path is text, such as 'Line_A.arrival.standard.rate'."
        family = path.split(".", 1)[0] + "."
        known = [known for known in self._values if known.startswith(family)] or list(self._values)
        # comparing is quadratic in the length: look at the few dozen that are about as long
        known.sort(key=lambda candidate: abs(len(candidate) - len(path)))
        return f"{show(path)}: no such path.{nearest(path, known[:64]) or _some(self._configs)}"

    def _wrong_thread(self) -> WrongThreadError:
        return WrongThreadError(
            "registry: a run is on in another thread, and only that thread may change the model. "
            "Use env.post(path, value), which is safe from any thread."
        )


def _announce(changed: Iterable[DynamicValue]) -> None:
    """Tell the resources first, then wake who waits: whoever is woken finds the resources adjusted."""
    for entry in changed:
        for listener in entry._listeners:
            listener(entry.value)
    for entry in changed:
        event, entry._changed = entry._changed, None
        if event is not None and event._value is PENDING:
            event.succeed(entry.value)


def _named(param: SimParameter, kind: str) -> Iterable[tuple[str, Any]]:
    table = getattr(param, kind)
    if not isinstance(table, dict):
        raise ParameterError(f"{param.sim_id}.{kind}: {show(table)} is not a dictionary of names.")
    for name in table:
        if not isinstance(name, str) or not name:
            raise ParameterError(f"{param.sim_id}.{kind}: {show(name)} is not a name. Give text, such as 'lathe'.")
    return table.items()


def _some(known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return " Nothing is registered yet: call registry.register_sim_parameter first."
    return f" There are {', '.join(names[:5])}{', …' if len(names) > 5 else ''}."
