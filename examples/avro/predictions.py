"""A line whose predictions go out as Avro and whose lifecycle goes out as JSON; steered by Avro messages.

    python examples/avro/predictions.py

Needs no server: the registry is in memory, and so are the topics. With Kafka the two serializers stand in
``KafkaEgress(topic_serializers=…)`` and the deserializer in ``KafkaIngress(default_deserializer=…)``.
"""

from dataclasses_avroschema.pydantic import AvroBaseModel

from dynamic_des import (
    BaseEgress,
    ConsoleEgress,
    DynamicRealtimeEnvironment,
    MemoryIngress,
    SimParameter,
)
from dynamic_des_avro import ConfluentAvroDeserializer, ConfluentAvroSerializer

REGISTRY = "mock://plant"
SPEED = "Line_A.variables.speed"


class Prediction(AvroBaseModel):
    """What the model expects of a task."""

    task_id: str
    confidence: float


class Change(AvroBaseModel):
    """A steering message."""

    path: str
    value: float


class BinaryTopic(BaseEgress):
    """Stands for a topic: keeps bytes."""

    def __init__(self, serializer):
        self.serializer = serializer
        self.messages = []

    def write(self, batch):  # plain: the registry may block
        if not batch.system:
            self.messages += [one for one in batch.encode(self.serializer, "ml-predictions") if one is not None]


def main():
    predictions, control = BinaryTopic(ConfluentAvroSerializer(REGISTRY, Prediction)), MemoryIngress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1.0}))
        env.setup_ingress([control], deserializer=ConfluentAvroDeserializer(REGISTRY))
        env.setup_egress([predictions, ConsoleEgress(system=False)])
        steer = ConfluentAvroSerializer(REGISTRY, Change)
        control.send(steer.serialize("control", Change(path=SPEED, value=2.0)))
        speed = env.registry.get(SPEED)

        def task():
            if speed.value != 2.0:
                yield speed.wait_for_change()
            env.publish_event("task-1", Prediction(task_id="task-1", confidence=0.5 * speed.value))
            yield env.timeout(3)
            env.publish_event("task-1", {"status": "finished"})

        env.run(until=env.process(task()))
    reader = ConfluentAvroDeserializer(REGISTRY)
    for message in predictions.messages:
        print(len(message), "bytes:", reader.deserialize("ml-predictions", message))
    print(env.report().sinks[0].set_aside, "record that is no prediction was set aside")


if __name__ == "__main__":
    main()
