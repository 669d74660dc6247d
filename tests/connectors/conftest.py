"""The same promises as for the connectors: no thread, task or file is left behind."""

from tests.bridge.conftest import env, live_env, nothing_is_left_behind, short_pauses, sink

__all__ = ["env", "live_env", "nothing_is_left_behind", "short_pauses", "sink"]
