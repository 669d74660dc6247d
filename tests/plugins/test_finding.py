"""From `type` to a class: which module is imported, and what is said when there is none."""

from importlib.metadata import entry_points

import pytest
from tests.plugins.distributions import GOOD

from dynamic_des import BaseEgress, ConsoleEgress, DynamicResource, JsonDeserializer, JsonSerializer, PluginError
from dynamic_des.aliases import PLUGIN_NAMES, PUBLISHED, Published
from dynamic_des.plugins import find_class

# what there is to choose from: this repository's own plugins are installed, too
PLUGINS = ", ".join(sorted(point.name for point in entry_points(group="dynamic_des")))
EGRESSES = f"console, file, memory, or a plugin ({PLUGINS})"


def refusal(kind, name):
    with pytest.raises(PluginError) as caught:
        find_class(kind, name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("egress", "console", ConsoleEgress),
        ("egress", "console.ConsoleEgress", ConsoleEgress),
        ("serializer", "json", JsonSerializer),
        ("deserializer", "json", JsonDeserializer),
        ("resource", "resource", DynamicResource),
        ("egress", "dynamic_des.connectors.console:ConsoleEgress", ConsoleEgress),
        ("resource", "dynamic_des:DynamicResource", DynamicResource),
    ],
)
def test_what_core_brings_is_found(kind, name, found):
    assert find_class(kind, name) is found


def test_a_type_imports_its_own_module_and_no_other(shelf):
    for name in ("one", "two", "three"):
        shelf.put(f"plugin-{name}", {name: f"plugin_{name}"}, **{f"plugin_{name}": GOOD})
    loaded = shelf.python(
        """
        import json, sys
        from dynamic_des.plugins import find_class
        assert find_class("egress", "two").__module__ == "plugin_two"
        print(json.dumps(sorted(name for name in sys.modules if name.startswith("plugin_"))))
        """
    )
    assert loaded == ["plugin_two"]


def test_importing_the_package_imports_neither_a_plugin_nor_what_a_run_needs(shelf):
    shelf.put("plugin-one", {"one": "plugin_one"}, plugin_one=GOOD)
    heavy = ["simpy", "numpy", "pydantic", "orjson", "pluggy", "click", "asyncio", "plugin_one", "importlib.metadata"]
    loaded = shelf.python(
        f"import dynamic_des, json, sys; print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    assert loaded == []


def test_what_core_brings_is_found_without_looking_at_what_is_installed(shelf):
    loaded = shelf.python(
        """
        import json, sys
        from dynamic_des.plugins import find_class
        find_class("serializer", "json")
        print(json.dumps([name for name in ("pluggy", "importlib.metadata", "simpy") if name in sys.modules]))
        """
    )
    assert loaded == []


def test_a_bare_name_is_enough_where_a_plugin_has_one_class_of_the_kind(installed):
    installed.put("plugin-good", {"good": "plugin_good"}, plugin_good=GOOD)
    assert find_class("egress", "good").__name__ == "GoodEgress"
    assert find_class("ingress", "good").__name__ == "GoodIngress"
    assert find_class("egress", "good.GoodEgress") is find_class("egress", "good")


def test_a_serializer_and_a_deserializer_of_one_plugin_do_not_compete(installed):
    text = """
        from dynamic_des import MessageDeserializer, MessageSerializer, hookimpl

        class Wax(MessageSerializer):
            def serialize(self, topic, data): return b""

        class Unwax(MessageDeserializer):
            def deserialize(self, topic, payload): return {}

        @hookimpl
        def dynamic_des_register_serializer(): return [Wax, Unwax]
    """
    installed.put("plugin-wax", {"wax": "plugin_wax"}, plugin_wax=text)
    assert find_class("serializer", "wax").__name__ == "Wax"
    assert find_class("deserializer", "wax").__name__ == "Unwax"
    assert refusal("serializer", "wax.Unwax") == (
        "wax.Unwax: the plugin 'wax' registers no serializer 'Unwax'. Write type = \"wax.Wax\"."
    )


def test_the_name_of_an_entry_point_may_have_a_dot(installed):
    installed.put("plugin-dots", {"a.b": "plugin_dots"}, plugin_dots=GOOD)
    assert find_class("egress", "a.b").__name__ == "GoodEgress"
    assert find_class("egress", "a.b.GoodEgress").__name__ == "GoodEgress"


def test_code_that_is_not_packaged_is_named_by_its_place(installed):
    installed.write("my_code", GOOD)
    found = find_class("egress", "my_code:GoodEgress")
    assert issubclass(found, BaseEgress)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("plant", 'pip install "dynamic-des-plant"'),
        ("plant.PlantEgress", 'pip install "dynamic-des-plant"'),
        ("plant-remote", 'pip install "dynamic-des-plant[remote]"'),
    ],
)
def test_a_plugin_that_is_not_installed_comes_with_the_line_to_install_it(name, line, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "plant", Published("dynamic-des-plant", "dynamic_des_plant"))
    monkeypatch.setitem(PUBLISHED, "plant-remote", Published("dynamic-des-plant[remote]", "dynamic_des_plant"))
    own = name.partition(".")[0]
    assert refusal("egress", name) == f"{own}: this plugin is not installed. Install it: {line}"


def test_a_typo_is_answered_with_the_nearest_name(installed):
    installed.put("plugin-good", {"goods": "plugin_good"}, plugin_good=GOOD)
    assert refusal("egress", "consol") == "'consol': there is no egress of this type. Did you mean 'console'?"
    assert refusal("egress", "kafak") == "'kafak': there is no egress of this type. Did you mean 'kafka'?"
    assert refusal("egress", "CONSOLE") == "'CONSOLE': there is no egress of this type. Did you mean 'console'?"
    assert refusal("egress", "gods") == "'gods': there is no egress of this type. Did you mean 'goods'?"


def test_a_name_that_resembles_nothing_is_answered_with_what_there_is():
    assert refusal("egress", "mqtt") == (
        f"'mqtt': there is no egress of this type. Use one of {EGRESSES}; "
        'install a plugin that has it; or write "module:Class".'
    )


def test_a_built_in_of_another_kind_is_said_to_be_one():
    assert refusal("egress", "lines") == (
        f"lines: this is an ingress, not an egress. Move it to [ingress.…], or use one of {EGRESSES}."
    )
    assert refusal("egress", "store") == (
        f"store: this is a resource, not an egress. Move it to [resources.…], or use one of {EGRESSES}."
    )
    assert refusal("egress", "json") == f"json: this is a serializer, not an egress. Use one of {EGRESSES}."


def test_there_is_one_class_in_a_built_in_name():
    assert refusal("egress", "console.Consol") == (
        "console.Consol: there is only ConsoleEgress in it. Write type = 'console'."
    )


@pytest.mark.parametrize(
    ("kind", "place", "text"),
    [
        (
            "egress",
            "dynamic_des:LinesIngress",
            (
                "dynamic_des:LinesIngress: LinesIngress is an ingress, not an egress. "
                "Derive it from dynamic_des.BaseEgress."
            ),
        ),
        (
            "egress",
            "collections:OrderedDict",
            "collections:OrderedDict: OrderedDict is not an egress. Derive it from dynamic_des.BaseEgress.",
        ),
        (
            "resource",
            "dynamic_des:ConsoleEgress",
            (
                "dynamic_des:ConsoleEgress: ConsoleEgress is an egress, not a resource. "
                "Give a class that is built with (env, name, **options)."
            ),
        ),
        ("egress", "math:pi", "math:pi: 3.141592653589793 is not a class. Name a class."),
        (
            "egress",
            "dynamic_des:ConsolEgress",
            "dynamic_des:ConsolEgress: there is no 'ConsolEgress' in it. Did you mean 'ConsoleEgress'?",
        ),
        (
            "egress",
            "no_such_module_here:X",
            (
                "no_such_module_here:X: there is no module 'no_such_module_here'. Is it installed, or beside the "
                "configuration file? Write its name as an import statement would."
            ),
        ),
        ("egress", "a-b:C", "'a-b:C' names nothing. Write \"module:name\"."),
        ("egress", ":", "':' names nothing. Write \"module:name\"."),
        ("egress", ".x:C", "'.x:C' names nothing. Write \"module:name\"."),
    ],
)
def test_a_place_that_leads_nowhere_says_how_far_it_led(kind, place, text):
    assert refusal(kind, place) == text


def test_a_place_in_a_plugin_that_is_not_installed_comes_with_the_line_to_install_it(monkeypatch):
    monkeypatch.setitem(PLUGIN_NAMES, "PlantEgress", Published("dynamic-des-plant", "dynamic_des_plant"))
    assert refusal("egress", "dynamic_des:PlantEgress") == (
        'dynamic_des:PlantEgress: PlantEgress is in a plugin that is not installed: pip install "dynamic-des-plant"'
    )


def test_a_module_that_raises_when_it_is_asked_for_a_name_is_quoted(installed):
    installed.write("lazy", "def __getattr__(name): raise RuntimeError('boom')\n")
    assert (
        refusal("egress", "lazy:X")
        == "lazy:X: RuntimeError: boom (lazy.py, line 1). Mend that, or name something else."
    )


def test_a_module_that_raises_says_where(installed):
    installed.write("explosive", "x = 1\nraise RuntimeError('boom')\n")
    assert refusal("egress", "explosive:X") == (
        "explosive:X: the module 'explosive' raised RuntimeError: boom (explosive.py, line 2). Mend the module."
    )
    installed.write("leaving", "import sys\nsys.exit(3)\n")
    assert refusal("egress", "leaving:X") == (
        "leaving:X: the module 'leaving' raised SystemExit: 3 (leaving.py, line 2). Mend the module."
    )
    installed.write("needy", "import no_such_driver\n")
    assert refusal("egress", "needy:X") == (
        "needy:X: the module 'needy' needs 'no_such_driver', which is not installed. Install it."
    )
