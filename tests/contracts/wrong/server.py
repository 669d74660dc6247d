"""A server in memory, for connectors that are right or wrong: it stores, it brings, and it can be down."""

import json

from dynamic_des import JsonSerializer

__all__ = ["PATIENCE_S", "OnServer", "Server"]

PATIENCE_S = 1.5  # for connectors with which a test waits in vain


class Server:
    """Holds records by twin and number, a log of messages, and how far the log was acknowledged."""

    def __init__(self):
        self.up = True
        self.rows = {}
        self.log = []
        self.acknowledged = 0

    def reach(self):
        if not self.up:
            raise ConnectionError("the server is down")

    def store(self, twin, batch):
        """Store what has a form in JSON; what is there already stays as it is."""
        self.reach()
        for line in batch.encode(JsonSerializer()):
            if line is not None and not batch.system:
                self.put(twin, json.loads(line))

    def put(self, twin, record):
        self.rows.setdefault((twin, record["seq"]), record)


class OnServer:
    """The hooks of a contract, for a connector that is made with a server."""

    patience_s = 5.0  # for what comes at once

    def setup_method(self):
        self.server = Server()

    def break_connection(self):
        self.server.up = False

    def restore(self):
        self.server.up = True

    def make_egress(self):
        return self.plugin(self.server)

    def stored(self, egress):
        return list(self.server.rows.values())

    def make_ingress(self):
        return self.plugin(self.server)

    def send(self, payload):
        self.server.log.append(payload)

    def acknowledged(self):
        return {"log": self.server.acknowledged} if self.server.acknowledged else {}
