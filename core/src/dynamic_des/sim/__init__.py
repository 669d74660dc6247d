"""The simulation side: clock, registry, resources, random streams. No I/O, no threads, no asyncio."""
