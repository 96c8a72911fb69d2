"""Instruction writing of ToolBench: sets of APIs, seed examples, and what a reply says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from tilth.errors import Failure
from tilth.generate.tools import Api
from tilth.models.base import Reply
from tilth.prompts import parsers


class ApiSet(NamedTuple):
    """What one call writes queries for. split: single, category or collection."""

    split: str
    apis: tuple[Api, ...]


class Query(NamedTuple):
    """A query with the APIs of its set, and the names of those that it needs."""

    text: str
    relevant: tuple[str, ...]
    given: ApiSet

    @property
    def seed_ids(self) -> list[str]:
        """Of the documents that it was written for."""
        return [api.id for api in self.given.apis]


SINGLE = (
    {"query": "I am cooking for six on Saturday and two of them are vegan. Find a main dish under 45 minutes, and its shopping list.",
     "apis": ["search_for_recipe_box", "shopping_list_for_recipe_box"]},
    {"query": "Has parcel 4471-KD moved since yesterday? If it is at the depot, tell me until when I can fetch it there.",
     "apis": ["status_for_parcel_track", "depot_hours_for_parcel_track"]},
    {"query": "My daughter starts judo. Which clubs in Utrecht take children of 7, and what does the first month cost at the nearest one?",
     "apis": ["clubs_for_sport_finder", "prices_for_sport_finder"]},
)  # fmt: skip
"""Seed examples where data 'examples' gives none: one tool."""

MULTI = (
    {"query": "We fly to Porto on 3 May for four nights. Find a hotel near the river under 120 euros, what will the weather be like? "
              "And list two concerts in these days.",
     "apis": ["hotels_for_stay_search", "forecast_for_sky_report", "events_for_city_nights"]},
    {"query": "I lent a friend 250 Swiss francs in January. What is that in euros today, and can you write me a polite reminder in French?",
     "apis": ["convert_for_money_rates", "translate_for_lingua"]},
    {"query": "For my class on volcanoes: the latest quake near Etna, a short article about how it was felt, and a picture I may use.",
     "apis": ["latest_for_quake_feed", "search_for_news_wire", "free_images_for_photo_box"]},
)  # fmt: skip
"""The same for several tools."""


def api_sets(apis: Sequence[Api], splits: Sequence[str], sets: int, most: tuple[int, int, int], rng: Random) -> Iterator[ApiSet]:
    """Sets in turn from each split until all have ended, none twice: each tool once for ``single``, `sets` draws for the others.

    most: (fewest tools, most tools, APIs of a tool at most) of a set of several tools.
    """
    made = {split: _single(apis, rng) if split == "single" else _several(apis, split, sets, most, rng) for split in splits}
    seen: set[tuple[str, ...]] = set()
    while made:
        for split in list(made):
            if (found := next(made[split], None)) is None:
                del made[split]
            elif (names := tuple(sorted(api.name for api in found.apis))) not in seen:
                seen.add(names)
                yield found


def _single(apis: Sequence[Api], rng: Random) -> Iterator[ApiSet]:
    tools = list(_by(apis, lambda api: api.tool).values())
    rng.shuffle(tools)
    for tool in tools:
        yield ApiSet("single", tuple(tool))


def _several(apis: Sequence[Api], split: str, sets: int, most: tuple[int, int, int], rng: Random) -> Iterator[ApiSet]:
    """A category or collection uniformly, then tools of it, then APIs of each tool."""
    fewest, largest, each = most
    groups = [_by(members, lambda api: api.tool) for name, members in _by(apis, lambda api: str(getattr(api, split))).items() if name]
    groups = [tools for tools in groups if len(tools) >= fewest]
    for _ in range(sets if groups else 0):
        tools = rng.choice(groups)
        drawn = rng.sample(sorted(tools), rng.randint(fewest, min(largest, len(tools))))
        chosen = [api for tool in drawn for api in sorted(rng.sample(tools[tool], min(each, len(tools[tool]))), key=lambda api: api.name)]
        yield ApiSet(split, tuple(chosen))


def _by(apis: Sequence[Api], key: Callable[[Api], str]) -> dict[str, list[Api]]:
    groups: dict[str, list[Api]] = {}
    for api in apis:
        groups.setdefault(key(api), []).append(api)
    return groups


def read_queries(reply: Reply) -> list[tuple[str, list[str]]]:
    """(query, names of APIs) of a reply in JSON; an item without a query is left out."""
    value = parsers.json()(reply)
    items = value.get("queries") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise Failure("not_queries", "The reply must be a JSON list of objects with 'query' and 'apis'.", raw=reply.text)
    found = [(_text(item.get("query")), _names(item.get("apis"))) for item in items if isinstance(item, dict)]
    if not any(query for query, _ in found):
        raise Failure("not_queries", "No object of the list has a 'query'.", raw=reply.text)
    return [(query, names) for query, names in found if query]


def unfit(query: Query) -> str:
    """Why a query is dropped, or an empty text."""
    known = {api.name for api in query.given.apis}
    if not query.relevant:
        return "no_api"
    if set(query.relevant) - known:
        return "unknown_api"
    return "names_api" if any(name in query.text for name in known) else ""


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _names(value: Any) -> list[str]:
    return list(dict.fromkeys(str(name) for name in value)) if isinstance(value, list) else []
