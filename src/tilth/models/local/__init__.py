"""The embedded models: a real LLM and an embedder that run in this process, without network or key.

The LLM is SmolLM2-135M-Instruct. It is small: it proves that a flow works, not that the data are good.
Importing this folder loads nothing heavy; weights come only with :func:`pull`.
"""

from tilth.models.local.embedder import LocalEmbedder
from tilth.models.local.pipeline import LocalModel, unload
from tilth.models.local.pulling import pull, verify
from tilth.models.local.weights import KNOWN, PINS, Pin, home, is_pulled, path_of, remove

__all__ = ["KNOWN", "PINS", "LocalEmbedder", "LocalModel", "Pin", "home", "is_pulled", "path_of", "pull", "remove", "unload", "verify"]
