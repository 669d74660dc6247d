from dynamic_des import (
    DynamicRealtimeEnvironment, DynamicResource, 
    LocalIngress, ConsoleEgress, SimParameter, CapacityConfig
)

# 1. Define the initial state
params = SimParameter(
    sim_id="Line_A",
    resources={"lathe": CapacityConfig(current_cap=1, max_cap=5)},
)

# 2. Schedule a deterministic capacity jump (1 -> 3) at t=5.0s
ingress = LocalIngress([
    (5.0, "Line_A.resources.lathe.current_cap", 3)
])
egress = ConsoleEgress()

# 3. Initialize Environment & Registry
env = DynamicRealtimeEnvironment(factor=1.0)
env.registry.register_sim_parameter(params)
env.setup_ingress([ingress])
env.setup_egress([egress])

res = DynamicResource(env, "Line_A", "lathe")

env.run(until=10)
