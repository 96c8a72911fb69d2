"""What data a metrics.json speaks of."""

from __future__ import annotations

from hashlib import blake2b

from tilth.records.folder import RunFolder


def files_mark(folder: RunFolder) -> str:
    """Digest of the bytes of the kept records. Other bytes may hold the same records, but equal bytes never hold others."""
    from tilth.records.parts import parts

    whole = blake2b(digest_size=16)
    for path in parts(folder.data, "part"):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                whole.update(block)
    return whole.hexdigest()
