"""The bridge between the simulation thread and asyncio: the only place where the two meet."""
