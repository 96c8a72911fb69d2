"""README.md, croissant.json and manifest.json of a run's own folder, written at the end of each run."""

from __future__ import annotations

import orjson

from tilth.records.atomic import replacing
from tilth.records.folder import RunFolder
from tilth.report.card.card import Card, card
from tilth.report.card.human import blocks
from tilth.report.card.licences import licence_of
from tilth.report.contents import of_run
from tilth.report.croissant import croissant
from tilth.report.export.beside import CROISSANT
from tilth.report.export.checks import failed_gates
from tilth.report.export.plan import licences_in
from tilth.report.facts import Facts, facts
from tilth.report.manifest import README, manifest, write
from tilth.report.prompts import write_prompts


def describe(folder: RunFolder, found: Facts | None = None) -> Card | None:
    """Write card, Croissant, manifest and prompts of a run; what people wrote in the card stays. None where the run has no data yet."""
    from tilth.records.parts import parts

    kept = parts(folder.data, "part")
    if not kept:
        return None
    found = found or facts(folder)
    contents = of_run(folder)
    licence = licence_of(found.asked, found.inputs, licences_in(kept))
    made = card(found, contents, licence, failed=failed_gates(found), earlier=[folder.readme])
    with replacing(folder.readme) as file:
        file.write(made.text.encode("utf-8"))
    with replacing(folder.path / CROISSANT) as file:
        file.write(orjson.dumps(croissant(found, contents, licence, said=blocks(made.text)), None, orjson.OPT_INDENT_2) + b"\n")
    prompts = write_prompts(found.asked, folder.path)
    write(manifest(found, contents, [README, CROISSANT, *prompts], exported=False), folder.path)
    return made
