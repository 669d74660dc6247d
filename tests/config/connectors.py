"""Connectors of all sorts, for test_arguments.py: it copies this file beside a configuration."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, Field

from dynamic_des import BaseEgress, MessageSerializer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pydantic import SecretStr
    from somewhere import Unknown

    from dynamic_des import BaseIngress, MessageDeserializer


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Out(BaseEgress):
    async def write(self, batch):
        pass


class Client:
    def __init__(self, host: str, *, sasl_plain_password: str = "", linger_ms: int = 0):
        pass


class OpenClient:
    def __init__(self, *, timeout: float = 1, **more):
        pass


class Closed(Out):
    def __init__(self, topic: str = "t", *, telemetry_topic: str = "v"):
        self.given = {"topic": topic, "telemetry_topic": telemetry_topic}


class Blind(Out):
    """Takes anything for a client that it does not name."""

    def __init__(self, telemetry_topic: str = "v", **kwargs: Any):
        self.given = kwargs


class Named(Out):
    client = "connectors:Client"

    def __init__(self, telemetry_topic: str = "v", **kwargs: Any):
        self.given = kwargs


class NamedOpen(Out):
    client = ("connectors:Client", OpenClient)

    def __init__(self, telemetry_topic: str = "v", **kwargs: Any):
        self.given = kwargs


class Lost(Out):
    client = "no_such_driver:Client"

    def __init__(self, **kwargs: Any):
        self.given = kwargs


class Foreign(Out):
    client = "builtins:dict"  # has no signature

    def __init__(self, **kwargs: Any):
        self.given = kwargs


class Inner(Out):
    """Its constructor is its base's."""


class Child(Closed):
    pass


@dataclasses.dataclass(eq=False)
class Data(Out):
    path: Path
    size: int = 3
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


class Typed(Out):
    def __init__(
        self,
        path: Path | None = None,
        key: SecretStr | None = None,
        names: Sequence[str] = (),
        table: Mapping[str, int] | None = None,
        mode: Literal["a", "b", 3] = "a",
        odd: Unknown | None = None,
        size: int | str = 1,
        plain=None,
    ):
        self.given = locals() | {"self": None}


class Endless(Protocol):
    def put(self, record: Any) -> None: ...


@dataclasses.dataclass
class Login:
    user: str
    tries: int = 3


class Address(BaseModel):
    host: str
    port: int = Field(1, alias="PORT")
    login: Login | None = None


class Loose(BaseModel, extra="allow"):
    size: int = 1


class Nested(Out):
    def __init__(
        self,
        address: Address | None = None,
        addresses: Sequence[Address] = (),
        logins: dict[str, Login] | None = None,
        login: Login | int = 1,
        loose: Loose | None = None,
        colour: Colour = Colour.RED,
        target: Endless | str = "",
    ):
        self.given = locals()


class Teed(Out):
    """Has connectors of its own."""

    def __init__(
        self,
        aside: BaseEgress | None = None,
        feeds: dict[str, BaseIngress] | None = None,
        letters: str | Path | BaseEgress = "",
    ):
        self.aside, self.feeds, self.letters = aside, feeds, letters


class Formats(Out):
    def __init__(
        self,
        default_serializer: MessageSerializer | None = None,
        topic_serializers: dict[str, MessageSerializer] | None = None,
        topic_deserializers: Mapping[str, MessageDeserializer] | None = None,
    ):
        self.given = locals()


class Wax(MessageSerializer):
    def __init__(self, colour: str, *, seal: int = 1):
        self.colour, self.seal = colour, seal

    def serialize(self, topic, data):
        return b""


class Calls(Out):
    def __init__(
        self,
        keep: Callable[[dict], bool] | None = None,
        model: type | None = None,
        router: Callable[[dict], str] | str | None = None,
        delay: Callable[[], float] | float | Mapping[str, Any] = 1.0,
    ):
        self.keep, self.model, self.router, self.delay = keep, model, router, delay


def only_events(record):
    return record["stream_type"] == "event"


class Above:
    def __init__(self, limit: float):
        self.limit = limit

    def __call__(self, record):
        return record["value"] > self.limit


def below(limit: float, strict: bool = True):
    return (limit, strict).__contains__


number = 5
