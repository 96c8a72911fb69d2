"""What stands beside the data: flow and prompts, settings of annotation tools, card, Croissant, and the manifest over all of it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.report.card.card import card
from tilth.report.card.human import blocks
from tilth.report.contents import Contents
from tilth.report.croissant import croissant
from tilth.report.export import checks, tools
from tilth.report.manifest import README, manifest, write
from tilth.report.prompts import write_prompts

if TYPE_CHECKING:
    from tilth.report.export.plan import Plan
    from tilth.report.facts import Facts

CROISSANT = "croissant.json"


def companions(plan: Plan, contents: Contents, target: Path) -> list[str]:
    """Write them into the folder of the contents; returns their names. target: where it will be; people may have filled a card there."""
    folder, facts = contents.folder, plan.facts
    names = _recipe(facts, folder) if plan.form.name == "hub" else []
    names += _settings(plan, contents)
    earlier = [facts.folder.readme, target / README]
    made = card(facts, contents, plan.licence, failed=checks.failed_gates(facts), earlier=earlier)
    (folder / README).write_text(made.text, encoding="utf-8")
    names.append(README)
    if contents.tabular:
        document = croissant(facts, contents, plan.licence, said=blocks(made.text))
        (folder / CROISSANT).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        names.append(CROISSANT)
    write(manifest(facts, contents, names, exported=True), folder)
    return [*names, "manifest.json"]


def _recipe(facts: Facts, folder: Path) -> list[str]:
    """The flow, its prompts and its codebook: what it takes to run it again."""
    names = write_prompts(facts.asked, folder)
    if facts.folder.flow.exists():
        (folder / "flow.yaml").write_text(portable_flow(facts.folder.flow), encoding="utf-8")
        names.append("flow.yaml")
    codebook = facts.task.get("codebook")
    source = facts.folder.path / str(codebook)
    if codebook and source.is_file():
        (folder / "codebook.md").write_bytes(source.read_bytes())
        names.append("codebook.md")
    return names


def portable_flow(path: Path) -> str:
    """The flow without the folders of this machine (inputs and codebook by their names alone), and no key in an address."""
    import yaml

    from tilth.flows.flow import dump
    from tilth.flows.load import FlowLoader

    flow: dict[str, Any] = yaml.load(path.read_text("utf-8"), FlowLoader)
    for name, one in (flow.get("data") or {}).items():
        spec = dict(one) if isinstance(one, dict) else {"read": one}
        if "://" not in str(spec.get("read")) and not str(spec.get("read")).startswith("hf:"):
            spec["read"] = Path(str(spec["read"])).name
        flow["data"][name] = spec if isinstance(one, dict) else spec["read"]
    task = flow.get("task")
    if isinstance(task, dict) and task.get("codebook"):
        task["codebook"] = Path(str(task["codebook"])).name
    return re.sub(r"(https?://)[^/@\s]+@", r"\1", dump(flow))


def _settings(plan: Plan, contents: Contents) -> list[str]:
    """What an annotation tool wants to know of the records."""
    facts, folder = plan.facts, contents.folder
    labels = list(facts.task.get("labels") or {})
    if plan.form.name == "label_studio":
        (folder / "label_config.xml").write_text(tools.label_studio_config(plan.source.columns, labels), encoding="utf-8")
        return ["label_config.xml"]
    if plan.form.name != "argilla":
        return []
    settings = tools.argilla_settings(plan.source.columns, labels, str(facts.task.get("about") or ""))
    identity = hashlib.sha256(facts.name.encode()).hexdigest()
    own = f"{identity[:8]}-{identity[8:12]}-{identity[12:16]}-{identity[16:20]}-{identity[20:32]}"
    names = []
    for place in sorted({Path(path).parent for part in contents.parts for path in part.files}):
        for name, document in (("settings.json", settings), ("dataset.json", {"id": own, "name": facts.name, "status": "draft"})):
            path = folder / place / name
            path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            names.append(path.relative_to(folder).as_posix())
    return names
