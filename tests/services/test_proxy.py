"""The proxy that fails on command, before a server that sends everything back."""

import socket
import threading

import pytest
from tests.services.proxy import Proxy


@pytest.fixture
def echo():
    """The port of a server that sends back what it gets, and the list of what it got."""
    listener, got = socket.create_server(("127.0.0.1", 0)), []

    def serve(connection):
        with connection:
            try:
                while data := connection.recv(100):
                    got.append(data)
                    connection.sendall(data)
            except OSError:
                pass

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1], got
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.fixture
def proxy(echo):
    with Proxy(echo[0]) as one:
        yield one


@pytest.fixture
def connect(proxy):
    opened = []

    def connect():
        opened.append(socket.create_connection(("127.0.0.1", proxy.port), 5))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def answer(connection, text, patience_s=5.0):
    connection.settimeout(patience_s)
    connection.sendall(text)
    return connection.recv(100)


def test_what_goes_in_comes_out(connect):
    first, second = connect(), connect()
    assert (answer(first, b"one"), answer(second, b"two"), answer(first, b"three")) == (b"one", b"two", b"three")


def test_cut_ends_connections_and_refuses_new_ones_until_restored(proxy, connect):
    connection, port = connect(), proxy.port
    answer(connection, b"one")
    proxy.cut()
    assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect()
    proxy.restore()
    assert proxy.port == port
    assert answer(connect(), b"two") == b"two"


def test_stalled_answers_come_when_it_is_restored(proxy, connect):
    connection = connect()
    proxy.stall()
    with pytest.raises(TimeoutError):
        answer(connection, b"one", 0.05)
    proxy.restore()
    connection.settimeout(5)
    assert connection.recv(100) == b"one"


def test_a_swallowed_answer_never_comes_although_the_server_did_its_work(proxy, connect, echo):
    connection = connect()
    proxy.swallow()
    with pytest.raises(TimeoutError):
        answer(connection, b"one", 0.05)
    assert echo[1] == [b"one"]
    proxy.restore()
    connection.settimeout(5)
    assert connection.recv(100) == b"", "out of step, so it is reset"
    assert answer(connect(), b"two") == b"two"


def test_a_reset_ends_connections_and_welcomes_new_ones(proxy, connect):
    connection = connect()
    answer(connection, b"one")
    proxy.reset()
    assert connection.recv(1) == b""
    assert answer(connect(), b"two") == b"two"


def test_abandoned_connections_hear_nothing_and_new_ones_work(proxy, connect, echo):
    old = connect()
    assert answer(old, b"a") == b"a"
    proxy.abandon()
    old.sendall(b"b")
    assert answer(connect(), b"c") == b"c"
    assert b"b" not in echo[1]
    proxy.restore()
    assert old.recv(1) == b""
