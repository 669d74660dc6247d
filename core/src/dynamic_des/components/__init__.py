"""What resource kinds are made of: live numbers, sinks, timers, checks and telemetry.

All of it works with any SimPy environment; what needs a registry or published figures says so.
"""
