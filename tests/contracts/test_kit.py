"""What the kit itself says and needs."""

import subprocess
import sys

import pytest

from dynamic_des import MemoryEgress, MemoryIngress
from dynamic_des import testing as kit
from dynamic_des.testing import EgressContract, IngressContract, ResourceContract, SerializerContract


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_without_pytest_it_says_what_to_install():
    done = run("import sys; sys.modules['pytest'] = None; import dynamic_des.testing")
    assert done.stderr.splitlines()[-1] == (
        "ImportError: dynamic_des.testing: pytest, which the contracts are written for, cannot be imported. "
        'Install it: pip install "dynamic-des-core[testing]"'
    )


def test_nothing_else_needs_pytest():
    modules = "dynamic_des.bridge.environment, dynamic_des.config.loading, dynamic_des.cli.run, dynamic_des.cli.new"
    done = run(f"import sys; sys.modules['pytest'] = None; import {modules}")
    assert done.stderr == ""


def test_its_public_names_are_those_that_are_there():
    assert all(hasattr(kit, name) for name in kit.__all__)
    assert kit.__all__ == sorted(kit.__all__)


@pytest.mark.parametrize(
    ("contract", "hook", "said"),
    [
        (EgressContract, lambda c: c.make_egress(), r"Test: write make_egress\(self\)"),
        (EgressContract, lambda c: c.stored(MemoryEgress()), r"Test: write stored\(self, egress\)"),
        (IngressContract, lambda c: c.make_ingress(), r"Test: write make_ingress\(self\)"),
        (IngressContract, lambda c: c.send(b""), r"Test: write send\(self, payload\)"),
        (ResourceContract, lambda c: c.use(None, None), r"Test: write use\(self, env, resource\)"),
    ],
)
def test_a_hook_that_is_missing_is_named(contract, hook, said):
    with pytest.raises(NotImplementedError, match=said):
        hook(type("Test", (contract,), {})())


@pytest.mark.parametrize(
    ("contract", "rule", "said"),
    [
        (EgressContract, "test_an_outage_loses_nothing", r"has no break_connection\(\) and restore\(\)"),
        (EgressContract, "test_written_tells_twins_apart", r"MemoryEgress has no written\(\)"),
        (IngressContract, "test_an_outage_loses_no_change", r"has no break_connection\(\) and restore\(\)"),
        (IngressContract, "test_nothing_is_acknowledged_before_it_is_applied", r"has no acknowledged\(\)"),
        (SerializerContract, "test_a_record_becomes_bytes", r"has no make_serializer\(\)"),
        (SerializerContract, "test_what_is_not_of_this_format_raises", r"has no make_deserializer\(\)"),
    ],
)
def test_a_rule_that_cannot_be_tested_says_which_hook_it_needs(contract, rule, said):
    hooks = {"make_egress": lambda self: MemoryEgress(), "make_ingress": lambda self: MemoryIngress()}
    with pytest.raises(pytest.skip.Exception, match=said):
        getattr(type("Test", (contract,), hooks)(), rule)()


def test_records_without_a_seq_are_said_to_be_of_no_use():
    hooks = {"make_egress": lambda self: MemoryEgress(), "stored": lambda self, egress: [{"value": 1}]}
    test = type("Test", (EgressContract,), hooks)()
    with pytest.raises(AssertionError, match=r"stored\(\) returned \{'value': 1\}, which has no seq"):
        test.test_records_are_stored_when_write_returns()


def test_every_test_has_a_name_of_its_own_for_topics_and_tables():
    first, second = EgressContract(), EgressContract()
    assert first.unique == first.unique
    assert first.unique != second.unique
    assert first.unique.isidentifier()


def test_batches_are_made_as_core_makes_them():
    batch = kit.make_batch(["a", "b"], 7)
    assert [(record["seq"], record["key"], record["sim_ts"], record["value"]) for record in batch] == [
        (7, "part-7", 7.0, "a"),
        (8, "part-8", 8.0, "b"),
    ]
    assert batch[0]["timestamp"] == "2026-01-01T00:00:07.000000+00:00"
    (system,) = kit.make_batch([1.5], system=True)
    assert (system["sys_seq"], system["path_id"], system["value"]) == (1, "system.contract", 1.5)


def test_a_run_has_the_positions_it_is_given():
    run_info = kit.make_run("line-a", {"log": 3})
    assert (run_info.name, run_info.positions) == ("line-a", {"log": 3})
