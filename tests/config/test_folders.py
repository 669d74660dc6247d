"""Where names lead: beside the file first, and never into the folder of another twin."""

import shutil
import sys
import types

import pytest

from dynamic_des.config.loading import load

FILE = '[simulation]\nmodel = "model:build"\nfactor = 0\n[egress.kept]\ntype = "memory"\n'


@pytest.fixture
def twins(tmp_path):
    """A function that makes a folder with files and returns the path of its twin."""

    def make(name, text=FILE, **modules):
        folder = tmp_path / name
        folder.mkdir()
        for module, source in modules.items():
            place = folder / f"{module.replace('__', '/')}.py"
            place.parent.mkdir(exist_ok=True)
            place.write_text(source)
        (folder / "twin.toml").write_text(text)
        return folder / "twin.toml"

    return make


def published(twin):
    with twin.environment() as env:
        twin.connect(env)
        twin.build(env)
        env.run()
    return twin.egresses["kept"].connector.events


def model(word, more=""):
    return f"{more}\ndef build(env): env.publish_event({word}, {{}})\n"


def test_the_model_beside_the_file_is_used_and_not_one_of_the_path(twins, tmp_path, monkeypatch):
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "model.py").write_text(model("'path'"))
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    assert published(load(twins("here", model=model("'here'")))) == [(0, "here", {})]


def test_a_stale_module_of_the_same_name_is_not_used(twins, tmp_path, monkeypatch):
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "model.py").write_text(model("'stale'"))
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    import model as stale

    assert published(load(twins("here", model=model("'here'")))) == [(0, "here", {})]
    load(twins("other", model=model("'other'")))
    load(twins("none", FILE.replace("model:", "third:"), third=model("'third'")))
    import model as again

    assert again is stale


def test_two_twins_of_one_process_do_not_mix(twins):
    helper = "from helper import WORD\n"
    one = twins("one", model=model("WORD", helper), helper="WORD = 'one'")
    two = twins("two", model=model("WORD", helper), helper="WORD = 'two'")
    first, second = load(one), load(two)
    assert published(first) == [(0, "one", {})]
    assert published(second) == [(0, "two", {})]
    assert published(load(one)) == [(0, "one", {})]


def test_what_a_model_imports_when_it_is_built_comes_from_its_own_folder(twins):
    late = "def build(env):\n    import helper\n    env.publish_event(helper.WORD, {})\n"
    first = load(twins("one", model=late, helper="WORD = 'one'"))
    second = load(twins("two", model=late, helper="WORD = 'two'"))
    assert [published(first), published(second)] == [[(0, "one", {})], [(0, "two", {})]]


def test_modules_of_a_folder_that_is_gone_are_gone_too(twins):
    helper = "from helper import WORD\n"
    first = twins("one", model=model("WORD", helper), helper="WORD = 'one'")
    load(first)
    shutil.rmtree(first.parent)
    assert published(load(twins("two", model=model("WORD", helper), helper="WORD = 'two'"))) == [(0, "two", {})]
    with pytest.raises(ValueError, match=r"the module 'model' needs 'helper', which is not installed"):
        load(twins("three", model=model("WORD", helper)))


def test_a_module_of_one_folder_is_not_found_from_another(twins):
    load(twins("one", model=model("'one'", "import helper"), helper=""))
    with pytest.raises(ValueError, match=r"the module 'model' needs 'helper', which is not installed"):
        load(twins("two", model=model("'two'", "import helper")))


def test_packages_beside_the_file_and_their_parts_do_not_mix(twins):
    text = FILE.replace("model:", "plant.line:")
    for name in ("one", "two"):
        parts = {"plant__line": model("WORD", "from plant.words import WORD"), "plant__words": f"WORD = {name!r}"}
        assert published(load(twins(name, text, **parts))) == [(0, name, {})]


def test_what_is_installed_stays_where_it_is(twins):
    before = {name: sys.modules[name] for name in ("json", "simpy", "dynamic_des")}
    for name in ("one", "two"):
        load(twins(name, model=model("'x'", "import json, simpy")))
    assert {name: sys.modules[name] for name in before} == before


def test_the_folder_of_the_last_twin_alone_is_on_the_path(twins):
    one, two = twins("one", model=model("'x'")), twins("two", model=model("'x'"))
    load(one)
    load(two)
    assert sys.path[0] == str(two.parent)
    assert str(one.parent) not in sys.path


def test_a_file_with_the_name_of_a_module_of_python_has_to_be_renamed(twins):
    with pytest.raises(ValueError, match=r"calendar is the name of a module of Python itself\. Rename the file"):
        load(twins("here", FILE.replace("model:", "calendar:"), calendar=model("'x'")))


def test_the_folder_is_where_the_user_sees_the_file(twins, tmp_path):
    file = twins("here", model=model("'here'"))
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "twin.toml").symlink_to(file)
    (linked / "model.py").write_text(model("'linked'"))
    assert published(load(linked / "twin.toml")) == [(0, "linked", {})]


def test_connectors_and_callables_are_looked_for_beside_the_file_too(twins):
    text = FILE.replace('"memory"', '"mine:Mine"')
    mine = "from dynamic_des import MemoryEgress\nclass Mine(MemoryEgress): NAME = {!r}\n"
    one = load(twins("one", text, model=model("'x'"), mine=mine.format("one")))
    two = load(twins("two", text, model=model("'x'"), mine=mine.format("two")))
    assert [twin.egresses["kept"].connector.NAME for twin in (one, two)] == ["one", "two"]


def test_a_model_may_be_in_the_script_that_loads_the_file(twins, monkeypatch):
    script = types.ModuleType("a_script")  # as __main__, it was not found by anybody
    script.build = lambda env: env.publish_event("script", {})
    monkeypatch.setitem(sys.modules, "a_script", script)
    assert published(load(twins("here", FILE.replace("model:", "a_script:")))) == [(0, "script", {})]
