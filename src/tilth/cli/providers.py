"""What the command line knows of providers, read from the models' own table."""

from __future__ import annotations


def key_variables() -> dict[str, str]:
    """Provider to the environment variable that holds its key, where it needs one."""
    from tilth.models.providers import PROVIDERS

    return {name: provider.key_env for name, provider in PROVIDERS.items() if provider.key_env}
