"""Who is to be cited: the papers of the methods that were used, as BibTeX (``assets/papers.bib``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources


def papers_of(methods: Sequence[str]) -> dict[str, str]:
    """Method to the arXiv id of its paper, for those that have one."""
    from tilth import catalog
    from tilth.errors import RequestError

    found: dict[str, str] = {}
    for name in methods:
        try:
            paper = catalog.find(name).paper
        except RequestError:  # a method of the user's own, or a stage of columns
            continue
        if paper:
            found[name] = paper
    return found


def bibtex(methods: Sequence[str]) -> list[str]:
    """One entry for each paper of the methods, in their order. A paper that is not in the file is cited by its number alone."""
    papers, known = papers_of(methods), entries()
    return [
        known.get(paper) or _number(paper, [name for name, one in papers.items() if one == paper])
        for paper in dict.fromkeys(papers.values())
    ]


def entries() -> dict[str, str]:
    """arXiv id, as it stands in a method's header, to the entry of its paper."""
    text = (resources.files("tilth") / "assets" / "papers.bib").read_text("utf-8")
    found = (entry.strip() for entry in re.split(r"^(?=@)", text, flags=re.MULTILINE)[1:])
    return {re.findall(r"eprint = \{(.+?)\}", entry)[0]: entry for entry in found}


def _number(arxiv: str, methods: Sequence[str]) -> str:
    title = f"Paper of the method {', '.join(methods)}"
    return f"@misc{{arxiv{arxiv},\n  title = {{{title}}},\n  eprint = {{{arxiv}}},\n  archivePrefix = {{arXiv}}\n}}"
