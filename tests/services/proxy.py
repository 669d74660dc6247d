"""A TCP proxy that fails on command: what a network does to a connection while both ends are well."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Proxy"]

_CHUNK = 1 << 16
# close() sends a reset instead of a farewell: as a router does that has forgotten the connection
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes on what it gets, until it is told not to.

    Attributes:
        port: Where it listens, on 127.0.0.1; the same after `cut` and `restore`.
    """

    def __init__(self, target_port: int, target_host: str = "127.0.0.1", port: int = 0) -> None:
        self.port = port
        self._target = (target_host, target_port)
        self._flowing = Event()
        self._flowing.set()
        self._abandoned: list[Event] = []
        self._swallowing = False
        self._lock = Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    @classmethod
    def before(cls, url: str, default_port: int) -> Self:
        """Return a proxy before the server at an address."""
        parts = urlsplit(url)
        return cls(parts.port or default_port, parts.hostname or "127.0.0.1")

    def on_the_way_to(self, url: str) -> str:
        """Return the address with this proxy in the place of host and port."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether it refuses connections."""
        return self._listener is None

    def start(self) -> Self:
        """Listen."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        Thread(target=self._accept, args=(listener,), name=f"proxy {self.port}", daemon=True).start()
        return self

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept()
            listener.close()
        self.reset()

    def reset(self) -> None:
        """Reset every connection; new ones are welcome."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for flowing in (*self._abandoned, self._flowing):
            flowing.set()  # who waits sees that its connection is gone
        self._abandoned.clear()

    def stall(self) -> None:
        """Pass nothing on, in no direction; connections stay open and new ones are accepted."""
        self._flowing.clear()

    def abandon(self) -> None:
        """Pass nothing more on of the connections there are, as if a cable was pulled: neither end hears of it.

        New ones are passed on.
        """
        self.stall()
        self._abandoned.append(self._flowing)
        self._flowing = Event()
        self._flowing.set()

    def swallow(self) -> None:
        """Pass requests on and lose every answer: the server does its work, the client never hears of it."""
        self._swallowing = True

    def restore(self) -> None:
        """Work again. Connections of which answers were swallowed, and abandoned ones, are reset."""
        swallowed, self._swallowing = self._swallowing, False
        self._flowing.set()
        if swallowed or self._abandoned:
            self.reset()
        if self._listener is None:
            self.start()

    def close(self) -> None:
        """End."""
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if listener is not self._listener:  # cut meanwhile
                    client.close()
                    server.close()
                    return
                self._sockets |= {client, server}
            for source, sink, answers in ((client, server, False), (server, client, True)):
                ends = (source, sink, answers, self._flowing)
                Thread(target=self._pass_on, args=ends, name="proxy", daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, answers: bool, flowing: Event) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                flowing.wait()
                if not (answers and self._swallowing):
                    sink.sendall(data)
        with self._lock:
            self._sockets -= {source, sink}
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
