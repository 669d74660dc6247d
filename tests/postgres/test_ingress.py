"""What a twin of PostgreSQL begins with."""

from tests.stores.runs import PATH

from dynamic_des import DynamicRealtimeEnvironment, SimParameter


def test_the_current_state_of_a_table_is_where_a_run_begins(postgres_store, name):
    postgres_store.sql(f"CREATE TABLE {name}_now (path text PRIMARY KEY, value numeric)")
    postgres_store.sql(f"INSERT INTO {name}_now VALUES ('{PATH}', 4), ('Line_A.variables.gone', 1)")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        env.setup_ingress([postgres_store.ingress(name, parameter_table=f"{name}_now")])
        env.run(until=1)
        assert env.registry.get(PATH).value == 4
