"""Do the models exist as far as a name tells, and can they do what is asked of their role? No key is looked up, nothing is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tilth.errors import RequestError, TilthError
from tilth.flows import grammar
from tilth.flows.load import Where
from tilth.flows.validate import Problems
from tilth.models.base import Capabilities

SAYS = {"completion": "raw completion", "chat": "chat", "logprobs": "log-probabilities", "score": "scores of given texts"}
"""Capabilities in words."""

LOCAL = Capabilities(chat=True, completion=True, prefill=True, logprobs=True, score=True, seed=True, schema=True, deterministic=True)
"""What the embedded model can do, known without loading its engine."""


def check_models(spec: grammar.FlowSpec, problems: Problems) -> None:
    """Every spec names a provider, and the models of every role can do what the stage's method or columns need."""
    for role, models in spec.models.items():
        for index, model in enumerate(models):
            _named(role, model, ("models", role, index, "model"), problems)
    for number, stage in enumerate(spec.generate):
        for role, models in stage.models.items():
            for index, model in enumerate(models):
                _named(role, model, ("generate", number, "models", role, index, "model"), problems)
        for role, needed in _needs(stage).items():
            for path, model in _of_role(spec, number, role):
                if path[-2] not in problems.objects:
                    _able(stage, model, needed, path, problems)


def _named(role: str, model: grammar.ModelSpec, path: Where, problems: Problems) -> None:
    from tilth.flows.check import expanded
    from tilth.models.spec import parse_spec

    if model.batch:  # no provider's batch service is there yet; asking one by one instead would cost twice as much
        problems.wait((*path[:-1], "batch"), "batch", key=True)
    text = expanded(path, model.model, problems)
    if text is None or role in problems.objects or (problems.source.folder / "run.json").exists():
        return  # the flow of a run names models that were given as objects, too
    try:
        parse_spec(text, role=role)
    except RequestError as error:
        problems.add(path, error.what, code=error.code)


def _needs(stage: grammar.Stage) -> Mapping[str, tuple[str, ...]]:
    from tilth.flows.methods import find
    from tilth.flows.outputs import needs

    if stage.method is None:
        return needs(stage.columns)
    try:
        return find(stage.method).needs
    except TilthError:
        return {}


def _of_role(spec: grammar.FlowSpec, number: int, role: str) -> Iterator[tuple[Where, grammar.ModelSpec]]:
    """The models that answer for a role, and where they stand."""
    stage = spec.generate[number]
    for name in (role, "generator"):
        for models, at in ((stage.models, ("generate", number, "models")), (spec.models, ("models",))):
            if name in models:
                yield from (((*at, name, index), model) for index, model in enumerate(models[name]))
                return


def _able(stage: grammar.Stage, model: grammar.ModelSpec, needed: tuple[str, ...], path: Where, problems: Problems) -> None:
    try:
        can = replace(_can(model.model), **model.can)
    except TilthError:
        return  # reported already
    lacking = next((one for one in needed if not getattr(can, one, False)), None)
    if lacking is None:
        return
    only = "only chats" if lacking in {"completion", "prefill", "score"} and can.chat else f"cannot do {lacking}"
    what = f"{stage.method or 'this stage'} needs a model with {SAYS.get(lacking, lacking)}; {model.model} {only}."
    problems.add((*path, "model"), f"{what} See: tilth models list --can {lacking}", code="model.cannot")


def _can(text: str) -> Capabilities:
    from tilth.flows.environment import expand
    from tilth.models.providers import PROVIDERS, provider_of
    from tilth.models.spec import parse_spec

    spec = parse_spec(expand(text))
    if spec.provider == "local":
        return LOCAL
    if spec.url is not None:  # what a server of one's own can do is known when it is opened
        return Capabilities(**dict.fromkeys(Capabilities.__dataclass_fields__, True))
    return provider_of(spec.provider, spec.model).can if spec.provider in PROVIDERS else Capabilities()
