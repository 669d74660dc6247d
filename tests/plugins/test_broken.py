"""Plugins that are broken, each in its own way: what is said of them, and that nobody else suffers."""

import json

import pytest
from tests.plugins.distributions import GOOD

from dynamic_des import PluginError
from dynamic_des.plugins import find_class, report_plugins

HEAD = "from dynamic_des import BaseEgress, ConsoleEgress, FileEgress, LinesIngress, hookimpl\n"


def refusal(kind, name):
    with pytest.raises(PluginError) as caught:
        find_class(kind, name)
    return str(caught.value)


def reported(name):
    return {report.name: report.error for report in report_plugins()}[name]


BROKEN = {
    "raises": (
        "raise RuntimeError('boom')\n",
        (
            "x: plugin-x 1.0 is installed but cannot be imported: RuntimeError: boom (plugin_x.py, line 1). "
            'Reinstall it: pip install --force-reinstall "plugin-x"'
        ),
    ),
    "leaves": (
        "raise SystemExit(3)\n",
        (
            "x: plugin-x 1.0 is installed but cannot be imported: SystemExit: 3 (plugin_x.py, line 1). "
            'Reinstall it: pip install --force-reinstall "plugin-x"'
        ),
    ),
    "lacks a driver": (
        "import no_such_driver\n",
        (
            "x: plugin-x 1.0 is installed but cannot be imported: "
            "ModuleNotFoundError: No module named 'no_such_driver' (plugin_x.py, line 1). "
            'Install what it needs: pip install "plugin-x"'
        ),
    ),
    "not Python": (
        "def (:\n",
        (
            "x: plugin-x 1.0 is installed but cannot be imported: SyntaxError: invalid syntax (plugin_x.py, line 1). "
            'Reinstall it: pip install --force-reinstall "plugin-x"'
        ),
    ),
    "wrong kind": (
        f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(): return [LinesIngress]\n",
        (
            "x: plugin_x.dynamic_des_register_egress: LinesIngress is an ingress, not an egress. "
            "Derive it from dynamic_des.BaseEgress."
        ),
    ),
    "misspelt and decorated": (
        f"{HEAD}@hookimpl\ndef dynamic_des_register_egres(): return [ConsoleEgress]\n",
        (
            "x: plugin_x.dynamic_des_register_egres is no hook, so it is never called. "
            "Did you mean 'dynamic_des_register_egress'?"
        ),
    ),
    "misspelt and undecorated": (
        f"{HEAD}def dynamic_des_register_egresses(): return [ConsoleEgress]\n",
        (
            "x: plugin_x.dynamic_des_register_egresses is no hook, so it is never called. "
            "Did you mean 'dynamic_des_register_egress'?"
        ),
    ),
    "misspelt from its first letter": (
        f"{HEAD}def dynamicdes_register_egress(): return [ConsoleEgress]\n",
        (
            "x: plugin_x.dynamicdes_register_egress is no hook, so it is never called. "
            "Did you mean 'dynamic_des_register_egress'?"
        ),
    ),
    "decorated and unlike any hook": (
        f"{HEAD}@hookimpl\ndef setup(): return [ConsoleEgress]\n",
        (
            "x: plugin_x.setup is no hook, so it is never called. Rename it: hooks are dynamic_des_register_ingress, "
            "dynamic_des_register_egress, dynamic_des_register_serializer and dynamic_des_register_resource."
        ),
    ),
    "undecorated": (
        f"{HEAD}def dynamic_des_register_egress(): return [ConsoleEgress]\n",
        (
            "x: plugin_x.dynamic_des_register_egress is not decorated, so it is never called. "
            "Write @dynamic_des.hookimpl above it."
        ),
    ),
    "raising hook": (
        f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(): return 1 / 0\n",
        (
            "x: plugin_x.dynamic_des_register_egress raised ZeroDivisionError: division by zero (plugin_x.py, line 3). "
            "Report it to who wrote the plugin."
        ),
    ),
    "hook with arguments": (
        f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(config): return []\n",
        (
            "x: plugin_x.dynamic_des_register_egress takes arguments, and a hook gets none. "
            "Write def dynamic_des_register_egress()."
        ),
    ),
    "a class instead of a list": (
        f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(): return ConsoleEgress\n",
        (
            "x: plugin_x.dynamic_des_register_egress returned <class 'dynamic_des.connectors.console.ConsoleEgress'>. "
            "Return a list of classes."
        ),
    ),
    "objects instead of classes": (
        f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(): return ['ConsoleEgress']\n",
        "x: plugin_x.dynamic_des_register_egress returned ['ConsoleEgress']. Return a list of classes.",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_is_named_with_what_is_wrong(installed, how):
    text, error = BROKEN[how]
    installed.put("plugin-x", {"x": "plugin_x"}, plugin_x=text)
    assert refusal("egress", "x") == error
    assert reported("x") == error


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_breaks_nobody_else(installed, how):
    installed.put("plugin-x", {"x": "plugin_x"}, plugin_x=BROKEN[how][0])
    installed.put("plugin-good", {"good": "plugin_good"}, plugin_good=GOOD)
    assert find_class("egress", "good").__name__ == "GoodEgress"
    assert reported("good") is None


def test_a_wrong_hook_leaves_the_other_hooks_of_its_plugin_alone(installed):
    text = f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(): return 1 / 0\n"
    text += "@hookimpl\ndef dynamic_des_register_ingress(): return [LinesIngress]\n"
    installed.put("plugin-x", {"x": "plugin_x"}, plugin_x=text)
    assert find_class("ingress", "x").__name__ == "LinesIngress"


def test_the_original_error_is_kept_as_the_cause(installed):
    installed.put("plugin-x", {"x": "plugin_x"}, plugin_x="raise RuntimeError('boom')\n")
    with pytest.raises(PluginError) as caught:
        find_class("egress", "x")
    assert repr(caught.value.__cause__) == "RuntimeError('boom')"


def test_of_several_classes_one_has_to_be_named(installed):
    text = f"{HEAD}@hookimpl\ndef dynamic_des_register_egress(): return [ConsoleEgress, FileEgress]\n"
    installed.put("plugin-x", {"x": "plugin_x"}, plugin_x=text)
    assert refusal("egress", "x") == (
        'x: this plugin registers several classes of egress. Write type = "x.ConsoleEgress" or type = "x.FileEgress".'
    )
    assert refusal("egress", "x.FileEgres") == (
        "x.FileEgres: the plugin 'x' registers no egress 'FileEgres'. Did you mean 'FileEgress'?"
    )
    assert find_class("egress", "x.FileEgress").__name__ == "FileEgress"


def test_a_plugin_without_the_kind_says_what_it_brings(installed):
    installed.put("plugin-good", {"good": "plugin_good"}, plugin_good=GOOD)
    assert refusal("serializer", "good") == (
        "good: this plugin registers no serializer. It brings ingress GoodIngress and egress GoodEgress. "
        "Use it for that, or give another type."
    )
    installed.put("plugin-empty", {"empty": "plugin_empty"}, plugin_empty="")
    assert refusal("egress", "empty.Thing") == (
        "empty.Thing: the plugin 'empty' registers no egress 'Thing'. It brings nothing at all. "
        "Report it to who wrote the plugin."
    )


def test_two_distributions_with_one_name_are_both_named(installed):
    installed.put("plugin-a", {"same": "plugin_a"}, plugin_a=GOOD)
    installed.put("plugin-b", {"same": "plugin_b"}, version="2.1", plugin_b=GOOD)
    error = "same: plugin-a 1.0 and plugin-b 2.1 both register a plugin of this name. Uninstall one of them."
    assert refusal("egress", "same") == error
    assert reported("same") == error


@pytest.mark.parametrize("name", ["console", "json", "resource"])
def test_names_of_core_are_reserved(installed, name):
    installed.put("plugin-grabby", {name: "plugin_grabby"}, plugin_grabby=GOOD)
    kind = {"console": "egress", "json": "serializer", "resource": "resource"}[name]
    assert find_class(kind, name).__module__.startswith("dynamic_des.")
    assert reported(name) == (
        f"{name}: plugin-grabby 1.0 registers a plugin of this name, which core keeps for its own {kind}. "
        "Rename the entry point."
    )


def test_an_entry_point_has_to_name_a_module(installed):
    installed.put("plugin-x", {"x": "plugin_x:GoodEgress"}, plugin_x=GOOD)
    assert refusal("egress", "x") == (
        "x: plugin-x 1.0: the entry point names <class 'plugin_x.GoodEgress'>, not a module. "
        "Write the module of the hooks there."
    )


def test_an_import_of_a_module_named_like_a_hook_is_no_hook(installed):
    installed.put("plugin-y", {"y": "plugin_y"}, plugin_y=GOOD + "\n    import dynamic_des_z\n", dynamic_des_z="")
    assert find_class("egress", "y").__name__ == "GoodEgress"


def test_the_command_lists_what_is_there_and_what_is_broken_and_why(shelf):
    shelf.put("plugin-good", {"good": "plugin_good"}, plugin_good=GOOD)
    shelf.put("plugin-x", {"x": "plugin_x"}, plugin_x=BROKEN["raises"][0])
    listed = shelf.command("plugins")
    assert listed.returncode == 0
    assert listed.stderr == ""
    # this repository's own plugins are installed, too
    assert [line for line in listed.stdout.splitlines() if "(dynamic-des-" not in line] == [
        "built in",
        "  ingress: lines, local, memory",
        "  egress: console, file, memory",
        "  serializer: json",
        "  deserializer: json",
        "  resource: container, resource, store",
        "installed",
        "  good (plugin-good 1.0): ingress GoodIngress; egress GoodEgress",
        f"  x (plugin-x 1.0): BROKEN: {BROKEN['raises'][1]}",
    ]


def test_the_command_prints_json(shelf):
    shelf.put("plugin-good", {"good": "plugin_good"}, plugin_good=GOOD)
    shelf.put("plugin-x", {"x": "plugin_x"}, plugin_x=BROKEN["raises"][0])
    listed = json.loads(shelf.command("plugins", "--json").stdout)
    assert listed["builtin"]["egress"] == ["console", "file", "memory"]
    assert [one for one in listed["plugins"] if not one["distribution"].startswith("dynamic-des-")] == [
        {
            "name": "good",
            "distribution": "plugin-good 1.0",
            "classes": {"ingress": ["GoodIngress"], "egress": ["GoodEgress"]},
            "error": None,
        },
        {"name": "x", "distribution": "plugin-x 1.0", "classes": {}, "error": BROKEN["raises"][1]},
    ]
