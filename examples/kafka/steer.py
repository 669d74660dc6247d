"""Steer the twin of twin.toml from another process.

python examples/kafka/steer.py topics            make the topics
python examples/kafka/steer.py PATH VALUE        send a change: VALUE is JSON, else text
The brokers are those of the variable KAFKA, localhost:9092 by default.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress

from dynamic_des import KafkaAdminConnector

CONTROL = {"name": "line-a-control", "configs": {"cleanup.policy": "compact"}}


def main(arguments):
    admin = KafkaAdminConnector(os.environ.get("KAFKA", "localhost:9092"))
    if arguments == ["topics"]:
        admin.create_topics([CONTROL, {"name": "line-a-telemetry"}, {"name": "line-a-events", "partitions": 3}])
    elif len(arguments) == 2:
        path, value = arguments
        with suppress(ValueError):
            value = json.loads(value)
        asyncio.run(admin.send_config(CONTROL["name"], path, value))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
