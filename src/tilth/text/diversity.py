"""Counts of how much a set of texts repeats its surface. They know nothing of meaning, and they depend on size and length:
compare sets of equal numbers of tokens only, tokenised alike (`tilth.text.ngrams.words`). None stands for "no n-gram to count".
"""

from __future__ import annotations

import math
import random
import zlib
from collections import Counter
from collections.abc import Sequence

from tilth.text.ngrams import distinct_counts, ngram_counts, ngrams

Tokens = Sequence[str]


def distinct_n(texts: Sequence[Tokens], n: int) -> float | None:
    """Distinct n-grams by all n-grams, pooled over the texts (Li et al. 2016, section 5.2). 0 to 1, higher is more diverse.

    >>> distinct_n([["a", "b"], ["a", "b"]], 1)
    0.5
    """
    distinct, every = distinct_counts(texts, n)
    return distinct / every if every else None


def expectation_adjusted_distinct(texts: Sequence[Tokens], n: int, vocabulary: int) -> float | None:
    """EAD (Liu et al. 2022, equation 3): distinct n-grams by those expected of that many draws from `vocabulary` equal ones.

    vocabulary: size of the reference vocabulary, at least 1. Higher is more diverse; does not fall with length as distinct-n does.
    """
    distinct, every = distinct_counts(texts, n)
    if not every:
        return None
    expected = vocabulary * -math.expm1(every * math.log1p(-1.0 / vocabulary)) if vocabulary > 1 else 1.0
    return distinct / expected


def ngram_entropy(texts: Sequence[Tokens], n: int) -> float | None:
    """Shannon entropy of the n-gram distribution, in bits. Higher is more diverse."""
    counts = ngram_counts(texts, n)
    every = counts.total()
    if not every:
        return None
    return -math.fsum(count / every * math.log2(count / every) for count in counts.values())


def ingf_mean(texts: Sequence[Tokens], n: int) -> float | None:
    """Mean frequency of a distinct n-gram, 1 / distinct-n (one reading of AttrPrompt's INGF). Lower is more diverse."""
    distinct, every = distinct_counts(texts, n)
    return every / distinct if distinct else None


def ingf_dqi(texts: Sequence[Tokens], n: int) -> float | None:
    """Distinct n-grams by the standard deviation of their frequencies (DQI, Mishra et al. 2020, component 2). Higher is more even.

    None where all frequencies are equal.
    """
    counts = ngram_counts(texts, n)
    if not counts:
        return None
    mean = counts.total() / len(counts)
    deviation = math.sqrt(math.fsum((count - mean) ** 2 for count in counts.values()) / len(counts))
    return len(counts) / deviation if deviation else None


def self_repetition(texts: Sequence[Tokens], n: int = 4) -> float | None:
    """Mean of log(1 + how many n-grams of a text occur in another) (Salkar et al. 2022). Lower is more diverse."""
    if not texts:
        return None
    holders: Counter[tuple[str, ...]] = Counter()
    for tokens in texts:
        holders.update(set(ngrams(tokens, n)))
    return math.fsum(math.log1p(sum(holders[gram] > 1 for gram in ngrams(tokens, n))) for tokens in texts) / len(texts)


def compression_ratio(texts: Sequence[str], level: int = 9) -> float | None:
    """Bytes by compressed bytes of the texts joined by newlines in their order (Shaib et al. 2024; zlib). Higher is more redundant."""
    whole = "\n".join(texts).encode("utf-8", "surrogatepass")
    return len(whole) / len(zlib.compress(whole, level)) if whole else None


def bleu(hypothesis: Tokens, references: Sequence[Tokens], most: int = 4) -> float:
    """Sentence BLEU with uniform weights up to `most`-grams, smoothing method 1 (Papineni et al. 2002; Chen and Cherry 2014, method 1:
    a precision of no matches counts 0.1 matches). Orders longer than the hypothesis are smoothed as one n-gram of no match.
    """
    bags = [{n: Counter(ngrams(reference, n)) for n in range(1, most + 1)} for reference in references]
    return _bleu(hypothesis, bags, [len(reference) for reference in references], most)


def self_bleu(texts: Sequence[Tokens], most: int = 4, *, references: int | None = None, seed: int = 0) -> float | None:
    """Mean BLEU of each text against the others (Zhu et al. 2018, Texygen). 0 to 1, lower is more diverse.

    most: longest n-gram, 1 to 5. references: take so many random others a text instead of all (then the work is linear).
    Texts without tokens count neither as hypothesis nor as reference; None where fewer than two are left.
    """
    texts = [tokens for tokens in texts if tokens]
    if len(texts) < 2:
        return None
    rng = random.Random(seed)
    bags = [{n: Counter(ngrams(tokens, n)) for n in range(1, most + 1)} for tokens in texts]
    scores = []
    for number, tokens in enumerate(texts):
        others = [other for other in range(len(texts)) if other != number]
        if references is not None and references < len(others):
            others = rng.sample(others, references)
        scores.append(_bleu(tokens, [bags[other] for other in others], [len(texts[other]) for other in others], most))
    return math.fsum(scores) / len(scores)


def _bleu(hypothesis: Tokens, bags: Sequence[dict[int, Counter[tuple[str, ...]]]], lengths: Sequence[int], most: int) -> float:
    if not hypothesis or not bags:
        return 0.0
    logs = 0.0
    for n in range(1, most + 1):
        counts = Counter(ngrams(hypothesis, n))
        matches = sum(min(count, max(bag[n][gram] for bag in bags)) for gram, count in counts.items())
        if n == 1 and not matches:
            return 0.0
        logs += math.log((matches or 0.1) / max(1, counts.total()))
    closest = min(lengths, key=lambda length: (abs(length - len(hypothesis)), length))
    brevity = min(0.0, 1.0 - closest / len(hypothesis))
    return math.exp(brevity + logs / most)
