"""What must not be in the repository, and what must not be in the source."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from house.sources import ROOT, package, tracked

# Written in two parts, so that this file does not name what it forbids.
REGISTRY_HOSTS = (
    "pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "registry." + "yarnpkg", "deb." + "debian.org",
    "archive." + "ubuntu.com", "conda." + "anaconda.org", "proxy." + "golang.org", "static." + "crates.io", "index." + "crates.io",
)  # fmt: skip
MACHINE_PATHS = ("/wo" + "rk/", "/fa" + "rm/", "/ro" + "ot/")
DATA_ENDINGS = (
    ".gguf", ".safetensors", ".onnx", ".bin", ".pt", ".pth", ".npz", ".npy", ".parquet", ".arrow", ".db", ".sqlite",
    ".whl", ".gz", ".zip", ".zst", ".pkl", ".pickle",
)  # fmt: skip
GOLDEN = ("tests/engine/golden/",)
"""Journals of earlier versions, which must replay: written by our own tests, a few kilobytes each."""
BIGGEST_FILE = 512 * 1024
SHARED_MOST = 0.10


def _texts() -> list[tuple[str, str]]:
    return [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")) for path in tracked()]


def _lines_with(words: tuple[str, ...]) -> list[str]:
    return [
        f"{name}:{number}: {word}"
        for name, text in _texts()
        for number, line in enumerate(text.splitlines(), 1)
        for word in words
        if word in line
    ]


def test_no_file_names_a_registry_host() -> None:
    assert not _lines_with(REGISTRY_HOSTS)


def test_no_file_bears_a_path_of_this_machine() -> None:
    assert not _lines_with((*MACHINE_PATHS, *((str(ROOT) + "/",) if len(ROOT.parts) > 2 else ())))


def test_no_lock_file_data_set_or_weights_in_git() -> None:
    names = [str(path.relative_to(ROOT)) for path in tracked()]
    assert not [name for name in names if name.endswith((*DATA_ENDINGS, "uv.lock")) and not name.startswith(GOLDEN)]
    assert not [f"{path} ({path.stat().st_size} bytes)" for path in tracked() if path.stat().st_size > BIGGEST_FILE]


def test_requirements_pin_every_dependency_and_no_torch() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    pinned = {_plain(line.split("==")[0]) for line in text.splitlines() if line and not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: entries for name, entries in project["optional-dependencies"].items() if name != "train"}  # torch: the user's own build
    wanted = [*project["dependencies"], *(entry for entries in extras.values() for entry in entries)]
    names = {_plain(re.split(r"[\[<>=;! ]", entry)[0]) for entry in wanted} - {"tilth"}
    assert names <= pinned
    assert "torch" not in pinned
    assert not [line for line in text.splitlines() if line and not line.startswith("#") and "==" not in line]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def test_nothing_is_printed_outside_the_printer() -> None:
    calls = [
        source.at(node.lineno)
        for source in package()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not calls


BROAD = ("Exception", "BaseException")


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    if caught is None:
        return True
    several = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(one, ast.Name) and one.id in BROAD for one in several)


def _passes_it_on(handler: ast.ExceptHandler) -> bool:
    """Tidies up and raises the same exception again: nothing is swallowed."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _names_its_boundary(lines: tuple[str, ...], line: int) -> bool:
    nearby = (lines[line - 1], lines[line - 2] if line > 1 else "")
    return any("#" in text and "boundary" in text.split("#", 1)[1].lower() for text in nearby)


def test_broad_excepts_stand_only_at_named_boundaries() -> None:
    offenders = [
        f"{source.at(node.lineno)}: {source.lines[node.lineno - 1].strip()}"
        for source in package()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _passes_it_on(node)
        if not _names_its_boundary(source.lines, node.lineno)
    ]
    assert not offenders, "write `# boundary: WHICH ONE, WHY` on the same or the previous line\n" + "\n".join(offenders)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("try:", "except Exception:  # boundary: a user's function"), True),
        (("# the boundary of a row", "except Exception:"), True),
        (("boundary()", "except Exception:"), False),
    ],
)
def test_a_boundary_is_named_in_a_comment(lines: tuple[str, ...], named: bool) -> None:
    assert _names_its_boundary(lines, 2) is named


def test_modules_explain_themselves() -> None:
    silent = [source.at(1) for source in package() if source.tree.body and ast.get_docstring(source.tree) is None]
    assert not silent


def test_few_tests_need_the_shared_data(collected: tuple[int, int], request: pytest.FixtureRequest) -> None:
    if request.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        pytest.skip("measured only when the whole suite is collected")
    with_shared, everything = collected
    assert with_shared <= SHARED_MOST * everything


def test_shared_data_is_read_through_its_fixture() -> None:
    """So that a clone without it skips these tests with one reason, and their share can be counted."""
    own = {"tests/conftest.py", "tests/house/test_hygiene.py"}
    direct = re.compile(r"""["'/]\.\./shared|/ ["']shared["']""")
    found = [name for name, text in _texts() if name.startswith("tests/") and name.endswith(".py") and direct.search(text)]
    assert not set(found) - own
