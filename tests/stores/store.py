"""What the tests of both stores do with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from tests.services.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.services.provisioning import Service

    from dynamic_des import BaseEgress, BaseIngress

__all__ = ["Store"]


class Store:
    """A server, and what the two connectors do with it, seen with a plain client. A *place* is a stream or a table.

    Args:
        url: Its address.
        server: The server, if it was started by the tests.
    """

    kind: ClassVar[str]
    service: ClassVar[Service]
    port: ClassVar[int]
    example: ClassVar[str]
    egress_class: ClassVar[type[BaseEgress]]
    ingress_class: ClassVar[type[BaseIngress]]
    place: ClassVar[str]  # the argument that names one
    address: ClassVar[str]  # the argument that says where the server is
    defaults: ClassVar[dict[str, Any]] = {}
    not_taken: ClassVar[tuple[type[Exception], ...]] = ()  # raised for a change that the store itself does not take

    def __init__(self, url: str, server: Any = None) -> None:
        self.url = url
        self.server = server
        self.proxy = server.proxy if server else Proxy.before(url, self.port).start()
        self.proxied = self.proxy.on_the_way_to(url)

    @classmethod
    def of(cls, server: Any) -> Self:
        return cls(server.url, server)

    def close(self) -> None:
        if self.server is None:
            self.proxy.close()

    def egress(self, place: str, **options: Any) -> Any:
        return self.egress_class(**self._arguments(place, **options))

    def ingress(self, place: str, **options: Any) -> Any:
        return self.ingress_class(**self._arguments(place, **options))

    def _arguments(self, place: str, *, proxied: bool = False, **options: Any) -> dict[str, Any]:
        where = {self.address: self.proxied if proxied else self.url, self.place: place}
        return {**where, **self.defaults, **options}

    def note_order(self, place: str) -> None:
        """See that the order in which records come to a place can be told afterwards."""

    def change(self, place: str, values: Iterable[Any]) -> None:
        """Bring one change of ``runs.PATH`` for each value."""
        raise NotImplementedError

    def change_as_json(self, place: str, path: str, value: str) -> None:
        """Bring one change of any path, whose value is JSON already, or is none."""
        raise NotImplementedError

    def records(self, place: str) -> list[dict[str, Any]]:
        """Return what is written, in order of its numbers."""
        raise NotImplementedError

    def seqs(self, place: str) -> list[int]:
        """Return the numbers of what is written, in the order in which it came; see `note_order`."""
        raise NotImplementedError

    def forget(self, *prefixes: str) -> None:
        """Remove everything whose name begins with one of these, and what is known of it."""
        raise NotImplementedError

    def prepare_example(self) -> None:
        """Put what the example begins with."""

    def steer_example(self) -> None:
        """Steer the example with the store's own program, as its page says."""
        raise NotImplementedError

    def example_says(self) -> str:
        """Return which capacity the example's last record has; nothing when there is none."""
        raise NotImplementedError
