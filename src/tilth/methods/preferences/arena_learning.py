"""Arena Learning (Luo, Sun, Xu, Zhao, Lin, Lou, Chen, Tang, Chen, 2024, arXiv 2407.10627): training data from simulated battles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.judging import side_by_side
from tilth.methods.preferences._arena import (
    GAPS,
    STEPS,
    Battle,
    extremes_of,
    loss_of,
    near_benchmarks,
    slice_of,
    table_of,
    turns_of,
    two_scores,
    unfit,
)
from tilth.prompts import parsers
from tilth.prompts.prompt import Prompt, build
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.models.roles import RoleModel


class ArenaLearning(Method):
    """One step of one iteration: the target model fights stronger ones over fresh prompts; what it loses to, it learns from.

    0. Prompts are cleaned (too short, same beginning, near duplicates, neighbours of benchmark items) and cut by their content into
       three slices for each iteration, one each for ``sft``, ``dpo`` and ``reward``: no prompt is battled in two steps.
    1. Every model answers each prompt of the step's slice. A judge scores all pairs of answers, 1 to 10 each, in both orders; a
       pair's scores are the means of the two. A game without scores is asked for once more, then its pair is discarded.
    2. ``sft``: where a model beats the target by at least K, the answer of the best of these is `chosen`, the target's `rejected`.
       ``dpo`` and ``reward``: the best answer against the worst, the target's among them, if they are at least K apart.
    3. artifacts/arena.json: the models by Elo (Bradley-Terry over the pairs, median and 95 % interval of 100 bootstraps).

    Differs: training happens elsewhere. One run makes the data of one step; then the target is trained, and the next run gets the
    new model under a name of its own. The paper does not say how the pair of the DPO step is formed, which K holds in its later
    iterations, and in what unit a length of 10 is: here best and worst by all games, 2.0, characters and words. Toxic prompts and
    languages are left to curation. Bootstraps draw prompts, with all their games. When: a model of one's own is to catch up with
    stronger ones, on many prompts of its use. Needs: data 'prompts', at least two models in the generator pool (the paper: 4).
    Calls: n + n (n - 1) per prompt, with n models.
    """

    name: ClassVar[str] = "arena-learning"
    paper: ClassVar[str] = "2407.10627"
    family: ClassVar[str] = "preferences"
    inputs: ClassVar[Mapping[str, str]] = {"prompts": "prompt history?", "benchmarks": "?prompt"}
    columns: ClassVar[Mapping[str, object]] = {
        "prompt": str, "chosen": str, "rejected": str, "chosen_score": float, "rejected_score": float, "margin": float,
        "chosen_model": str, "rejected_model": str, "history": "list[dict] | None",
    }  # fmt: skip
    roles: ClassVar[Mapping[str, int | str]] = {"generator": "2+", "judge": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "answer": "{{ prompt }}",
        "judge": (
            "You are the judge of a contest between two assistants. Both answered the same user. Compare the answers by how coherent "
            "they are, whether what they say is correct, how well they take up the context, and by their overall quality. "
            "Neither the order nor the length of the answers counts.\n"
            "{% if history %}\n[The dialogue so far]\n{% for turn in history %}\n{{ turn.role }}: {{ turn.content }}\n{% endfor %}\n"
            "[End of the dialogue]\n{% endif %}\n"
            "[The user]\n{{ prompt }}\n[End of the user]\n\n"
            "[Answer A]\n{{ texts[0] }}\n[End of answer A]\n\n[Answer B]\n{{ texts[1] }}\n[End of answer B]\n\n"
            "Explain your judgement in a few sentences, then score each answer from 1 to 10. Reply in exactly this form:\n"
            "Explanation: <your explanation>\nScore A: <1 to 10>\nScore B: <1 to 10>"
        ),
    }

    step: Literal["sft", "dpo", "reward"] = Field("sft", description="Whose data is made.")
    iteration: int = Field(1, ge=1, description="Which iteration this is.", json_schema_extra={"from": "paper"})
    iterations: int = Field(3, ge=1, description="How many there will be: three slices each. Never change it.",
                            json_schema_extra={"from": "paper"})  # fmt: skip
    target: str = Field("", description="The model that is trained: one of the generator pool, by name; default: the first.")
    gap: float | None = Field(
        None,
        ge=0,
        le=9,
        description="K; default: 3, 1, 1 in the iterations of sft, else 2.",
        json_schema_extra={"from": "paper, section 4"},
    )
    min_chars: int = Field(10, ge=0, description="Shorter prompts are left out.", json_schema_extra={"from": "paper"})
    prefix_words: int = Field(10, ge=0, description="Of prompts that begin with the same words, the first stays; 0: all.",
                              json_schema_extra={"from": "paper"})  # fmt: skip
    near: float = Field(0.85, gt=0, le=1, description="Similarity from which prompts are near duplicates.")
    neighbours: int = Field(
        5, ge=1, description="Prompts that are left out around each benchmark item.", json_schema_extra={"from": "paper"}
    )
    temperature: float = Field(1.0, ge=0, description="Of the answers.")
    max_tokens: int | None = Field(None, ge=1, description="Of an answer; default: the role's.")
    judge_tokens: int = Field(512, ge=1, description="Of a judgement.")
    anchor: str = Field("", description="The model whose Elo is fixed; default: the target. The paper: Llama-2-70B-Chat at 1100.")
    anchor_elo: float = Field(1000.0, description="Its Elo.")
    draws: int = Field(100, ge=1, description="Bootstraps of the Elo.", json_schema_extra={"from": "paper"})

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        if self.iteration > self.iterations:
            raise RequestError(
                f"arena-learning: iteration {self.iteration} of {self.iterations}. Set 'iterations'.", code="method.parameter"
            )
        players = self.players(run)
        target, anchor = self.one_of(players, self.target, "target"), self.one_of(players, self.anchor or self.target, "anchor")
        rows = iter(await self.slice(run))
        results: list[list[Any]] = []
        kept = 0
        while block := list(islice(rows, None if self.rows is None else self.rows - kept)):
            async for battle in run.map(partial(self.battle, run, players, target), block, label="battle"):
                results += battle.results()
                record = self.select(battle, target)
                if isinstance(record, Failure):
                    run.reject(Record(battle.row.columns, meta=self.about(battle)), record.reason, detail=record.detail)
                else:
                    kept += 1
                    yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"arena-learning: {self.rows - kept} short of {self.rows} rows: the slice has no more prompts.")
        await self.rank(run, results, anchor)

    def players(self, run: Run) -> dict[str, RoleModel]:
        """The models that fight, by identity; one that is listed twice plays under two names."""
        found: dict[str, RoleModel] = {}
        for model in run.models():
            same = sum(other.identity == model.identity for other in found.values())
            found[f"{model.identity}#{same + 1}" if same else model.identity] = model
        if len(found) < 2:
            raise RequestError(
                "arena-learning needs at least two models in the generator pool. Add one with: -m SPEC", code="model.too_few"
            )
        return found

    def one_of(self, players: Mapping[str, RoleModel], wanted: str, what: str) -> str:
        """The player called `wanted`; the first where none is."""
        for name, model in players.items():
            if wanted in ("", name, model.name):
                return name
        raise RequestError(f"arena-learning: {what} '{wanted}' is none of the models: {', '.join(players)}.", code="method.parameter")

    # step 0: prompts

    async def slice(self, run: Run) -> list[Record]:
        """The prompts of this step and iteration."""
        rows = [row for row in run.data("prompts") if str(row.get("prompt") or "").strip()]
        texts = [str(row["prompt"]).strip() for row in rows]
        out = dict(unfit(texts, self.min_chars, self.prefix_words, self.near))
        if run.has("benchmarks"):
            left = [at for at in range(len(rows)) if at not in out]
            items = [str(row["prompt"]) for row in run.data("benchmarks")]
            if left and items:
                vectors = await run.embed([*(texts[at] for at in left), *items])
                out |= {left[at]: "near_benchmark" for at in near_benchmarks(vectors, len(left), self.neighbours)}
        for at, reason in sorted(out.items()):
            run.reject(Record(rows[at].columns, meta={"seed_ids": [rows[at].id], "origin": rows[at].meta.get("origin")}), reason)
        wanted = 3 * (self.iteration - 1) + STEPS.index(self.step)
        chosen = [row for at, row in enumerate(rows) if at not in out and slice_of(texts[at], 3 * self.iterations) == wanted]
        if not chosen:
            run.note(f"arena-learning: no prompt of {len(rows) - len(out)} lies in slice {wanted + 1} of {3 * self.iterations}.")
        return chosen

    # step 1: battles

    async def battle(self, run: Run, players: Mapping[str, RoleModel], target: str, row: Record) -> Battle:
        """All answers to one prompt, and all games between them."""
        prompt, history = str(row["prompt"]).strip(), turns_of(row)
        asked = build(self.prompts["answer"], task=run.task, conditions={"prompt": prompt})

        async def answer(name: str) -> str:
            messages = Prompt(messages=(*history, *(asked.messages or ())), parse=parsers.whole())
            reply = await run.ask(messages, model=players[name], reasks=0, temperature=self.temperature, max_tokens=self.max_tokens)
            return str(reply.value)

        replies = await run.map(answer, list(players), label="answer", on_failure="keep")
        given = dict(zip(players, replies, strict=True))
        for name, reply in given.items():
            if isinstance(reply, Failure):
                about = {"seed_ids": [row.id], "conditions": {"model": name}}
                run.reject(Record(prompt=prompt, meta=about), reply.reason, detail=reply.detail, raw=reply.raw)
        battle = Battle(row, {name: reply for name, reply in given.items() if isinstance(reply, str)})
        if target not in battle.answers or len(battle.answers) < 2:
            raise Failure("no_battle", "The target's answer, or all others, could not be used.")

        async def game(item: tuple[str, str, str]) -> list[dict[str, Any]]:
            a, b, order = item

            def shown(texts: list[Any]) -> Prompt:
                conditions = {"prompt": prompt, "history": history, "texts": texts}
                return build(self.prompts["judge"], task=run.task, conditions=conditions, parse=two_scores)

            places = (0, 1) if order == "ab" else (1, 0)
            texts = [battle.answers[a], battle.answers[b]]
            return await side_by_side(run, texts, shown, order=places, reasks=1, temperature=0.0, max_tokens=self.judge_tokens)

        pairs = [(a, b, order) for a, b in combinations(battle.answers, 2) for order in ("ab", "ba")]
        played = await run.map(game, pairs, label="game", key=" ".join, on_failure="keep")
        for (first, second), (a, b, _) in zip(zip(played[::2], played[1::2], strict=True), pairs[::2], strict=True):
            self.book(run, battle, (a, b), first, second)
        return battle

    def book(self, run: Run, battle: Battle, pair: tuple[str, str], *orders: Any) -> None:
        """Means over both orders; a pair of which a game has no scores is discarded, and counted."""
        for order, game in zip(("ab", "ba"), orders, strict=True):
            if isinstance(game, Failure):
                about = {"seed_ids": [battle.row.id], "conditions": {"models": list(pair), "order": order}}
                run.reject(Record(prompt=battle.row["prompt"], meta=about), game.reason, detail=game.detail, raw=game.raw)
            else:
                told = {"model_a": pair[0], "model_b": pair[1], "order": order, "explanation": game[0]["explanation"]}
                battle.games.append({**told, "score_a": game[0]["score"], "score_b": game[1]["score"]})
        if not any(isinstance(game, Failure) for game in orders):
            one, other = (sum(game[side]["score"] for game in orders) / len(orders) for side in (0, 1))
            battle.means[pair] = (one, other)

    # steps 2 and 3: what is learnt from, and who is strong

    def select(self, battle: Battle, target: str) -> Record | Failure:
        """The pair of this prompt, or why there is none."""
        if battle.standing(target) is None if self.step == "sft" else not battle.means:
            return Failure("not_judged", "No pair that counts was judged in both orders.")
        gaps = GAPS[self.step]
        gap = self.gap if self.gap is not None else gaps[min(self.iteration, len(gaps)) - 1]
        found = loss_of(battle, target, gap) if self.step == "sft" else extremes_of(battle, gap)
        if found is None:
            reason = "target_not_beaten" if self.step == "sft" else "gap_too_small"
            return Failure(reason, f"No two scores are {gap:g} or more apart." if self.step != "sft" else f"Nobody beats it by {gap:g}.")
        return Record(
            prompt=str(battle.row["prompt"]).strip(), chosen=battle.answers[found.chosen], rejected=battle.answers[found.rejected],
            chosen_score=found.high, rejected_score=found.low, margin=round(found.high - found.low, 6),
            chosen_model=found.chosen, rejected_model=found.rejected, history=battle.row.get("history"), meta=self.about(battle),
        )  # fmt: skip

    def about(self, battle: Battle) -> dict[str, Any]:
        """Lineage of a battle, with its games."""
        conditions = {"step": self.step, "iteration": self.iteration}
        return {"seed_ids": [battle.row.id], "origin": "mixed", "round": self.iteration, "conditions": conditions, "battles": battle.games}

    async def rank(self, run: Run, results: list[list[Any]], anchor: str) -> None:
        """The table of models; without games, or where models never met, only a line that says so."""
        if not results:
            run.note("arena-learning: no Elo: no pair of answers was judged in both orders.")
            return
        try:
            run.artifact("arena", await run.do(table_of, results, anchor, self.anchor_elo, self.draws, run.seed))
        except ValueError as error:
            run.note(f"arena-learning: no Elo: {error}.")
