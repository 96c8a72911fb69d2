"""Embeddings over HTTP."""

import numpy as np
import pytest

from tilth.errors import Unavailable
from tilth.models import Embedder, Faults, FaultServer, open_embedder


async def test_unit_vectors_in_input_order_over_several_batches():
    with FaultServer() as server:
        embedder = open_embedder(f"openai/e@{server.url}", env={})
        embedder.batch = 3
        assert isinstance(embedder, Embedder)
        made = await embedder.embed(["a", "b", "c", "d", "", "a", "b"])
        empty = await embedder.embed([])
        await embedder.close()
        assert server.stats()["requests"] == 3
    assert made.dtype == np.float32
    assert made.shape == (7, 64)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-6)
    assert np.array_equal(made[0], made[5])
    assert not np.allclose(made[0], made[1])
    assert empty.shape == (0, 0)


async def test_malformed_embeddings_are_asked_again():
    with FaultServer(faults=Faults(malformed=1)) as server:
        embedder = open_embedder(f"openai/e@{server.url}", env={})
        for _ in range(10):
            with pytest.raises(Unavailable):
                await embedder.embed(["a"])
        await embedder.close()


async def test_the_mapping_form():
    with FaultServer() as server:
        embedder = open_embedder(
            {"model": f"openai/e@{server.url}", "extra": {"dimensions": 64}, "price": {"in": 1, "out": 0}, "timeout": 9}, env={}
        )
        assert (await embedder.embed(["a"])).shape == (1, 64)
        await embedder.close()
    assert (embedder.identity, embedder.price.input, embedder.timeout) == ("openai/e?dimensions=64", 1, 9)
    assert open_embedder(embedder) is embedder
