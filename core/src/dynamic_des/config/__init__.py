"""From a TOML file to a runnable environment."""
