from dynamic_des.sim.environment import SteeredEnvironment


def test_an_empty_environment_runs():
    SteeredEnvironment(factor=0).run()
