"""What is in the registry: registering, looking up, and the words of errors."""

from math import inf, nan
from threading import Thread

import numpy as np
import pytest

from dynamic_des.errors import ParameterError, UnknownPathError, WrongThreadError
from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, DistributionConfig, SimParameter

LINE = SimParameter(
    sim_id="Line_A",
    arrival={"standard": DistributionConfig("exponential", rate=0.5)},
    service={"milling": DistributionConfig("normal", mean=3.0, std=0.5)},
    resources={"lathe": CapacityConfig(1, 5)},
    containers={"tank": CapacityConfig(50.0, inf)},
    stores={"shelf": CapacityConfig(10, 20)},
    variables={"speed": 1.0, "shift": "day", "lights": True, "lot": 5, "plan": {"a": [1]}, "note": None},
)


@pytest.fixture
def env():
    env = SteeredEnvironment(factor=0, seed=1)
    env.registry.register_sim_parameter(LINE)
    return env


@pytest.fixture
def registry(env):
    return env.registry


def test_an_entity_is_flattened_into_dot_paths(registry):
    assert registry.paths() == [
        "Line_A.arrival.standard.dist",
        "Line_A.arrival.standard.rate",
        "Line_A.containers.tank.current_cap",
        "Line_A.containers.tank.max_cap",
        "Line_A.resources.lathe.current_cap",
        "Line_A.resources.lathe.max_cap",
        "Line_A.service.milling.dist",
        "Line_A.service.milling.mean",
        "Line_A.service.milling.std",
        "Line_A.stores.shelf.current_cap",
        "Line_A.stores.shelf.max_cap",
        "Line_A.variables.lights",
        "Line_A.variables.lot",
        "Line_A.variables.note",
        "Line_A.variables.plan",
        "Line_A.variables.shift",
        "Line_A.variables.speed",
    ]


def test_every_field_of_a_distribution_has_a_live_value_though_it_may_be_none(registry):
    assert registry.get("Line_A.arrival.standard.rate").value == 0.5
    assert registry.get("Line_A.arrival.standard.shape").value is None
    assert repr(registry.get("Line_A.variables.shift")) == "<DynamicValue Line_A.variables.shift = 'day'>"


def test_the_configuration_object_is_one_object_and_is_kept_in_step(registry):
    config = registry.get_config("Line_A.service.milling")
    registry.update("Line_A.service.milling.mean", 4.0)
    registry.update_many({"Line_A.service.milling.mean": 5.0, "Line_A.service.milling.std": 0.0})
    assert registry.get_config("Line_A.service.milling") is config
    assert config == DistributionConfig("normal", mean=5.0, std=0.0)


def test_the_configuration_of_a_variable_is_its_value(registry):
    registry.update("Line_A.variables.speed", 2)
    assert registry.get_config("Line_A.variables.speed") == 2.0


def test_one_parameter_object_can_start_many_environments():
    environments = [SteeredEnvironment(factor=0, seed=1) for _ in range(2)]
    for env in environments:
        env.registry.register_sim_parameter(LINE)
    one, other = (env.registry for env in environments)
    one.update("Line_A.arrival.standard.rate", 9.0)
    one.update("Line_A.resources.lathe.current_cap", 4)
    one.get("Line_A.variables.plan").value["a"].append(2)
    assert other.get("Line_A.arrival.standard.rate").value == 0.5
    assert other.get("Line_A.variables.plan").value == {"a": [1]}
    assert LINE.resources["lathe"] == CapacityConfig(1, 5)
    assert LINE.variables["plan"] == {"a": [1]}


def test_what_is_registered_is_cast_like_what_is_sent(registry):
    registry.register_sim_parameter(
        SimParameter(
            "Line_B",
            arrival={"standard": DistributionConfig("empirical", values=np.array([1, 2]), weights=(1, 3))},
            resources={"lathe": CapacityConfig("2", 5.0)},
            variables={"speed": np.float64(1.5)},
        )
    )
    assert registry.get("Line_B.arrival.standard.values").value == [1.0, 2.0]
    assert registry.get("Line_B.arrival.standard.weights").value == [1.0, 3.0]
    assert registry.get_config("Line_B.resources.lathe") == CapacityConfig(2, 5)
    assert type(registry.get("Line_B.variables.speed").value) is float


def test_a_capacity_that_starts_above_its_maximum_is_clamped_and_the_wish_remembered(registry):
    registry.register_sim_parameter(SimParameter("Line_B", resources={"lathe": CapacityConfig(9, 5)}))
    assert registry.get("Line_B.resources.lathe.current_cap").value == 5
    registry.update("Line_B.resources.lathe.max_cap", 7)
    assert registry.get("Line_B.resources.lathe.current_cap").value == 7
    registry.update("Line_B.resources.lathe.max_cap", 20)
    assert registry.get("Line_B.resources.lathe.current_cap").value == 9


def test_parameters_may_be_added_while_the_model_runs(env):
    seen = []

    def model(env):
        yield env.timeout(1)
        env.registry.register_sim_parameter(SimParameter("Line_B", variables={"speed": 1}))
        seen.append(env.registry.update("Line_B.variables.speed", 2).status)
        seen.append(env.registry.get("Line_B.variables.speed").value)

    env.process(model(env))
    env.run()
    assert seen == ["applied", 2]


def test_an_entity_may_gain_names_but_no_name_twice(registry):
    registry.register_sim_parameter(SimParameter("Line_A", variables={"pace": 1}))
    with pytest.raises(ParameterError) as caught:
        registry.register_sim_parameter(SimParameter("Line_A", variables={"new": 1, "pace": 2}))
    assert str(caught.value) == (
        "Line_A.variables.pace: is registered already. Choose another sim_id or name, or update it."
    )
    assert registry.get("Line_A.variables.pace").value == 1
    assert "Line_A.variables.new" not in registry.paths()


def test_two_names_that_give_one_path_are_refused(registry):
    with pytest.raises(ParameterError, match=r"Line_B.service.mill.rate: is registered already"):
        registry.register_sim_parameter(
            SimParameter(
                "Line_B",
                service={
                    "mill": DistributionConfig("exponential", rate=1.0),
                    "mill.rate": DistributionConfig("exponential", rate=1.0),
                },
            )
        )
    assert not [path for path in registry.paths() if path.startswith("Line_B")]


def line(**tables):
    return SimParameter("Line_B", variables={"first": 1}, **tables)


EXPONENTIAL = DistributionConfig("exponential", rate=1.0)

NONSENSE = [
    (None, "register_sim_parameter: None is not a SimParameter."),
    ({"sim_id": "Line_B"}, "register_sim_parameter: {'sim_id': 'Line_B'} is not a SimParameter."),
    (SimParameter(""), "SimParameter.sim_id: '' is not a name. Give text, such as 'Line_A'."),
    (SimParameter(None), "SimParameter.sim_id: None is not a name."),
    (SimParameter("Line_B", variables=[1]), "Line_B.variables: [1] is not a dictionary. Give {name: …}."),
    (line(arrival=None), "Line_B.arrival: None is not a dictionary."),
    (line(arrival={"": EXPONENTIAL}), "Line_B.arrival: '' is not a name. Give text, such as 'lathe'."),
    (line(resources={7: CapacityConfig(1, 1)}), "Line_B.resources: 7 is not a name."),
    (line(arrival={"a": CapacityConfig(1, 1)}), "Line_B.arrival.a: CapacityConfig(current_cap=1, max_cap=1) is not"),
    (line(resources={"a": EXPONENTIAL}), "Line_B.resources.a: DistributionConfig("),
    (line(arrival={"a": 0.5}), "Line_B.arrival.a: 0.5 is not a DistributionConfig."),
    (
        line(arrival={"a": DistributionConfig("exponential")}),
        "Line_B.arrival.a: a distribution 'exponential' needs rate",
    ),
    (line(arrival={"a": DistributionConfig("exponental", rate=1.0)}), "Did you mean 'exponential'?"),
    (line(arrival={"a": DistributionConfig("exponential", rate=0)}), "must be positive, not 0.0"),
    (line(arrival={"a": DistributionConfig("exponential", rate=nan)}), "Line_B.arrival.a: rate: nan is not finite."),
    (line(arrival={"a": DistributionConfig("exponential", rate=True)}), "rate: True is a flag, not a number."),
    (line(arrival={"a": DistributionConfig("exponential", rate=1.0, mean="x")}), "mean: 'x' is not a number."),
    (line(arrival={"a": DistributionConfig("normal", mean=-1.0)}), "must not be negative, as -1.0 is"),
    (line(arrival={"a": DistributionConfig("uniform", low=2.0, high=1.0)}), "low 2.0 is above high 1.0"),
    (line(arrival={"a": DistributionConfig("uniform", low=-2.0, high=-1.0)}), "the high of a distribution 'uniform'"),
    (line(arrival={"a": DistributionConfig([], rate=1.0)}), "Line_B.arrival.a: dist: [] is not text."),
    (line(resources={"a": CapacityConfig(0.5, 1)}), "Line_B.resources.a.current_cap: 0.5 is not a whole number."),
    (line(resources={"a": CapacityConfig(1, inf)}), "Line_B.resources.a.max_cap: inf is not finite."),
    (line(resources={"a": CapacityConfig(True, 5)}), "current_cap: True is a flag, not a whole number."),
    (line(resources={"a": CapacityConfig(-1, 5)}), "current_cap: -1 is negative. Give a capacity, such as 1."),
    (line(stores={"a": CapacityConfig(1.5, 5)}), "Line_B.stores.a.current_cap: 1.5 is not a whole number."),
    (line(containers={"a": CapacityConfig(nan, 5)}), "Line_B.containers.a.current_cap: nan is not a number."),
]


@pytest.mark.parametrize(("param", "text"), NONSENSE)
def test_registering_nonsense_raises_and_adds_nothing(registry, param, text):
    before = registry.paths()
    with pytest.raises(ParameterError) as caught:
        registry.register_sim_parameter(param)
    assert text in str(caught.value)
    assert registry.paths() == before


def test_a_nest_that_contains_itself_cannot_be_a_variable(registry):
    nest = []
    nest.append(nest)
    with pytest.raises(ParameterError, match=r"Line_B.variables.x: the value is nested more than 100 deep"):
        registry.register_sim_parameter(SimParameter("Line_B", variables={"x": nest}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Line_A.arrival.standard.rat", "Did you mean 'Line_A.arrival.standard.rate'?"),
        ("Line_A.standard.rate", "Did you mean 'Line_A.arrival.standard.rate'?"),
        ("line_a.resources.lathe.current_cap", "Did you mean 'Line_A.resources.lathe.current_cap'?"),
        ("Line_A.resource.lathe.current_cap", "Did you mean 'Line_A.resources.lathe.current_cap'?"),
        ("Line_A.resources.lathe.curr_cap", "Did you mean 'Line_A.resources.lathe.current_cap'?"),
        ("Line_A.variables.sped", "Did you mean 'Line_A.variables.speed'?"),
        ("", "'': no such path. There are Line_A.arrival.standard.dist, "),
        ("zzz", "'zzz': no such path. There are Line_A.arrival.standard.dist, "),
        (None, "None: a path is text, such as 'Line_A.arrival.standard.rate'."),
        (["Line_A"], "['Line_A']: a path is text"),
        (5, "5: a path is text"),
        (nan, "nan: a path is text"),
    ],
)
def test_an_unknown_path_is_answered_with_the_nearest_one(registry, path, text):
    for _ in range(2):
        with pytest.raises(UnknownPathError) as caught:
            registry.get(path)
        assert text in str(caught.value)
        assert isinstance(caught.value, KeyError)
        outcome = registry.update(path, 1)
        assert (outcome.status, outcome.reason) == ("refused", str(caught.value))
        assert registry.update_many([(path, 1), ("Line_A.variables.speed", 5)]) == outcome
    assert registry.get("Line_A.variables.speed").value == 1.0


def test_an_unknown_configuration_is_answered_with_the_nearest_one(registry):
    with pytest.raises(KeyError) as caught:
        registry.get_config("Line_A.service.miling")
    assert str(caught.value) == (
        "'Line_A.service.miling': no such configuration. Did you mean 'Line_A.service.milling'?"
    )
    with pytest.raises(UnknownPathError, match=r"\[\]: a path is text"):
        registry.get_config([])


def test_what_was_said_about_a_wrong_path_is_not_said_any_more_when_a_nearer_one_is_added(registry):
    assert "Line_A.arrival" in registry.update("Line_B.arrival.standard.rat", 1).reason
    registry.register_sim_parameter(SimParameter("Line_B", arrival={"standard": EXPONENTIAL}))
    assert "Did you mean 'Line_B.arrival.standard.rate'?" in registry.update("Line_B.arrival.standard.rat", 1).reason


def test_wrong_paths_do_not_pile_up(registry):
    for number in range(1000):
        registry.update(f"wrong.{number}", 1)
        registry.update("wrong" * 100 + str(number), 1)
    assert len(registry._paths._texts) <= 256
    assert max(map(len, registry._paths._texts)) <= 200


def test_an_empty_registry_says_so():
    registry = SteeredEnvironment(factor=0).registry
    assert registry.update("Line_A.variables.speed", 1).reason == (
        "'Line_A.variables.speed': no such path. Nothing is registered yet: call registry.register_sim_parameter first."
    )


def test_another_thread_may_not_change_the_model_while_it_runs(env):
    registry, errors = env.registry, []

    def outside():
        for attempt in (
            lambda: registry.update("Line_A.variables.speed", 9.0),
            lambda: registry.update_many({"Line_A.variables.speed": 9.0}),
            lambda: registry.register_sim_parameter(SimParameter("Line_B")),
        ):
            try:
                attempt()
            except WrongThreadError as error:
                errors.append(str(error))

    def model(env):
        yield env.timeout(1)
        thread = Thread(target=outside)
        thread.start()
        thread.join()

    env.process(model(env))
    env.run()
    text = (
        "registry: a run is on in another thread, and only that thread may change the model. "
        "Use env.post(path, value), which is safe from any thread."
    )
    assert errors == [text, text, text]
    assert registry.get("Line_A.variables.speed").value == 1.0
    outside()
    assert len(errors) == 3
    assert registry.get("Line_A.variables.speed").value == 9.0
