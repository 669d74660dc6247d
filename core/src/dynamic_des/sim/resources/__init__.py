"""Resources whose capacity follows the registry."""
