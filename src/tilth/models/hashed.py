"""An embedder that needs nothing: words and character n-grams hashed into unit vectors.

Two texts are close where they share words and spellings, not where they share meaning. It stands in where no other
embedder is set, so that everything which takes vectors runs offline.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DIMENSIONS = 1024
_WORDS = re.compile(r"\w+|[^\w\s]")
_VERSION = 1


class HashedTfidf:
    """Hashed TF-IDF (feature hashing: Weinberger et al. 2009, arXiv 0902.2206), an :class:`tilth.models.base.Embedder`.

    Features: words, pairs of words, and the character 3- to 5-grams of each word; each with a hashed place and sign, and
    1 + ln(count). The same text has the same vector in every call, so vectors of different sets can be compared. That
    leaves no room for document frequencies of the set at hand; :meth:`fitted` counts them, and then has another identity.

    Parameters
    ----------
    dimensions: length of a vector, at least 16. Unrelated texts have cosines of about 1 / sqrt(dimensions) by accident.
    """

    name = "local/hashed-tfidf"
"""

"""
