"""Where a setting comes from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth import config
from tilth.errors import RequestError


def test_precedence(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text('runs = "from-file"\nbudget = 2\n[models]\njudge = "openai/gpt-4.1-mini"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = config.load(inner, {"TILTH_RUNS": "from-environment"})
    assert found.get("runs", "typed") == config.Setting("typed", "command line")
    assert found.get("runs") == config.Setting("from-environment", "TILTH_RUNS")
    assert config.load(inner, {}).get("runs", flow="from-flow") == config.Setting("from-file", "tilth.toml")
    assert found.get("budget", flow=3.0) == config.Setting(2.0, "tilth.toml")
    assert found.get("concurrency", flow=4) == config.Setting(4, "flow")
    assert found.get("concurrency") == config.Setting(None, "default")
    assert found.models() == {"judge": "openai/gpt-4.1-mini"}


def test_pyproject_counts_only_with_its_table(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text('color = "never"\n')
    inner = tmp_path / "project"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert config.load(inner, {}).get("color").value == "never"
    (inner / "pyproject.toml").write_text('[tool.tilth]\ncolor = "always"\n')
    assert config.load(inner, {}).get("color") == config.Setting("always", "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rnus = 'x'\n", "'rnus' is no setting. Did you mean 'runs'?"),
        ("runs = \n", "not TOML"),
        ("budget = 'much'\n", "'budget' must be a number, not \"much\" (from tilth.toml)."),
        ("color = 'pink'\n", "'color' must be one of auto, always, never, not \"pink\" (from tilth.toml)."),
    ],
)
def test_wrong_settings_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(text)
    with pytest.raises(RequestError) as caught:
        found = config.load(tmp_path, {})
        for name in config.KNOWN:
            found.get(name)
    assert message in str(caught.value)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(RequestError, match=r"'quiet' must be a whole number, not .very. \(from TILTH_QUIET\)\."):
        config.Config({"TILTH_QUIET": "very"}).get("quiet")
