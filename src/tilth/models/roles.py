"""A model in a role: the model with the defaults that the user set for it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tilth.errors import RequestError
from tilth.models.base import SAYABLE, Capabilities, Model, Price
from tilth.models.spec import open_model


@dataclass(frozen=True, slots=True, eq=False)
class RoleModel:
    """A model and how its role uses it. None means: not set here.

    temperature, top_p, max_tokens, stop, seed: defaults of requests. extra: provider's own parameters.
    rpm, tpm: requests and tokens per minute. concurrency: requests at once at first.
    batch: ask through the provider's batch API. own_price: wins over the model's. said: what the user says that it can or cannot do.
    """

    model: Model
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    rpm: float | None = None
    tpm: float | None = None
    own_concurrency: int | None = None
    batch: bool = False
    own_price: Price | None = None
    said: Mapping[str, bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the user wrote."""
        return self.model.name

    @property
    def identity(self) -> str:
        """Part of every call key."""
        return self.model.identity

    @property
    def endpoint(self) -> str:
        """What shares one limiter."""
        return self.model.endpoint

    @property
    def can(self) -> Capabilities:
        """What the model can do."""
        return replace(self.model.can, **self.said) if self.said else self.model.can

    @property
    def guessed(self) -> bool:
        """Whether nobody said that it continues bare prompts: a server of one's own is taken to offer it, whatever its model is for."""
        return "completion" not in self.said and getattr(self.model, "guessed", False)

    @property
    def concurrency(self) -> int | None:
        """Requests worth sending at once at first; None: the limiter finds out."""
        return self.own_concurrency or self.model.concurrency

    @property
    def ceiling(self) -> int | None:
        """Never more requests than this at once; None: no bound."""
        return self.model.ceiling

    @property
    def price(self) -> Price | None:
        """None when unknown."""
        return self.own_price or self.model.price


def open_role(
    spec: str | Mapping[str, Any] | Model | RoleModel, *, role: str = "generator", env: Mapping[str, str] | None = None
) -> RoleModel:
    """A role's model from a spec string, a model, or the mapping form of a flow.

    The mapping's keys: model (a spec, required), temperature (>= 0), top_p (0 to 1], max_tokens, stop, seed, concurrency,
    rpm, tpm (each > 0), timeout (seconds), batch (true or false), price ({in, out, cached} in USD per 1M tokens),
    can ({capability: true or false}, see `SAYABLE`), extra.

    Raises
    ------
    RequestError: an unknown key, a wrong type, or whatever :func:`tilth.models.spec.open_model` finds.
    """
    if isinstance(spec, RoleModel):
        return spec
    if not isinstance(spec, Mapping):
        return RoleModel(open_model(spec, role=role, env=env))
    settings = checked(spec, role)
    price: Price | None = settings["price"]
    said: Mapping[str, bool] = settings.get("can") or {}
    server = {"timeout": settings.get("timeout"), "price": price, "concurrency": settings.get("concurrency"), "can": said}
    return RoleModel(
        open_model(settings["model"], role=role, env=env, **server),
        temperature=settings.get("temperature"),
        top_p=settings.get("top_p"),
        max_tokens=settings.get("max_tokens"),
        stop=_stop(settings.get("stop")),
        seed=settings.get("seed"),
        extra=settings.get("extra") or {},
        rpm=settings.get("rpm"),
        tpm=settings.get("tpm"),
        own_concurrency=settings.get("concurrency"),
        batch=settings.get("batch") or False,
        own_price=price,
        said=said,
    )


def _number(low: float, high: float = float("inf"), *, whole: bool = False, open_low: bool = False) -> tuple[Any, str]:
    def fits(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return False
        return (low < value if open_low else low <= value) and value <= high

    bounds = f"above {low:g}" if open_low else f"of at least {low:g}"
    return fits, f"a {'whole ' if whole else ''}number {bounds}" + (f" and at most {high:g}" if high != float("inf") else "")


def _is_model(value: Any) -> bool:
    return bool(value) if isinstance(value, str) else isinstance(value, Model)


def _is_stop(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Sequence) and all(isinstance(each, str) for each in value))


def _is_said(value: Any) -> bool:
    return isinstance(value, Mapping) and all(name in SAYABLE and isinstance(yes, bool) for name, yes in value.items())


_KEYS: Mapping[str, tuple[Any, str]] = {
    "model": (_is_model, "a spec such as openai/gpt-4.1-mini"),
    "temperature": _number(0),
    "top_p": _number(0, 1, open_low=True),
    "max_tokens": _number(1, whole=True),
    "stop": (_is_stop, "text or a list of texts"),
    "seed": _number(0, whole=True),
    "concurrency": _number(1, whole=True),
    "rpm": _number(0, open_low=True),
    "tpm": _number(0, open_low=True),
    "timeout": _number(0, open_low=True),
    "batch": (lambda value: isinstance(value, bool), "true or false"),
    "price": (lambda value: isinstance(value, Mapping), "a mapping such as {in: 0.4, out: 1.6}"),
    "can": (_is_said, f"a mapping such as {{completion: false}}, of {', '.join(SAYABLE)}"),
    "extra": (lambda value: isinstance(value, Mapping), "a mapping"),
}


def checked(given: Mapping[str, Any], role: str) -> dict[str, Any]:
    """The mapping form of a model with every value checked, and its price as a :class:`Price`. Raises RequestError."""
    for name, value in given.items():
        if name not in _KEYS:
            raise _unknown_key(str(name), tuple(_KEYS), role)
        fits, wanted = _KEYS[name]
        if value is not None and not fits(value):
            raise RequestError(f"role '{role}': '{name}' must be {wanted}, not {_shown(value)}.", code="model.setting")
    if given.get("model") is None:
        raise RequestError(f"role '{role}': 'model' is missing. Name one, such as {{model: openai/gpt-4.1-mini}}.", code="model.setting")
    return {**given, "price": _price(given.get("price"), role)}


def _price(given: Mapping[str, Any] | None, role: str) -> Price | None:
    if given is None:
        return None
    for name, value in given.items():
        if name not in ("in", "out", "cached"):
            raise _unknown_key(str(name), ("in", "out", "cached"), role)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise RequestError(
                f"role '{role}': 'price.{name}' must be US dollars per 1M tokens, not {_shown(value)}.", code="model.setting"
            )
    if "in" not in given or "out" not in given:
        raise RequestError(f"role '{role}': 'price' needs both in and out, in US dollars per 1M tokens.", code="model.setting")
    return Price(float(given["in"]), float(given["out"]), None if given.get("cached") is None else float(given["cached"]))


def _stop(given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(given)


def _unknown_key(name: str, known: Sequence[str], role: str) -> RequestError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}."
    return RequestError(f"role '{role}': '{name}' is not a key here. {hint}", code="model.unknown_key")


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
