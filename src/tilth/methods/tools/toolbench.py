"""ToolLLM / ToolBench (Qin, Liang, Ye, Zhu, Yan, Lu, Lin, Cong, Tang, Qian, Zhao et al., ICLR 2024, arXiv 2307.16789)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.search import End, Limits, Tree, depth_first
from tilth.generate.tools import (
    FINISHED,
    RESTART,
    SIMULATE,
    TRANSPORT,
    UNKNOWN,
    Api,
    World,
    answer,
    observation,
    read_api,
    read_arguments,
    simulated,
)
from tilth.generate.tools import Observation as Seen
from tilth.methods.tools._agent import (
    FINISH,
    FINISH_TOOL,
    INVALID,
    Act,
    Path,
    Step,
    drawn,
    finish,
    kept_messages,
    read_act,
    shown,
    transcript,
)
from tilth.methods.tools._queries import MULTI, SINGLE, ApiSet, Query, api_sets, read_queries, unfit
from tilth.prompts.prompt import build
from tilth.prompts.refusals import refusal
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

Split = Literal["single", "category", "collection"]

GO_ON = "Go on: call one function now."
"""Said after a thought without a call; not kept."""


class ToolBench(Method):
    """Queries that need the given APIs, each with the calls that solved it, found by a depth-first search.

    1. A set of APIs is drawn: all of one tool, or 2 to 5 tools of one category or collection with at most 3 APIs each. One call writes
       ten queries for it and names the APIs of each; a name that is not in the set drops the query.
    2. For each query a tree is searched (DFSDT): at a node the model sees all APIs of the set and `Finish`, thinks and calls one. The
       answer is appended and the search goes on below it. From the second child on it is shown what the children before it did, and is
       told to do something else. A given answer or a dead end leads back: 2 levels after an answer or after giving up, 1 after a dead end.
    3. The path of the first given answer is kept, without the other branches and without what was said for diversity.

    Each branch has a copy of the environment of its own. APIs are documents with scripted responses, or are played by the role `tool`,
    or are Python functions. The search ends at its first answer, or when its calls are used up.

    Differs: no real APIs, so no filter of dead ones. A step is one call, with or without a thought, where the code counts 2 or 3 levels of
    nodes for it: 12 steps are more than its 12. A reply without a call, or in the wrong form, counts against the budget like any other. A
    solved path that called a function that is not there is rejected, where the code keeps it under a marker. Paths on which the model
    gave up are rejected, one drawn for each query. Ranking of children before the search goes below them is left out, as for the
    published data. Prompts and seed examples are ours, `examples` replaces the latter.
    When: training a model to call tools, or an agent's planning. Needs: data 'apis'; a capable model.
    Calls: one per set for its queries, then 2 to `calls` per query, and 1 of the role `tool` per call of an API that it plays.
    """

    name: ClassVar[str] = "toolbench"
    paper: ClassVar[str] = "2307.16789"
    family: ClassVar[str] = "tools"
    inputs: ClassVar[Mapping[str, str]] = {"apis": "tool api description", "examples": "?query apis"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "tool": 1}
    columns: ClassVar[Mapping[str, object]] = {
        "instruction": str, "output": str, "messages": "list[dict]", "tools": "list", "relevant_apis": "list[str]",
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "queries": (
            "{% if task.about %}{{ task.about }}\n\n{% endif %}"
            "Below are the documents of some APIs. Imagine people who do not know them, but whose wishes they can serve. Write {{ n }} of "
            "these people's requests to an assistant that can call the APIs.\n\n"
            "- The first {{ specific }} are short and specific, the other {{ n - specific }} long, with several wishes and their reasons.\n"
            "- Each needs at least two of the APIs{% if several %}, and APIs of at least two tools{% endif %}, where there are as many.\n"
            "- Give every value that a call needs, invented but concrete: names, dates, places, numbers. No placeholders.\n"
            "- Never name an API or a tool, never ask which parameters to give. The requests are alike neither in what they need nor in "
            "how they are said.\n\n"
            "APIs:\n{% for api in apis %}\n{{ api.function().function | tojson }}\n{% endfor %}\n\n"
            "Requests to other APIs, as examples of the form:\n{{ demonstrations | tojson }}\n\n"
            'Reply with a JSON list of {{ n }} objects {"query": ..., "apis": [names of the APIs that it needs]}, and nothing else.'
        ),
        "system": (
            "You solve a task by calling functions. In each step think, in at most five sentences, where you stand and what comes next, "
            "then call exactly one function; its result is shown to you. What a call changes stays changed. Use values that the user "
            "or a result gave, never invented ones. When all wishes are met, call Finish with return_type give_answer and a "
            "final_answer that says everything the user needs to know. If the task cannot be solved from here, call Finish with "
            "return_type give_up_and_restart."
            "{% if written %}\n\nFunctions:\n{% for tool in tools %}\n{{ tool.function | tojson }}\n{% endfor %}\n\n"
            "Reply with one step, in exactly this form, and stop there:\n"
            "Thought: what you think\nAction: the function's name\nAction Input: its arguments as one JSON object\n{% endif %}"
        ),
        "task": "{{ query }}",
        "different": (
            "This is not the first time that you stand here. From this point you already tried:\n{{ tried | tojson(1) }}\n\n"
            "These tries did not solve the task, and what they changed is undone. Do something different from each of them now: another "
            "function, or other arguments. Do not mention them in what you think."
        ),
        "simulate": SIMULATE,
    }

    splits: list[Split] = Field(["single", "category", "collection"], min_length=1, description="Kinds of sets, taken in turn.")
    sets: int = Field(10, ge=1, description="Sets drawn at most for each split of several tools; single: each tool once.")
    min_tools: int = Field(2, ge=2, description="Tools of such a set, at least.", json_schema_extra={"from": "paper, section 2.2"})
    max_tools: int = Field(5, ge=2, description="And at most.", json_schema_extra={"from": "paper, section 2.2"})
    apis_per_tool: int = Field(3, ge=1, description="APIs of each tool in it, at most.", json_schema_extra={"from": "paper, section 2.2"})
    queries: int = Field(10, ge=1, description="Queries of one call.", json_schema_extra={"from": "paper, appendix"})
    specific: float = Field(0.7, ge=0, le=1, description="Share of them that is short.", json_schema_extra={"from": "paper, 7 of 10"})
    demonstrations: int = Field(3, ge=0, description="Seed examples shown.", json_schema_extra={"from": "paper"})
    state: dict[str, Any] = Field(default={}, description="What the environment holds at first; scripted responses read and set it.")
    functions: dict[str, Any] = Field(default={}, exclude=True, description="Functions by API name, tool(state, **arguments). Python only.")
    width: int = Field(2, ge=1, description="Children of a node; 1: one chain.", json_schema_extra={"from": "repo, DFS_woFilter_w2"})
    depth: int = Field(12, ge=1, description="Steps of a path, at most.", json_schema_extra={"from": "repo, single_chain_max_step"})
    calls: int = Field(200, ge=1, description="Calls of the model for a query.", json_schema_extra={"from": "repo, max_query_count"})
    back_solved: int = Field(2, ge=1, description="Levels to go back after an answer.", json_schema_extra={"from": "repo"})
    back_given_up: int = Field(2, ge=1, description="Levels to go back after giving up.", json_schema_extra={"from": "repo"})
    observation: int = Field(1024, ge=16, description="Characters of an answer that are shown.", json_schema_extra={"from": "repo"})
    calling: Literal["auto", "native", "text"] = Field("auto", description="auto: native tool calls where the model has them, else text.")
    temperature: float = Field(1.0, ge=0)
    max_tokens: int = Field(1024, ge=1, description="Of one step; queries may take four times as many.")

    @model_validator(mode="after")
    def _range_of_tools(self) -> ToolBench:
        if self.min_tools > self.max_tools:
            raise ValueError(f"min_tools ({self.min_tools}) is more than max_tools ({self.max_tools})")
        return self

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        apis = self._apis(run)
        sets = api_sets(apis, self.splits, self.sets, (self.min_tools, self.max_tools, self.apis_per_tool), run.rng("sets"))
        ahead = 32 if self.rows is None else max(2, min(32, self.rows // 4))
        pool: list[Query] = []
        writing = run.unfold(lambda k: next(sets, None), partial(self._write, run), lag=2, label="queries")
        given, solve = (lambda k: pool[k] if k < len(pool) else None), partial(self._solve, run)
        solving = run.unfold(given, solve, lag=ahead, label="solve", on_failure="keep")  # one result for each query of the pool
        seen: set[str] = set()
        tried = kept = 0
        while kept != self.rows:
            while len(pool) < tried + ahead and not writing.finished:
                self._admit(run, pool, seen, await anext(writing, []))
            if (ended := await anext(solving, None)) is None:
                break
            tried += 1
            if isinstance(ended, Failure):
                run.reject(_named(pool[tried - 1]), ended.reason, detail=ended.detail, raw=ended.raw)
                continue
            record, reason, detail = ended
            if reason:
                run.reject(record, reason, detail=detail)
                continue
            kept += 1
            yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: all sets were used. Raise sets, or give more APIs.")

    def _apis(self, run: Run) -> list[Api]:
        """The APIs; one without a description teaches nothing and is left out, two of one name are an error."""
        apis = [api for api in map(read_api, run.data("apis")) if api.description]
        names = [api.name for api in apis]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise RequestError(f"two API documents are called {twice}. Give each tool's APIs names of their own.", code="data.api")
        if unknown := sorted(set(self.functions) - set(names)):
            raise RequestError(f"no API is called '{unknown[0]}', of which 'functions' has one. There is: {', '.join(names[:9])}.")
        if not apis:
            raise RequestError("no API in 'apis' has a description.", code="data.api")
        return apis

    # queries

    async def _write(self, run: Run, given: ApiSet) -> list[Query]:
        """Step 1 for one set."""
        several = given.split != "single"
        seeds = list(run.data("examples")) if run.has("examples") else [Record(one) for one in (MULTI if several else SINGLE)]
        chosen = run.rng("examples").sample(seeds, min(self.demonstrations, len(seeds)))
        about = {"n": self.queries, "specific": round(self.specific * self.queries), "several": several, "apis": given.apis}
        examples = [{"query": one["query"], "apis": one["apis"]} for one in chosen]
        prompt = build(self.prompts["queries"], task=run.task, conditions=about, demonstrations=examples, parse=read_queries)
        try:
            reply = await run.ask(prompt, temperature=self.temperature, max_tokens=4 * self.max_tokens)
        except Failure as failure:
            run.reject(Record(relevant_apis=[api.name for api in given.apis]), failure.reason, detail=failure.detail, raw=failure.raw)
            return []
        return [Query(query, tuple(names), given) for query, names in reply.value[: self.queries]]

    def _admit(self, run: Run, pool: list[Query], seen: set[str], written: Sequence[Query]) -> None:
        """Queries that name APIs of their set, and no query twice, enter the pool."""
        for query in written:
            reason = unfit(query) or ("duplicate" if query.text.casefold() in seen else "")
            seen.add(query.text.casefold())
            if reason:
                run.reject(_named(query), reason)
            else:
                pool.append(query)

    # the search

    async def _solve(self, run: Run, query: Query) -> tuple[Record, str, str]:
        """Steps 2 and 3 for one query: its record, and why it is rejected, with a detail."""
        limits = Limits(self.width, self.depth, self.calls, 1, self.back_solved, self.back_given_up)
        root = Path(world=World(state=dict(self.state)))
        tree = await depth_first(root, partial(self._step, run, query), limits)
        record, reason = self._record(run, query, tree)
        return record, reason, f"After {tree.calls} calls, at most {tree.deepest} steps deep."

    async def _step(self, run: Run, query: Query, path: Path, siblings: Sequence[Path]) -> tuple[Path, End]:
        """One child: ask, act, look. `path` is this branch's own."""
        native = self._native(run)
        tools = [api.function() for api in query.given.apis] + [dict(FINISH_TOOL)]
        about = {"query": query.text, "tools": tools, "written": not native}
        prompt = build(self.prompts["task"], task=run.task, conditions=about, system=self.prompts["system"])
        messages = [*(prompt.messages or ()), *transcript(path.steps, native=native)]
        if tried := [shown(sibling.steps[-1]) for sibling in siblings if sibling.steps[-1].act.name]:
            different = build(self.prompts["different"], task=run.task, conditions={"tried": tried})
            messages += different.messages or ()
        sampling: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        if native:
            sampling["tools"] = tuple(tools)
        reply = await run.ask(messages, parse=read_act, reasks=0, **sampling)
        act: Act = reply.value
        seen = await self._act(run, query, act, path.world)
        if seen.code == UNKNOWN:
            act = act._replace(name=INVALID)
        path.steps.append(Step(act, seen.text[: self.observation], seen.code))
        ends: dict[int, End] = {FINISHED: "solved", RESTART: "given_up"}
        nothing = not act.name and (not act.thought or reply.finish == "length" or refusal(act.thought))
        return path, "dead" if nothing else ends.get(seen.code, "open")

    async def _act(self, run: Run, query: Query, act: Act, world: World) -> Seen:
        """What a call gives in its branch's environment."""
        if not act.name:
            return Seen(GO_ON)
        arguments = read_arguments(act.arguments)
        if act.name == FINISH:
            return finish(arguments)
        api = next((api for api in query.given.apis if api.name == act.name), None)
        if api is None:
            return observation(error=f"there is no function '{act.name}'", code=UNKNOWN)
        seen = answer(api, arguments, world, self.functions.get(api.name)) or await self._simulated(run, api, arguments, world)
        world.log.append({"function": api.name, "arguments": arguments, "answer": seen.text})
        return seen

    async def _simulated(self, run: Run, api: Api, arguments: Mapping[str, Any] | None, world: World) -> Seen:
        """What a model that plays the API answers; that it cannot is an answer too."""
        try:
            return await simulated(run, self.prompts["simulate"], api, arguments, world, self.max_tokens)
        except Failure as failure:
            return observation(error=f"the service did not answer ({failure.reason})", code=TRANSPORT)

    def _native(self, run: Run) -> bool:
        return self.calling == "native" or (self.calling == "auto" and run.models("generator")[0].can.tools)

    # what is kept

    def _record(self, run: Run, query: Query, tree: Tree[Path]) -> tuple[Record, str]:
        """The path of the first answer, or one on which the model gave up, or the query alone; and why it is rejected."""
        node = tree.solved[0] if tree.solved else run.rng("given up").choice(tree.given_up) if tree.given_up else tree.root
        steps = node.state.steps
        if tree.solved:
            reason = "unknown_function" if any(step.act.name == INVALID for step in steps) else ""
        else:
            reason = "gave_up" if tree.given_up else "budget" if tree.calls >= self.calls else "not_solved"
        final = (read_arguments(steps[-1].act.arguments) or {}).get("final_answer", "") if tree.solved else ""
        prompt = build(self.prompts["task"], conditions={"query": query.text, "tools": [], "written": False}, system=self.prompts["system"])
        record = Record(
            instruction=query.text,
            output=str(final),
            messages=[*(prompt.messages or ()), *kept_messages(steps)],
            tools=[*(api.function() for api in query.given.apis), dict(FINISH_TOOL)],
            relevant_apis=list(query.relevant),
            meta={
                "seed_ids": query.seed_ids,
                "conditions": {"split": query.given.split, "tools": sorted({api.tool for api in query.given.apis})},
                "search": {"win": bool(tree.solved), "calls": tree.calls, "deepest": tree.deepest, "tree": drawn(tree.root)},
            },
        )
        return record, reason


def _named(query: Query) -> Record:
    """A query that came to nothing."""
    return Record(instruction=query.text, relevant_apis=list(query.relevant), meta={"seed_ids": query.seed_ids})
