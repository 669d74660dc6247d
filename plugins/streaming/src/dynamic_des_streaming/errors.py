"""What the streaming components raise, beside the errors of `dynamic_des.errors`.

::

    DynamicDesError
    └── ResourceError                 (RuntimeError)
        ├── UnknownMemberError        the consumer is not, or no longer, in the group
        │   └── FencedMemberError     … because another one took over its ``instance_id``
        ├── CommitFailedError         offsets were not committed: none of them
        │   └── OffsetOutOfRangeError (ValueError)  … because one of them is outside of the log
        └── NoOffsetError             nowhere to start from, and ``auto_offset_reset`` is ``"none"``

An operation fails with them: they are thrown into the process that waits for it. A parameter that makes no sense
is a ``ParameterError`` (a ValueError), raised at once.
"""

from __future__ import annotations

from dynamic_des.errors import ResourceError

__all__ = [
    "CommitFailedError",
    "FencedMemberError",
    "NoOffsetError",
    "OffsetOutOfRangeError",
    "UnknownMemberError",
]


class UnknownMemberError(ResourceError):
    """The consumer is not in the group: it never joined, it left, or it was silent for too long."""


class FencedMemberError(UnknownMemberError):
    """Another consumer joined with the same ``instance_id`` and took this one's place."""


class CommitFailedError(ResourceError):
    """Offsets were refused, all of them: who commits does not own the partition, or comes from an older generation."""


class OffsetOutOfRangeError(CommitFailedError, ValueError):
    """An offset that was to be committed is below 0 or above the high watermark."""


class NoOffsetError(ResourceError):
    """A partition has no usable committed offset, and ``auto_offset_reset`` is ``"none"``."""
