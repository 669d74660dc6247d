"""Operations in the form of events: a type that names one, a context with its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ParameterError, show, suggest

if TYPE_CHECKING:
    from dynamic_des_streaming.operations import Operation

__all__ = ["carry_out"]


def carry_out(component: Any, event: object, operations: tuple[str, ...]) -> Operation:
    """Return the operation that an event asks a component for.

    Args:
        component: Who is asked; has the operations as methods.
        event: Has ``event_type`` and ``context``, as attributes or as keys. What else the context has is left alone.
        operations: Names of the operations that may be asked for, in whatever case.

    Raises:
        ParameterError: (a ValueError) If it asks for none of them, or an argument is missing.
    """
    kind, context = _part(event, "event_type"), _part(event, "context")
    name = kind.lower() if isinstance(kind, str) else ""
    if name not in operations or not isinstance(context, Mapping):
        raise ParameterError(
            f"{component.name}: {show(event)} asks for no operation. Give an event_type and a context with the "
            f"arguments.{suggest(name, operations)}"
        )
    operation = getattr(component, name)
    expected = signature(operation)
    arguments = {key: value for key, value in context.items() if key in expected.parameters}
    try:
        expected.bind(**arguments)
    except TypeError as error:
        raise ParameterError(f"{component.name}: {name}: {error}. Give it in the context {show(context)}.") from None
    result: Operation = operation(**arguments)
    return result


def _part(event: object, name: str) -> Any:
    return event.get(name) if isinstance(event, Mapping) else getattr(event, name, None)
