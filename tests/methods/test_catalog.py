"""Methods are found from their headers: all of them, exactly as their classes say, without importing any."""

import subprocess
import sys
from pathlib import Path
from types import GenericAlias

import pytest

from tilth import catalog
from tilth.engine.method import Method
from tilth.errors import RequestError
from tilth.prompts.template import Template

FILES = sorted(path for path in (Path(catalog.__file__).parent / "methods").rglob("*.py") if not path.name.startswith("_"))
NAMES = sorted(catalog.methods())


def as_source(value):
    """A header's value as the catalogue holds it: types by name."""
    if isinstance(value, dict):
        return {name: as_source(one) for name, one in value.items()}
    if isinstance(value, GenericAlias):
        return str(value)
    return value.__name__ if isinstance(value, type) else value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_holds_a_method_that_bears_its_name(path):
    assert catalog.find(path.stem).name == path.stem.replace("_", "-")


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_what_the_class_says(name):
    entry, cls = catalog.methods()[name], catalog.find(name).load()
    assert issubclass(cls, Method)
    for field in ("name", "paper", "family", "inputs", "roles", "needs"):
        assert getattr(entry, field) == getattr(cls, field), field
    assert entry.columns == as_source(cls.columns)
    assert entry.summary == cls.__doc__.strip().split("\n")[0] and entry.summary.endswith(".")
    assert (entry.module, entry.cls) == (cls.__module__, cls.__name__)
    assert entry.family == cls.__module__.split(".")[2] and entry.paper and entry.columns


@pytest.mark.parametrize("name", NAMES)
def test_prompts_are_templates_and_parameters_have_a_meaning(name):
    cls = catalog.find(name).load()
    for source in cls.prompts.values():
        Template(source)
    plain = {"rows", "prompts", "temperature", "top_p", "max_tokens"}
    assert [field for field, info in cls.model_fields.items() if not info.description and field not in plain] == []
    assert cls().model_dump(mode="json") is not None, "every parameter has a default"


def test_underscore_counts_as_hyphen():
    assert catalog.find("zerogen_nli") == catalog.find("zerogen-nli")


def test_a_wrong_name_gets_the_nearest_one():
    with pytest.raises(RequestError) as caught:
        catalog.find("atrprompt")
    assert str(caught.value) == "no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods"
    assert caught.value.code == "method.unknown"


@pytest.mark.parametrize("name", ["quite something else", "", "_helpful", "../errors", "*"])
def test_a_name_like_none_gets_the_list(name):
    with pytest.raises(RequestError, match="There is: .*attrprompt, "):
        catalog.find(name)


def test_listing_imports_no_method_and_finding_imports_one():
    code = (
        "import sys\nfrom tilth import catalog\n"
        "mine = lambda: sorted(name for name in sys.modules if name.startswith('tilth.methods.'))\n"
        "catalog.methods()\nassert mine() == [], mine()\n"
        "catalog.find('attrprompt').load()\nassert not [name for name in mine() if 'zerogen' in name], mine()\n"
        "assert 'pyarrow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
