"""Where servers come from, and what is said when there is none."""

import pytest
from tests.services.provisioning import Service, cache, services


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.delenv("PLANT_ADDRESS", raising=False)
    return Service("Plant", "PLANT_ADDRESS", programs=("no-such-plantd",), packages=("plant-server",))


def test_a_server_that_is_absent_is_reported_as_not_run_with_the_command(absent, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception) as skipped:
        absent.require()
    assert str(skipped.value) == (
        "Plant: no-such-plantd is not on this machine. Run scripts/test, which gets it; or "
        "`apt-get install plant-server` and then scripts/test; or set PLANT_ADDRESS to the address of one."
    )


def test_a_server_that_is_absent_in_ci_is_a_failure(absent, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-plantd is not on this machine"):
        absent.require()


def test_an_address_in_the_environment_will_do_unless_the_test_needs_its_own(absent, monkeypatch):
    monkeypatch.setenv("PLANT_ADDRESS", "plant:1")
    monkeypatch.delenv("CI", raising=False)
    absent.require()
    assert absent.given == "plant:1"
    with pytest.raises(pytest.skip.Exception):
        absent.require(own=True)


def test_what_is_on_the_machine_but_not_fetched_is_not_available():
    service = Service("Plant", "PLANT_ADDRESS", programs=("python3",), packages=(), fetched=lambda: False)
    assert not service.available


def test_the_cache_is_outside_the_tree_and_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache() == tmp_path / "dynamic-des"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache().parts[-2:] == (".cache", "dynamic-des")


def test_every_kind_of_server_is_known():
    assert "Kafka" in [service.name for service in services()]
