"""What this plugin raises beyond what core and the client do."""

from __future__ import annotations

from dynamic_des.errors import DynamicDesError

__all__ = ["FencedError", "MissingTopicError", "TopicError"]


class MissingTopicError(DynamicDesError, LookupError):
    """A topic is not on the brokers. Tried again: it may be made."""


class TopicError(DynamicDesError, RuntimeError):
    """A topic could not be made."""


class FencedError(DynamicDesError, RuntimeError):
    """A transaction took too long, and was taken away. Tried again."""
