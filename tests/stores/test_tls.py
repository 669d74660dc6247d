"""TLS: a server whose certificate is trusted is used, any other is not told anything, and a password is in no text."""

import json

import pytest
from tests.services import postgres as postgres_service
from tests.services import redis as redis_service
from tests.services.certificates import Certificates
from tests.services.postgres import Postgres
from tests.services.redis import Redis
from tests.stores.fixtures import KINDS

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress, SimParameter
from dynamic_des.testing.waiting import wait_until
from dynamic_des_postgres import PostgresEgress, PostgresIngress
from dynamic_des_redis import RedisEgress, RedisIngress

SECRET = "kept-to-itself"


class GuardedRedis:
    """A Redis with TLS and a password."""

    def __init__(self, folder, certificates):
        self.server = Redis(folder, "--requirepass", SECRET, certificates=certificates).start()
        self.url = f"rediss://:{SECRET}@127.0.0.1:{self.server.port}/0"

    def egress(self, place, authority):
        return RedisEgress(url=self.url, channel=place, timeout_s=2, ssl_ca_certs=str(authority))

    def ingress(self, place, authority):
        return RedisIngress(url=f"{self.url}?ssl_ca_certs={authority}", channel=place, timeout_s=2)


class GuardedPostgres:
    """A PostgreSQL with TLS and a password."""

    def __init__(self, folder, certificates):
        self.server = Postgres(folder, password=SECRET, certificates=certificates).start()
        self.url = f"{self.server.url}?sslmode=verify-full"

    def egress(self, place, authority):
        return PostgresEgress(f"{self.url}&sslrootcert={authority}", place, create_table=True, timeout_s=2)

    def ingress(self, place, authority):
        return PostgresIngress(f"{self.url}&sslrootcert={authority}", place, create_table=True, timeout_s=2)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates.made(tmp_path_factory.mktemp("right"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """The authority of somebody else."""
    return Certificates.made(tmp_path_factory.mktemp("wrong")).authority


@pytest.fixture(scope="module", params=KINDS)
def guarded(request, tmp_path_factory, certificates):
    kind = {"redis": GuardedRedis, "postgres": GuardedPostgres}[request.param]
    service = {"redis": redis_service, "postgres": postgres_service}[request.param].SERVICE
    service.require(own=True)
    one = kind(tmp_path_factory.mktemp("guarded") / "server", certificates)
    yield one
    one.server.close()


def run_beside_a_memory(egress=None, ingress=None, until=lambda env: True):
    """Run a twin until something holds; return its environment and everything that it published about itself."""
    kept = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        env.setup_egress({"memory": kept})
        if ingress is not None:
            env.setup_ingress([ingress], snapshot_timeout=1)
        if egress is not None:
            env.setup_egress({"tested": egress}, drain_timeout=0.5)
        for number in range(3):
            env.publish_event(f"part-{number}", {"number": number})
        env.run(until=1)
        assert wait_until(lambda: until(env), 20), (env.report(), env.health())
        env.run(until=2)
    return env, json.dumps([kept.records, kept.system], default=str)


def sink(env):
    return next(one for one in env.report().sinks if one.name == "tested")


def test_a_server_that_is_trusted_is_written_to_and_read_from(guarded, certificates, name, caplog):
    caplog.set_level("DEBUG")
    egress = guarded.egress(name, certificates.authority)
    _, said = run_beside_a_memory(egress, until=lambda env: sink(env).written == 3)
    ingress = guarded.ingress(f"{name}_changes", certificates.authority)
    _, more = run_beside_a_memory(ingress=ingress, until=lambda env: env.report().sources[0].state == "up")
    assert SECRET not in said + more + caplog.text


def test_a_server_that_a_stranger_vouches_for_is_not_used_and_the_password_not_said(guarded, stranger, name, caplog):
    caplog.set_level("DEBUG")
    egress, ingress = guarded.egress(name, stranger), guarded.ingress(f"{name}_changes", stranger)
    env, said = run_beside_a_memory(egress, until=lambda env: sink(env).reason)
    assert "certificate verify failed" in sink(env).reason.lower()
    assert (sink(env).written, sink(env).lost) == (0, 3)
    env, more = run_beside_a_memory(ingress=ingress, until=lambda env: env.report().sources[0].reason)
    assert "certificate verify failed" in env.report().sources[0].reason.lower()
    assert SECRET not in said + more + caplog.text + repr((env.report(), env.health()))


def test_a_server_for_another_host_is_not_used(tmp_path, name):
    files = Certificates.made(tmp_path / "files", host="elsewhere.example")
    redis_service.SERVICE.require(own=True)
    server = Redis(tmp_path / "redis", certificates=files)
    server.ready = lambda: "Ready to accept connections" in server.log()
    try:
        egress = RedisEgress(
            url=f"rediss://127.0.0.1:{server.start().port}", channel=name, ssl_ca_certs=str(files.authority)
        )
        env, _ = run_beside_a_memory(egress, until=lambda env: sink(env).reason)
        assert sink(env).written == 0
    finally:
        server.close()
