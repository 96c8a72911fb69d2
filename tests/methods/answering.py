"""People of a run, played by a function: the queue file is read, the answers file written, as a review app does it."""

import json
from pathlib import Path


def questions(folder: Path) -> list[dict]:
    """What waits for people."""
    path = folder / "people.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def answer(folder: Path, person, by="ann") -> int:
    """Append the answer of `person` (question to option) to every open question; how many there were."""
    waiting = questions(folder)
    with (folder / "answers.jsonl").open("a", encoding="utf-8") as file:
        for one in waiting:
            file.write(json.dumps({"id": one["id"], "answer": person(one), "by": by}) + "\n")
    return len(waiting)
