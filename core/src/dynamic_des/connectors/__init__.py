"""The connectors that come with core: local, lines, console, file, memory."""
