"""The article's Kafka programs, word for word. The one with Avro runs beside the tests of the registries."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.kafka.independent import Cluster, run

from dynamic_des.testing.waiting import wait_until
from dynamic_des_kafka import KafkaAdminConnector

SNIPPETS = Path(__file__).parents[1] / "docs" / "snippets"
# what stands above the snippet in the article: the environment; and a network in which its broker has that name
BEFORE = """
    import socket, sys

    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *more, **options):
        if (host, port) == ("broker.internal", 9092):
            host, port = "127.0.0.1", int(sys.argv[1])
        return resolve(host, port, *more, **options)

    socket.getaddrinfo = getaddrinfo

    from dynamic_des import CapacityConfig, DynamicRealtimeEnvironment, DynamicResource, SimParameter

    env = DynamicRealtimeEnvironment(factor=1.0, name="article")
    env.registry.register_sim_parameter(
        SimParameter(sim_id="Line_A", resources={"lathe": CapacityConfig(current_cap=1, max_cap=5)})
    )
    res = DynamicResource(env, "Line_A", "lathe")

    def watch():
        capacity = env.registry.get("Line_A.resources.lathe.current_cap")
        while True:
            env.publish_event("lathe", {"capacity": res.capacity})
            yield capacity.wait_for_change()

    env.process(watch())
"""


def test_the_live_integration_runs_as_it_stands(kafka_with_proxy, tmp_path):
    cluster = Cluster(kafka_with_proxy.bootstrap)
    cluster.create("factory-config", "sim-vitals", "sim-events")
    program = tmp_path / "twin.py"
    program.write_text(textwrap.dedent(BEFORE) + (SNIPPETS / "live_kafka_integration.py").read_text())
    port = kafka_with_proxy.bootstrap.rpartition(":")[2]
    with (tmp_path / "said").open("wb") as said:
        command = [sys.executable, "-W", "error", str(program), port]
        twin = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    try:
        assert wait_until(lambda: cluster.values("sim-events"), 120), (tmp_path / "said").read_text()
        admin = KafkaAdminConnector(kafka_with_proxy.bootstrap)
        run(admin.send_config("factory-config", "Line_A.resources.lathe.current_cap", 3))
        assert wait_until(lambda: len(cluster.values("sim-events")) == 2, 120), (tmp_path / "said").read_text()
        twin.send_signal(signal.SIGTERM)
        assert twin.wait(120) == 0, (tmp_path / "said").read_text()
    finally:
        twin.kill()
        twin.wait(30)
    assert [record["value"]["capacity"] for record in cluster.values("sim-events")] == [1, 3]
    vitals = {record["path_id"] for record in cluster.values("sim-vitals")}
    assert {"system.simulation.lag_seconds", "system.changes"} <= vitals
