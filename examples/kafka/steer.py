"""Steer the twin of twin.toml from another process.

python examples/kafka/steer.py topics            make the topics
python examples/kafka/steer.py PATH VALUE        send a change
The brokers are those of the variable KAFKA, localhost:9092 by default.
"""

import asyncio
import json
import os
import sys

from dynamic_des import KafkaAdminConnector

CONTROL = {"name": "line-a-control", "configs": {"cleanup.policy": "compact"}}


def main(arguments):
    admin = KafkaAdminConnector(os.environ.get("KAFKA", "localhost:9092"))
    if arguments == ["topics"]:
        admin.create_topics([CONTROL, {"name": "line-a-telemetry"}, {"name": "line-a-events", "partitions": 3}])
    elif len(arguments) == 2:
        path, value = arguments
        asyncio.run(admin.send_config(CONTROL["name"], path, json.loads(value)))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
