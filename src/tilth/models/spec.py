"""From a spec string to a model: ``local``, ``openai/gpt-4.1-mini``, ``openai/NAME@http://host:port/v1``."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from tilth.errors import RequestError
from tilth.models.base import Capabilities, Embedder, Model, Price
from tilth.models.keys import split_address
from tilth.models.prices import price_of
from tilth.models.providers import NAMES, PROVIDERS, Provider, provider_of

if TYPE_CHECKING:
    from tilth.models.openai_api import OpenAIEmbedder, OpenAIModel

LOCAL_MODEL = "smollm2-135m"
LOCAL_EMBEDDER = "minilm"
HASHED_EMBEDDER = "hashed-tfidf"


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec string taken apart. url: None is the provider's own address. options: what follows ``?`` (local only)."""

    provider: str
    model: str
    url: str | None = None
    options: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Provider and name: no address, no option."""
        return f"{self.provider}/{self.model}"

    def __str__(self) -> str:
        # never the user part nor the query of an address
        address = f"@{split_address(self.url)[0]}" if self.url else ""
        return f"{self.identity}{address}" + "".join(f"?{option}" for option in self.options)

    def __repr__(self) -> str:
        return f"Spec({str(self)!r})"


def parse_spec(text: str, *, role: str = "generator") -> Spec:
    """Take a spec string apart.

    >>> parse_spec("openai/meta/llama-3@http://localhost:8000/v1").model
    'meta/llama-3'
    >>> parse_spec("local?fast").options
    ('fast',)

    Raises
    ------
    RequestError: no such provider, no model named, or no address after ``@``.
    """
    bare, found, address = text.strip().partition("@http")
    url = "http" + address if found else None
    provider, _, model = bare.partition("/")
    if provider.partition("?")[0] == "local":
        return _local(bare, url, role)
    if provider not in PROVIDERS:
        raise _unknown(provider, bare, role)
    if url is not None and not split_address(url)[0].startswith(("http://", "https://")):
        raise RequestError(f"role '{role}': '@' must be followed by an address such as @http://localhost:8000/v1.", code="model.address")
    if not model or model.startswith("/") or model != model.strip():
        raise RequestError(f"role '{role}': '{bare}' names no model. Write it as {provider}/NAME.", code="model.spec")
    return Spec(provider, model, url)


def open_model(
    spec: str | Mapping[str, Any] | Model, *, role: str = "generator", env: Mapping[str, str] | None = None, **settings: Any
) -> Model:
    """The model that a spec names.

    Parameters
    ----------
    spec: a spec string, its mapping form (see :func:`tilth.models.roles.open_role`), or a model, which is returned as it is.
    role: for error lines. env: where keys are looked up; None: the environment of this process.
    settings: for servers: timeout (seconds), price (:class:`Price`), concurrency, ceiling, can (capability to bool).

    Raises
    ------
    RequestError: unknown provider, missing key, wrong address.
    """
    if isinstance(spec, Mapping):
        from tilth.models.roles import open_role

        return open_role(spec, role=role, env=env).model
    if not isinstance(spec, str):
        return spec
    parsed = parse_spec(spec, role=role)
    if parsed.provider == "local":
        if parsed.model in (LOCAL_EMBEDDER, HASHED_EMBEDDER):
            raise RequestError(f"role '{role}': local/{parsed.model} makes vectors, not texts. Write: local", code="model.spec")
        from tilth.models.local import LocalModel

        return cast(Model, LocalModel(name=parsed.model, fast="fast" in parsed.options))
    return _open_server(parsed, role, os.environ if env is None else env, settings)


def open_embedder(spec: str | Mapping[str, Any] | Embedder, *, role: str = "embedder", env: Mapping[str, str] | None = None) -> Embedder:
    """The embedder that a spec names. Raises like :func:`open_model`.

    ``local`` is ``local/minilm``; ``local/minilm?fast`` is faster and not reproducible; ``local/hashed-tfidf`` needs no weights.
    Of the mapping form, `model`, `timeout`, `price` and ``extra: {dimensions: N}`` are used.
    """
    settings: Mapping[str, Any] = {}
    if isinstance(spec, Mapping):
        from tilth.models.roles import checked

        settings = checked(spec, role)
        spec = cast("str | Embedder", settings["model"])
    if not isinstance(spec, str):
        return spec
    short, _, options = spec.strip().partition("?")
    parsed = parse_spec(f"local/{LOCAL_EMBEDDER}" + (f"?{options}" if options else "") if short == "local" else spec, role=role)
    if parsed.provider == "local":
        return _local_embedder(parsed)
    from tilth.models.openai_api import TIMEOUT, OpenAIEmbedder

    where = os.environ if env is None else env
    provider, key_env = _provider_and_key(parsed, role, where)
    made: OpenAIEmbedder = OpenAIEmbedder(
        str(parsed),
        base_url=parsed.url or provider.base_url,
        model=parsed.model,
        key_env=key_env,
        identity=parsed.identity,
        timeout=settings.get("timeout") or TIMEOUT,
        price=settings.get("price") or (None if parsed.url and not provider.free else price_of(parsed.identity)),
        dimensions=(settings.get("extra") or {}).get("dimensions"),
        role=role,
        env=where,
    )
    return made


def default_embedder() -> Embedder:
    """What stands in a role ``embedder`` that nobody set: ``local/minilm`` where its weights and extra are here, else hashed TF-IDF."""
    from importlib.util import find_spec

    from tilth.models.local.weights import is_pulled

    able = is_pulled(LOCAL_EMBEDDER) and find_spec("openvino") is not None and find_spec("tokenizers") is not None
    return open_embedder(f"local/{LOCAL_EMBEDDER if able else HASHED_EMBEDDER}")


def _local_embedder(parsed: Spec) -> Embedder:
    if parsed.model == HASHED_EMBEDDER:
        from tilth.models.hashed import HashedTfidf

        return HashedTfidf()
    from tilth.models.local.embedder import LocalEmbedder

    return LocalEmbedder(name=parsed.model, fast="fast" in parsed.options)


def _open_server(parsed: Spec, role: str, env: Mapping[str, str], settings: Mapping[str, Any]) -> OpenAIModel:
    from tilth.models.openai_api import COMPATIBLE, TIMEOUT, OpenAIModel

    provider, key_env = _provider_and_key(parsed, role, env)
    can: Capabilities = COMPATIBLE if parsed.provider == "openai" and parsed.url else provider.can
    can = replace(can, **(settings.get("can") or {}))
    price: Price | None = settings.get("price")
    if price is None and (parsed.url is None or provider.free):
        price = price_of(parsed.identity)
    return OpenAIModel(
        str(parsed),
        base_url=parsed.url or provider.base_url,
        model=parsed.model,
        key_env=key_env,
        identity=parsed.identity,
        timeout=settings.get("timeout") or TIMEOUT,
        role=role,
        env=env,
        can=can,
        guessed=bool(parsed.url or provider.free),
        dialect=provider.dialect,
        price=price,
        concurrency=settings.get("concurrency") or provider.concurrency,
        ceiling=settings.get("ceiling"),
    )


def _provider_and_key(parsed: Spec, role: str, env: Mapping[str, str]) -> tuple[Provider, str | None]:
    if parsed.url is not None:  # a server of one's own: what a model's name means at the provider does not hold there
        provider = PROVIDERS[parsed.provider]
        return provider, provider.key_env or f"{parsed.provider.upper()}_API_KEY"
    provider = provider_of(parsed.provider, parsed.model)
    if provider.key_env and not (env.get(provider.key_env) or "").strip():
        raise RequestError(
            f"{provider.key_env} is not set, and role '{role}' uses {parsed.identity}. Set it, or try without: -m {role}=local",
            code="model.key_missing",
        )
    return provider, provider.key_env or f"{parsed.provider.upper()}_API_KEY"


def _local(bare: str, url: str | None, role: str) -> Spec:
    path, *options = bare.split("?")
    model = path.partition("/")[2] or LOCAL_MODEL
    unknown = [option for option in options if option != "fast"]
    if unknown:
        raise RequestError(f"role '{role}': 'local' takes the option 'fast', not '{unknown[0]}'. Write local?fast.", code="model.spec")
    if url is not None:
        raise RequestError(f"role '{role}': 'local' runs in this process and has no address. Write openai/NAME@URL.", code="model.spec")
    return Spec("local", model, None, tuple(options))


def _unknown(provider: str, bare: str, role: str) -> RequestError:
    near = difflib.get_close_matches(provider, NAMES, n=1, cutoff=0.6)
    if near:
        hint = f"Did you mean '{near[0]}'?"
    elif provider == bare:
        hint = f"Write PROVIDER/NAME, with one of: {', '.join(NAMES)}."
    else:
        hint = f"There are: {', '.join(NAMES)}; any compatible server: openai/NAME@http://HOST:PORT/v1."
    return RequestError(f"role '{role}': no provider is called '{provider}'. {hint} See: tilth models list", code="model.unknown_provider")
