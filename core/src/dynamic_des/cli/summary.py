"""What a run did, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.cli.speaking import counted

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.bridge.report import Report, SinkReport, SourceReport

__all__ = ["summary"]

_WORTH_A_WORD_S = 0.1


def summary(env: DynamicRealtimeEnvironment, report: Report) -> str:
    """Return what a run did: one line for the whole, one for the changes, one for each connector."""
    published = f"{counted(report.events, 'event')}, {counted(report.telemetry, 'telemetry record')}"
    changes = f"{counted(report.changes_applied, 'change')} applied, {report.changes_refused} refused"
    late = f"lag {report.lag_seconds:.3f} s"
    if report.worst_lag_seconds - report.lag_seconds >= _WORTH_A_WORD_S:
        late += f", at most {report.worst_lag_seconds:.3f} s"
    rows = [
        f"{env.name}: ended at t={env.now:g}; {published if report.sinks else 'no egress, so nothing was published'}",
        f"{changes}; {late}",
    ]
    rows += [_of_sink(sink) for sink in report.sinks]
    rows += [_of_source(source) for source in report.sources]
    rows += [_of_dead_letters(letters) for letters in report.dead_letters]
    return "\n".join(rows)


def _of_sink(sink: SinkReport) -> str:
    row = f"egress {sink.name}: {sink.written} written, {sink.retried} retried, {sink.set_aside} set aside, "
    row += f"{sink.dropped} dropped"
    if sink.dead_lettered:
        row += f", {sink.dead_lettered} in the dead letters"
    if sink.filtered:
        row += f", {sink.filtered} kept back by when"
    if sink.nulled:
        row += f", {counted(sink.nulled, 'number')} that JSON does not know written as null"
    row += _of_blocking(sink)
    if sink.waiting:
        row += f", {sink.waiting} NOT WRITTEN"
    return f"{row} ({sink.reason})" if sink.reason else row


def _of_dead_letters(letters: SinkReport) -> str:
    row = f"{letters.name}: {letters.written} written"
    if letters.set_aside:
        row += f", {letters.set_aside} refused by it and LOST"
    if letters.waiting:
        row += f", {letters.waiting} NOT WRITTEN"
    return f"{row} ({letters.reason})" if letters.reason else row


def _of_source(source: SourceReport) -> str:
    row = f"ingress {source.name}: {counted(source.received, 'message')}"
    if source.dead_lettered:
        row += f", {source.dead_lettered} in the dead letters"
    if source.undelivered:
        row += f", {source.undelivered} NOT in the dead letters"
    if source.reopened:
        row += f", reopened {counted(source.reopened, 'time')}"
    row += _of_blocking(source)
    return f"{row}; {source.state}: {source.reason}" if source.reason else row


def _of_blocking(connector: SinkReport | SourceReport) -> str:
    seconds = connector.blocked_seconds
    return f", blocked the others for {seconds:.1f} s" if seconds else ""
