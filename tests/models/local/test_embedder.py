"""The embedded embedder: right against the reference, the same bits in any company, off the event loop."""

import asyncio
import base64
import json
import random
import threading
from pathlib import Path

import numpy as np
import pytest

from tilth.errors import Misconfigured, RequestError
from tilth.models import Embedder, default_embedder, open_embedder, open_model
from tilth.models.hashed import HashedTfidf
from tilth.models.local import LocalEmbedder, is_pulled, unload, weights
from tilth.models.local.embedder import MAX_TOKENS, batches, padded, shared_encoder
from tilth.models.local.weights import PINS

GOLDEN = json.loads((Path(__file__).parent / "golden" / "minilm.json").read_text(encoding="utf-8"))
ROWS = [(row["text"], np.frombuffer(base64.b64decode(row["vector"]), dtype="<f2").astype(np.float64)) for row in GOLDEN["rows"]]
TEXTS = [text for text, _ in ROWS]


@pytest.fixture
def ready() -> None:
    pytest.importorskip("openvino", reason="needs tilth[local]", exc_type=ImportError)
    pytest.importorskip("tokenizers", reason="needs tilth[local]", exc_type=ImportError)
    if not is_pulled("minilm"):
        pytest.skip("the embedded embedder is not on this machine: tilth models pull minilm")


@pytest.fixture
def unpulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "home"))


async def vectors() -> np.ndarray:
    return await LocalEmbedder().embed(TEXTS)


def test_the_golden_file_is_of_these_weights():
    assert GOLDEN["weights"] == PINS["minilm"].digest
    assert len(ROWS) >= 60 and {vector.shape for _, vector in ROWS} == {(384,)}


async def test_every_text_agrees_with_the_reference(ready: None):
    made = await vectors()
    assert made.dtype == np.float32 and made.shape == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-6)
    cosines = [float(row @ vector / np.linalg.norm(vector)) for row, (_, vector) in zip(made, ROWS, strict=True)]
    assert min(cosines) >= 0.99999, [(text[:40], cosine) for text, cosine in zip(TEXTS, cosines, strict=True) if cosine < 0.99999]


async def test_a_text_has_the_same_bits_alone_and_in_any_company(ready: None):
    made = await vectors()
    embedder = LocalEmbedder()
    for index in (0, 3, 12, 33, 47, 57, 59):
        assert np.array_equal((await embedder.embed([TEXTS[index]]))[0], made[index]), TEXTS[index][:40]
    rng = random.Random(0)
    for size in (7, 41, len(TEXTS)):
        order = rng.sample(range(len(TEXTS)), size)
        assert np.array_equal(await embedder.embed([TEXTS[index] for index in order]), made[order])
    crowd = await embedder.embed([TEXTS[0]] * 130)
    assert (crowd == made[0]).all()


async def test_callers_at_once_and_other_event_loops_share_the_graph(ready: None):
    made = await vectors()
    embedder = LocalEmbedder()
    several = await asyncio.gather(*(embedder.embed([text]) for text in TEXTS[:6]))
    assert np.array_equal(np.concatenate(several), made[:6])
    found: list[np.ndarray] = []
    other = threading.Thread(target=lambda: found.append(asyncio.run(embedder.embed(TEXTS[:6]))))
    other.start()
    await asyncio.to_thread(other.join)
    assert np.array_equal(found[0], made[:6])
    assert shared_encoder("minilm", exact=True) is shared_encoder("local/minilm", exact=True)


async def test_the_event_loop_goes_on_meanwhile(ready: None):
    embedder = LocalEmbedder()
    await embedder.embed(["load"])
    working = asyncio.ensure_future(embedder.embed(TEXTS * 2))
    ticks = 0
    while not working.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks >= 5


async def test_it_loads_again_after_unload(ready: None):
    before = await LocalEmbedder().embed(["again"])
    unload()
    assert np.array_equal(await LocalEmbedder().embed(["again"]), before)


async def test_only_the_first_tokens_are_read_and_any_text_is_taken(ready: None):
    made = await LocalEmbedder().embed(["word " * (MAX_TOKENS - 2), "word " * 900 + "end", "half \ud800 pair", "half ? pair", "", " \n"])
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[2], made[3])
    assert np.array_equal(made[4], made[5]) and np.isfinite(made).all()


async def test_no_texts_need_no_weights(unpulled: None):
    assert (await LocalEmbedder().embed([])).shape == (0, 384)


def test_a_row_is_padded_by_its_own_length_alone():
    lengths = [random.Random(1).randint(2, MAX_TOKENS) for _ in range(500)]
    made = list(batches(lengths))
    assert sorted(row for batch, _ in made for row in batch) == list(range(500))
    assert all(padded(lengths[row]) == length for batch, length in made for row in batch)
    assert all(len(batch) <= 64 and len(batch) * length <= 2048 for batch, length in made)


def test_what_it_says_of_itself():
    embedder = open_embedder("local")
    assert isinstance(embedder, LocalEmbedder) and isinstance(embedder, Embedder)
    assert embedder.name == "local/minilm" and embedder.identity == "local/minilm@53aa51172d14+f32"
    assert embedder.can.deterministic and not embedder.can.chat and embedder.price is not None
    fast = open_embedder("local?fast")
    assert fast.name == "local/minilm?fast" == open_embedder("local/minilm?fast").name
    assert fast.identity != embedder.identity and not fast.can.deterministic
    assert isinstance(open_embedder("local/hashed-tfidf"), HashedTfidf)


async def test_without_weights_one_line_says_how_to_get_them(unpulled: None):
    with pytest.raises(RequestError, match="tilth models pull minilm"):
        LocalEmbedder().check()
    with pytest.raises(RequestError, match="tilth models pull minilm"):
        await LocalEmbedder().embed(["a"])


def test_a_model_that_only_writes_and_an_embedder_that_only_embeds_are_refused():
    with pytest.raises(RequestError, match="makes no vectors"):
        open_embedder("local/smollm2-135m")
    for name in ("local/minilm", "local/hashed-tfidf"):
        with pytest.raises(RequestError, match="makes vectors, not texts"):
            open_model(name)


async def test_damaged_files_end_the_run_with_one_line(ready: None, unpulled: None):
    folder = weights.folder_of("minilm")
    folder.mkdir(parents=True)
    files = {}
    for member in PINS["minilm"].members:
        (folder / member.file).write_bytes(b"{}")
        files[member.file] = {"size": 2, "sha256": member.sha256}
    (folder / weights.MANIFEST).write_text(json.dumps({"source": PINS["minilm"].digest, "files": files}))
    with pytest.raises(Misconfigured, match="local/minilm cannot be loaded"):
        await LocalEmbedder().embed(["a"])


def test_the_default_is_the_best_that_is_here(ready: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert isinstance(default_embedder(), LocalEmbedder)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert isinstance(default_embedder(), HashedTfidf)
    monkeypatch.undo()
    monkeypatch.setenv("TILTH_HOME", str(tmp_path))
    assert isinstance(default_embedder(), HashedTfidf)
