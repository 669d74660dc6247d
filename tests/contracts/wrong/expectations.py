"""Which rule a deliberately wrong plugin must be caught by."""

__all__ = ["contracts_of", "expected_in", "fails"]


def fails(*names, maybe=()):
    """Say which tests of its contract a plugin must fail, and that it passes all others.

    Args:
        names: The rule that it breaks, and those that cannot hold without it.
        maybe: Rules that it breaks or not, depending on which thread comes first.
    """

    def note(plugin):
        plugin.must_fail = {f"test_{name}" for name in names}
        plugin.may_fail = {f"test_{name}" for name in maybe}
        return plugin

    return note


def expected_in(module):
    """Return the tests that each plugin of a module must and may fail, by the name of its test class."""
    return {_class_name(plugin): (plugin.must_fail, plugin.may_fail) for plugin in _noted(vars(module))}


def contracts_of(namespace, *bases):
    """Return one test class for each plugin that was noted; it finds the plugin in ``plugin``."""
    return {_class_name(plugin): type(_class_name(plugin), bases, _members(plugin)) for plugin in _noted(namespace)}


def _members(plugin):
    patience = {"patience_s": plugin.patience_s} if hasattr(plugin, "patience_s") else {}
    return {"plugin": plugin, **patience}


def _noted(namespace):
    here = namespace["__name__"]
    return [
        found
        for found in namespace.values()
        if "must_fail" in getattr(found, "__dict__", ()) and found.__module__ == here
    ]


def _class_name(plugin):
    return f"Test{plugin.__name__}"
