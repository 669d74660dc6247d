from dynamic_des import KafkaIngress, KafkaEgress

# Swap connectors: no changes needed to business logic
ingress = KafkaIngress(
    topic="factory-config", 
    bootstrap_servers="broker.internal:9092"
)

egress = KafkaEgress(
    telemetry_topic="sim-vitals", 
    event_topic="sim-events", 
    bootstrap_servers="broker.internal:9092"
)

env.setup_ingress([ingress])
env.setup_egress([egress])

env.run()
