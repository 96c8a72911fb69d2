"""A first flow over documents: a question and an answer for each passage, the answer held against the passage."""

from __future__ import annotations

import os
from pathlib import Path

KINDS = {"instruction": ("instruction", "output"), "qa": ("question", "answer")}
"""Kinds of data that can be drafted from documents, with the columns of question and answer."""

_STAGE = """\
generate:
  rows: {rows}
  columns:
    passage: {{from: passages, keep: false}}      # each passage once before any twice
    {asks}:
      prompt: |
        {{{{ task.about }}}}
        Write one question that this passage answers. Do not mention the passage. Reply with the question only.

        {{{{ passage }}}}
    {says}:
      prompt: |
        Answer only from this passage. If it does not hold the answer, say so in one sentence.

        {{{{ passage }}}}

        Question: {{{{ {asks} }}}}
      temperature: 0.3
    grounded: {{verify: grounding, using: {{claim: {says}, source: passage}}}}
    helpful:
      judge: Does the text '{says}' answer the question '{asks}'?
      when: grounded

curate:                                  # in this order; nothing is thrown away without a reason on file
  - refusals
  - drop_if: not grounded
  - drop_if: helpful < 4
  - dedupe: {{near: 0.8, on: {asks}}}

# evaluate:                              # add real questions as data.holdout first: nothing else shows them to a model
#   metrics: [near_duplicates, distinct_n]
#   gates: {{near_duplicates: {{at_most: 0.05}}}}
"""


def pattern(source: str | Path) -> str | None:
    """The Markdown files that `source` means, a folder of them or a name that ends in ``.md``; None where it means no documents.

    >>> pattern("manual/*.md"), pattern("tasks.jsonl")
    ('manual/*.md', None)
    """
    path = Path(source)
    if path.is_dir():
        return (path / "**" / "*.md").as_posix() if next(path.glob("**/*.md"), None) is not None else None
    return path.as_posix() if path.suffix.lower() == ".md" else None


def drafted(files: str, kind: str, rows: int, folder: Path) -> list[str]:
    """The data, generation and curation of the flow, as lines; `files` are written relative to `folder`.

    Raises
    ------
    RequestError: the files cannot be read.
    """
    from tilth.flows.grammar import DataSpec
    from tilth.flows.inputs import open_data

    spec = DataSpec.model_validate({"read": files, "split": {"by": "heading", "max_tokens": 800, "overlap": 80}})
    passages = len(open_data("passages", spec, Path()))
    asks, says = KINDS[kind]
    return [
        "data:",
        f"  passages:                              # {passages:,} passages as they are cut now",
        f"    read: {Path(os.path.relpath(files, folder)).as_posix()}",
        "    split: {by: heading, max_tokens: 800, overlap: 80}",
        "    # licence: proprietary               # said on the card; 'restricted' and 'proprietary' bind the exports",
        "",
        *_STAGE.format(rows=rows, asks=asks, says=says).rstrip("\n").split("\n"),
    ]
