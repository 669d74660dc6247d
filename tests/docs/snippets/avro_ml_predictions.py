from pydantic import Field
from dataclasses_avroschema.pydantic import AvroBaseModel
from dynamic_des import KafkaEgress
from dynamic_des.connectors.egress.kafka import ConfluentAvroSerializer

# 1. Define your model and auto-generate the schema
class MLPrediction(AvroBaseModel):
    """High-velocity ML payload"""
    task_id: str = Field(...)
    confidence: float = Field(...)

    class Meta:
        namespace = "com.dynamic_des.ml"
        schema_name = "PredictionEvent"

# 2. Define a topic router to separate standard events from ML events
def ml_topic_router(data: dict) -> str:
    if data.get("value", {}).get("event_type") == "prediction":
        return "ml-predictions"
    return "sim-lifecycle"

# 3. Configure the Egress Connector
egress = KafkaEgress(
    bootstrap_servers="localhost:9092",
    topic_router=ml_topic_router,
    topic_serializers={
        # Map the auto-generated Avro serializer to the ML topic
        "ml-predictions": ConfluentAvroSerializer(
            registry_url="http://localhost:8081",
            schema_str=MLPrediction.avro_schema() 
        ),
    }
)
