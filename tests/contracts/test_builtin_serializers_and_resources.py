"""The serializers and resource kinds that core brings, held to the contracts."""

from dynamic_des import (
    CapacityConfig,
    DynamicContainer,
    DynamicResource,
    DynamicStore,
    JsonDeserializer,
    JsonSerializer,
    SimParameter,
)
from dynamic_des.testing import ResourceContract, SerializerContract

CAPACITY = CapacityConfig(current_cap=2, max_cap=5)


class TestJson(SerializerContract):
    undecodable = (b"\xff\xfe\xfd\xfc", b"{", b"", b"NaN", b'{"a": 1} {"b": 2}')
    known = (
        (b'{"path": "Line_A.resources.lathe.current_cap", "value": 3}',
         {"path": "Line_A.resources.lathe.current_cap", "value": 3}),
        (b"[1, 2.5, null, true]", [1, 2.5, None, True]),
        ('"Straße"'.encode(), "Straße"),
    )  # fmt: skip

    def make_serializer(self):
        return JsonSerializer()

    def make_deserializer(self):
        return JsonDeserializer()


class TestDynamicResource(ResourceContract):
    resource_class = DynamicResource
    name = "Line_A.lathe"
    parameters = (SimParameter("Line_A", resources={"lathe": CAPACITY}),)

    def use(self, env, lathe):
        with lathe.request() as request:
            yield request
            yield env.timeout(env.sampler("turning").rng.random())
            env.publish_telemetry("Line_A.lathe.in_use", lathe.in_use)
        return lathe.capacity


class TestDynamicContainer(ResourceContract):
    resource_class = DynamicContainer
    name = "Line_A.tank"
    parameters = (SimParameter("Line_A", containers={"tank": CAPACITY}),)

    def use(self, env, tank):
        yield tank.put(1.5)
        yield env.timeout(1)
        yield tank.get(1.5)
        return tank.level


class TestDynamicStore(ResourceContract):
    resource_class = DynamicStore
    name = "Line_A.shelf"
    parameters = (SimParameter("Line_A", stores={"shelf": CAPACITY}),)

    def use(self, env, shelf):
        yield shelf.put("coil-1")
        yield env.timeout(1)
        return (yield shelf.get())
