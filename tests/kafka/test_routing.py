"""Which topic, partition, key and headers a record gets, and what a serializer makes of it."""

import json
import math

import pytest

from dynamic_des import PermanentError, UnavailableError
from dynamic_des.serializers import JsonSerializer, MessageSerializer
from dynamic_des.testing import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des_kafka import KafkaEgress


def numbers(cluster, topic):
    return [record["seq"] for record in cluster.values(topic)]


def write(egress, *batches):
    """Write batches; return what was set aside."""
    with EgressCalls(egress, 20) as calls:
        calls.open(make_run("w"))
        aside = [one for batch in batches for one in calls.write(batch) or ()]
        calls.close()
    return aside


def test_a_router_chooses_drops_and_may_raise(cluster, kafka, unique):
    cluster.create(f"{unique}-a", f"{unique}-b")

    def router(record):
        return {0: f"{unique}-a", 1: f"{unique}-b", 2: None}[record["value"]]

    egress = KafkaEgress(kafka.bootstrap, topic_router=router)
    aside = write(egress, make_batch([0, 1, 2, 3, 0]))
    assert (egress.dropped, aside) == (1, [(4, "KeyError: 3")])
    assert (numbers(cluster, f"{unique}-a"), numbers(cluster, f"{unique}-b")) == ([1, 5], [2])


def test_keys_headers_and_partitions_are_as_kafkas_own(cluster, kafka, unique):
    from aiokafka.partitioner import DefaultPartitioner

    cluster.create(unique, partitions=4)
    assert write(KafkaEgress(kafka.bootstrap, unique, unique), make_batch(range(50))) == []
    records = cluster.records(unique)
    for record in records:
        seq = json.loads(record.value)["seq"]
        assert record.key == f"part-{seq}".encode()
        assert dict(record.headers) == {"seq": str(seq).encode(), "run_id": b"run-of-w"}
        assert record.partition == DefaultPartitioner()(record.key, [0, 1, 2, 3], [])
    assert len(records) == 50


def to_the_last(key, partitions, led):
    return partitions[-1]


@pytest.mark.parametrize(
    "options",
    [
        *({"compression_type": codec} for codec in ("gzip", "lz4", "snappy", "zstd")),
        *({"acks": acks} for acks in (1, "all")),
        {"enable_idempotence": False},
        {"api_version": "auto", "client_id": "twin", "linger_ms": 5, "metadata_max_age_ms": 500},
        {"partitioner": to_the_last},
        {"partitioner": f"{__name__}:to_the_last"},
    ],
    ids=lambda options: ",".join(f"{key}={value}"[:30] for key, value in options.items()),
)
def test_the_clients_own_arguments_do_what_they_do_there(cluster, kafka, unique, options):
    cluster.create(unique, partitions=3)
    assert write(KafkaEgress(kafka.bootstrap, unique, unique, **options), make_batch(range(50))) == []
    records = cluster.records(unique)
    assert sorted(json.loads(record.value)["seq"] for record in records) == [*range(1, 51)]
    assert {record.partition for record in records} == ({2} if "partitioner" in options else {0, 1, 2})


@pytest.mark.parametrize("place", [7, None])
def test_a_partitioner_that_names_none_is_said(cluster, kafka, unique, place):
    cluster.create(unique, partitions=3)
    egress = KafkaEgress(kafka.bootstrap, unique, unique, partitioner=lambda key, partitions, led: place)
    with EgressCalls(egress, 20) as calls:
        calls.open(make_run("w"))
        with pytest.raises(PermanentError, match=f"partitioner: key b'part-1': {place} is no partition of '{unique}'"):
            calls.write(make_batch(range(3)))
        calls.close()


@pytest.mark.parametrize(
    ("options", "beside"),
    [
        ({"payload": "value"}, {"stream_type": b"event", "sim_ts": b"1.0", "key": b"part-1"}),
        ({"payload": "record"}, {}),
    ],
)
def test_what_a_schema_has_no_place_for_travels_in_the_headers(cluster, kafka, unique, options, beside):
    from dynamic_des_avro import ConfluentAvroDeserializer, ConfluentAvroSerializer

    cluster.create(unique)
    fields = [{"name": "confidence", "type": "double"}]
    value = {"type": "record", "name": "Prediction", "fields": fields}
    whole = [{"name": "seq", "type": "long"}, {"name": "sim_ts", "type": "double"}, {"name": "value", "type": value}]
    schema = value if options["payload"] == "value" else {"type": "record", "name": "Whole", "fields": whole}
    serializer = ConfluentAvroSerializer(f"mock://{unique}", schema, **options)
    batch = make_batch([{"confidence": 0.5}])
    assert write(KafkaEgress(kafka.bootstrap, unique, unique, default_serializer=serializer), batch) == []
    (record,) = cluster.records(unique)
    moment = {"timestamp": batch[0]["timestamp"].encode()} if beside else {}
    assert dict(record.headers) == {"seq": b"1", "run_id": b"run-of-w", **beside, **moment}
    assert record.key == b"part-1"
    written = ConfluentAvroDeserializer(f"mock://{unique}").deserialize(unique, record.value)
    assert written.get("value", written) == {"confidence": 0.5}


def test_numbers_that_json_does_not_have_become_null_and_are_counted(cluster, kafka, unique):
    cluster.create(unique)
    batch = make_batch([1.5, math.nan, {"a": math.inf, "b": -math.inf}])
    assert write(KafkaEgress(kafka.bootstrap, unique, unique), batch) == []
    assert [one["value"] for one in cluster.values(unique)] == [1.5, None, {"a": None, "b": None}]
    assert batch.nulled == {2: 1, 3: 2}


def test_a_record_without_a_form_is_set_aside_alone(cluster, kafka, unique):
    cluster.create(unique)
    aside = write(KafkaEgress(kafka.bootstrap, unique, unique), make_batch(["before", object(), "after"]))
    assert [(seq, reason.partition(":")[0]) for seq, reason in aside] == [(2, "EncodeError")]
    assert numbers(cluster, unique) == [1, 3]


def test_what_a_serializer_has_encoded_goes_out_although_it_cannot_count_what_became_null(cluster, kafka, unique):
    cluster.create(unique)

    class Miscounts(JsonSerializer):
        def nulled(self, data, encoded):
            raise RuntimeError("cannot count")

    egress = KafkaEgress(kafka.bootstrap, unique, unique, default_serializer=Miscounts())
    assert write(egress, make_batch(["a", math.nan])) == []
    assert numbers(cluster, unique) == [1, 2]


@pytest.mark.parametrize("payload", ["record", "value"])
def test_a_record_whose_key_has_no_form_is_set_aside_alone(cluster, kafka, unique, payload):
    cluster.create(unique)

    class Plain(MessageSerializer):
        def serialize(self, topic, data):
            return b"-"

    Plain.payload = payload
    batch = make_batch(["before", "bad", "after"])
    batch[1]["key"] = "part-\udce9"
    ((seq, reason),) = write(KafkaEgress(kafka.bootstrap, unique, unique, default_serializer=Plain()), batch)
    assert (seq, reason.partition(": ")[0]) == (2, "its key has no form as bytes")
    assert [record.key for record in cluster.records(unique)] == [b"part-1", b"part-3"]


@pytest.mark.parametrize(("count", "refused"), [(3, 2), (2500, 1500)], ids=["at its beginning", "on its way"])
def test_a_batch_whose_serializer_cannot_reach_its_registry_goes_on_later(cluster, kafka, unique, count, refused):
    cluster.create(unique)

    class Reluctant(MessageSerializer):
        asked = 0

        def serialize(self, topic, data):
            self.asked += 1
            if self.asked == refused:
                raise UnavailableError("no registry yet")
            return json.dumps(data).encode()

    def router(record):
        return None if record["value"] == "dropped" else unique

    egress = KafkaEgress(kafka.bootstrap, topic_router=router, default_serializer=Reluctant())
    with EgressCalls(egress, 20) as calls:
        calls.open(make_run("w"))
        batch = make_batch(["dropped", *range(1, count)])
        with pytest.raises(UnavailableError, match="no registry yet"):
            calls.write(batch)
        calls.write(batch)
        calls.close()
    assert (egress.dropped, numbers(cluster, unique)) == (1, list(range(2, count + 1)))


def test_a_large_batch_keeps_its_order_although_it_travels_in_parts(cluster, kafka, unique):
    cluster.create(unique)
    egress = KafkaEgress(kafka.bootstrap, unique, unique, max_request_size=100_000)
    values = ["x" * 200_000 if number in (700, 6500) else number for number in range(12_000)]
    aside = write(egress, make_batch(values))
    assert [seq for seq, _ in aside] == [701, 6501]
    assert numbers(cluster, unique) == [seq for seq in range(1, 12_001) if seq not in (701, 6501)]
