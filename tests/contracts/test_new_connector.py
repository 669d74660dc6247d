"""`dynamic-des new connector`: what it makes, and what it refuses."""

import re
import tomllib

import pytest
from click.testing import CliRunner

from dynamic_des.cli import main


def make(*arguments):
    return CliRunner().invoke(main, ["new", "connector", *map(str, arguments)])


def files_in(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_it_makes_a_distribution_with_both_connectors(tmp_path):
    done = make("shop-floor", "--directory", tmp_path)
    target = tmp_path / "dynamic-des-shop-floor"
    assert done.exit_code == 0
    assert files_in(target) == [
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/dynamic_des_shop_floor/__init__.py",
        "src/dynamic_des_shop_floor/egress.py",
        "src/dynamic_des_shop_floor/ingress.py",
        "src/dynamic_des_shop_floor/py.typed",
        "tests/test_egress.py",
        "tests/test_ingress.py",
        "tests/test_plugin.py",
    ]
    assert done.output.splitlines() == [
        f"made {target}: 10 files. Next:",
        f"  cd {target}",
        '  pip install --editable ".[test]"',
        "  pytest",
    ]


def test_it_is_made_in_this_folder_when_none_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert make("shop").exit_code == 0
    assert (tmp_path / "dynamic-des-shop" / "pyproject.toml").exists()


@pytest.mark.parametrize(("kind", "other"), [("ingress", "egress"), ("egress", "ingress")])
def test_one_kind_alone_leaves_nothing_of_the_other(tmp_path, kind, other):
    assert make("shop", "--kind", kind, "--directory", tmp_path).exit_code == 0
    target = tmp_path / "dynamic-des-shop"
    assert (target / "src" / "dynamic_des_shop" / f"{kind}.py").exists()
    for file in files_in(target):
        assert other not in file
    init = (target / "src" / "dynamic_des_shop" / "__init__.py").read_text()
    assert other not in init
    assert f"return [Shop{kind.capitalize()}]" in init


def test_the_entry_point_is_the_type(tmp_path):
    make("shop-floor", "--directory", tmp_path)
    project = tomllib.loads((tmp_path / "dynamic-des-shop-floor" / "pyproject.toml").read_text())["project"]
    assert project["name"] == "dynamic-des-shop-floor"
    assert project["entry-points"]["dynamic_des"] == {"shop-floor": "dynamic_des_shop_floor"}


def test_the_tables_of_its_readme_are_toml(tmp_path):
    make("shop", "--directory", tmp_path)
    text = (tmp_path / "dynamic-des-shop" / "README.md").read_text()
    tables = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])
    assert tables == {
        "ingress": {"shop": {"type": "shop", "path": "shop.db"}},
        "egress": {"shop": {"type": "shop", "path": "shop.db"}},
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Shop Floor", "small letters, digits and single dashes, with a letter first. Take 'shop-floor'."),
        ("shop_floor", "Take 'shop-floor'."),
        ("9to5", "Take 'to5'."),
        ("-", "Take a name such as 'mqtt'."),
        ("", "'' is no name for a plugin"),
        ("工場", "Take a name such as 'mqtt'."),
        ("a.b", "Take 'a-b'."),
        ("../evil", "Take 'evil'."),
        ("dynamic-des-shop", "Take 'shop': the distribution is called dynamic-des-shop"),
        ("console", "'console' is a type of this framework. Take 'my-console'."),
        ("kafka", "'kafka' is a type of this framework. Take 'my-kafka'."),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_a_remedy(tmp_path, name, said):
    done = make("--directory", tmp_path, "--", name)
    assert done.exit_code == 2
    assert said in done.output
    assert files_in(tmp_path) == []


def test_a_type_that_is_installed_already_is_refused(tmp_path, monkeypatch):
    info = tmp_path / "site" / "acme_shop-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-shop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dynamic_des]\nshop = acme_shop\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    done = make("shop", "--directory", tmp_path)
    assert (done.exit_code, done.output) == (
        2, "new connector: acme-shop 1.0 has the type 'shop' already. Take another name.\n"
    )  # fmt: skip


def test_what_is_there_is_not_written_over(tmp_path):
    target = tmp_path / "dynamic-des-shop"
    target.mkdir()
    (target / "README.md").write_text("mine")
    done = make("shop", "--directory", tmp_path)
    assert (done.exit_code, done.output) == (
        2, f"{target}: is there already. Take another name, or give another --directory.\n"
    )  # fmt: skip
    assert files_in(target) == ["README.md"]
    assert (target / "README.md").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "dynamic-des-shop").mkdir()
    assert make("shop", "--directory", tmp_path).exit_code == 0


def test_a_directory_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    done = make("shop", "--directory", tmp_path / "file" / "inner")
    assert done.exit_code == 2
    assert "cannot be written: Not a directory. Give another --directory." in done.output


def test_an_unknown_kind_is_refused(tmp_path):
    done = make("shop", "--kind", "sideways", "--directory", tmp_path)
    assert done.exit_code == 2
    assert "'sideways' is not one of 'ingress', 'egress', 'both'" in done.output
