"""One background thread that drives OpenVINO's continuous batching for every task and event loop of the process.

Requests join and leave the running batch at any step. With exact settings (float32 arithmetic and cache, no dynamic
quantisation) a reply does not depend on what else is in the batch, bit for bit, with two exceptions that were measured, each
a difference of 1e-5 in log-probabilities. A step with a single token takes another matrix kernel: so a lone request gets a
companion whose text nobody reads, which costs it 10 to 30 % of its speed, and full batches nothing. And a prompt of which a
single token is left for the next step takes another attention kernel, where others in the batch decide what is left: so no
prompt is split, at no cost.

The library's `step` keeps Python's lock while it computes (measured: 30 to 100 ms a step, more while prompts are read), so
the event loop of this process answers late by that much while the embedded model writes.
"""

from __future__ import annotations

import atexit
import functools
import os
import queue
import re
import threading
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tilth.errors import Declined, ModelError, Unavailable, require
from tilth.models.local.weights import path_of

EXACT: Final = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0, "KV_CACHE_PRECISION": "f32"}
"""OpenVINO properties under which a row of a batch equals the same row alone."""

ENDS: Final = {0, 2}
"""<|endoftext|> and <|im_end|>: either ends a reply."""

_CONTEXT: Final = 8192
"""Tokens that the model reads at most, and so those of a step: any prompt fits whole."""

_COMPANION_TEXT: Final = "The weather is"
_COMPANION_TOKENS: Final = 256


@dataclass(frozen=True, slots=True)
class Generated:
    """What came out of the pipeline: token ids with their log-probabilities, and whether it was cut at the bound."""

    ids: list[int]
    logprobs: list[float]
    cut: bool
    input: int


@dataclass(slots=True)
class Job:
    """One request on its way. settings: attributes of openvino_genai.GenerationConfig. schema: JSON Schema text."""

    text: str
    settings: dict[str, Any]
    schema: str | None = None
    context: int = _CONTEXT
    answer: Future[Generated] = field(default_factory=Future)
    handle: Any = None
    input: int = 0


class Engine:
    """The pipeline, its tokenizer and its thread. Loads at the first request; see :func:`shared_engine`.

    weights: the folder's ``openvino_model.xml``. exact: see :data:`EXACT`.
    """

    def __init__(self, weights: Path, *, exact: bool) -> None:
        self._genai = require("openvino_genai", extra="local", feature="the embedded model")
        self._folder = str(weights.parent)
        self._exact = exact
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tokenizer: Any = None
        self._pipeline: Any = None
        self._companion: Any = None
        self._serial = 0
        self._good_schemas: set[str] = set()

    def submit(self, job: Job) -> Future[Generated]:
        """Queue a job; its future gets a :class:`Generated` or a ModelError. Cancelling it frees its place."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tilth-local", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        self._jobs.put(job)
        return job.answer

    def decode(self, ids: list[int]) -> str:
        """Text of token ids, without special tokens; a leading space is kept."""
        return str(self._tokenizer.decode(ids)) if ids else ""

    def close(self) -> None:
        """End the thread and free the memory; what is in flight fails with Unavailable. A later submit starts anew."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            atexit.unregister(self.close)
            self._jobs.put(None)
            thread.join(timeout=30)

    # ---- everything below runs in the thread

    def _run(self) -> None:
        active: list[Job] = []
        while True:
            try:
                if not self._admit(active):
                    break
                self._step(active)
            except BaseException as error:  # a boundary: nobody may be left waiting for a thread that died
                self._recover(active, error)
        self._pipeline = self._companion = None
        _fail(active, Unavailable("the embedded model was closed"))

    def _admit(self, active: list[Job]) -> bool:
        """Take the waiting jobs into the batch, blocking only when there is nothing else to do; False: close."""
        while True:
            try:
                job = self._jobs.get(block=not active)
            except queue.Empty:
                return True
            if job is None:
                return False
            if job.answer.cancelled():
                continue
            try:
                self._load()
                self._add(job)
            except Exception as error:  # a boundary: this job's own trouble is its own answer
                _fail([job], error if isinstance(error, ModelError) else Declined(_line(error)))
            else:
                active.append(job)

    def _load(self) -> None:
        if self._pipeline is not None:
            return
        try:
            if self._tokenizer is None:
                self._tokenizer = self._genai.Tokenizer(self._folder)
            scheduler = self._genai.SchedulerConfig()
            if self._exact:
                scheduler.dynamic_split_fuse, scheduler.max_num_batched_tokens = False, _CONTEXT
            properties = EXACT if self._exact else {}
            self._pipeline = self._genai.ContinuousBatchingPipeline(self._folder, self._tokenizer, scheduler, "CPU", **properties)
        except Exception as error:  # a boundary: native code; any of its errors means the same
            raise Unavailable(f"the embedded model cannot be loaded: {_line(error)}") from error

    def _add(self, job: Job) -> None:
        ids = self._tokenizer.encode(job.text, add_special_tokens=False).input_ids
        job.input = int(ids.shape[1])
        if not 0 < job.input < job.context:
            raise Declined(f"a prompt of {job.input} tokens; the embedded model takes 1 to {job.context - 1}")
        config = self._genai.GenerationConfig()
        settings = {**job.settings, "max_new_tokens": min(job.settings["max_new_tokens"], job.context - job.input)}
        for key, value in settings.items():
            setattr(config, key, value)
        config.eos_token_id, config.stop_token_ids = 2, ENDS
        config.apply_chat_template = False
        config.include_stop_str_in_output = True  # without it a reply that is only its stop string is never handed out
        config.logprobs = 1
        if job.schema is not None:
            config.structured_output_config = self._genai.StructuredOutputConfig(json_schema=job.schema)
        job.handle = self._request(ids, config)

    def _request(self, ids: Any, config: Any) -> Any:
        self._serial += 1
        return self._pipeline.add_request(self._serial, ids, config)

    def _step(self, active: list[Job]) -> None:
        for job in [job for job in active if job.answer.cancelled()]:
            job.handle.cancel()
            active.remove(job)
        if not active:
            return
        self._keep_company(len(active))
        self._pipeline.step()
        running = self._genai.GenerationStatus.RUNNING
        for job in [job for job in active if job.handle.get_status() != running]:
            active.remove(job)
            self._finish(job)
        if not active:
            self._keep_company(0)
            self._pipeline.step()  # lets go of cancelled requests and their memory

    def _finish(self, job: Job) -> None:
        outputs = job.handle.read_all()
        if not outputs and not job.settings["stop_strings"]:
            _fail([job], Unavailable("the embedded model gave no output"))
            return
        if job.schema is not None:
            self._good_schemas.add(job.schema)
        if not outputs:  # a first token that is a stop string of white space: nothing is handed out
            _settle(job.answer, Generated([], [], False, job.input))
            return
        found = outputs[0]
        cut = found.finish_reason == self._genai.GenerationFinishReason.LENGTH
        _settle(job.answer, Generated(list(found.generated_ids), list(found.generated_log_probs), cut, job.input))

    def _keep_company(self, others: int) -> None:
        """In exact mode, no step may consist of one token: see the module's docstring."""
        if not self._exact:
            return
        lonely = others == 1
        over = self._companion is not None and self._companion.get_status() != self._genai.GenerationStatus.RUNNING
        if self._companion is not None and (over or not lonely):
            self._companion.cancel()
            self._companion = None
        if lonely and self._companion is None:
            config = self._genai.GenerationConfig()
            config.max_new_tokens, config.ignore_eos, config.apply_chat_template = _COMPANION_TOKENS, True, False
            self._companion = self._request(self._tokenizer.encode(_COMPANION_TEXT, add_special_tokens=False).input_ids, config)

    def _recover(self, active: list[Job], error: BaseException) -> None:
        """After an error inside a step the pipeline is unusable: a fresh one for those who are not to blame.

        The one known cause is a JSON Schema that the grammar compiler refuses, at the first step. Requests with a
        schema that never worked are declined; the others are asked again (exact settings give the same text).
        """
        for job in active:
            job.handle.cancel()
        self._pipeline = self._companion = None
        suspects = [job for job in active if job.schema is not None and job.schema not in self._good_schemas]
        others = [job for job in active if job not in suspects]
        active.clear()
        _fail(suspects, Declined(f"the embedded model cannot follow this JSON Schema: {_line(error)}"))
        if not suspects:
            _fail(others, Unavailable(f"the embedded model failed: {_line(error)}"))
        else:
            for job in others:
                self._jobs.put(job)


def _fail(jobs: list[Job], error: ModelError) -> None:
    for job in jobs:
        _settle(job.answer, error)


def _settle(answer: Future[Generated], outcome: Generated | ModelError) -> None:
    try:
        if isinstance(outcome, Generated):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)
    except InvalidStateError:
        pass  # cancelled while it was being answered: nobody waits


def _line(error: BaseException) -> str:
    """The last line of a native error, which says what, without the source file of the library that it names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return re.sub(r"^(\[[\d:]+\] )?/\S+: ?", "", last)[:300]


def shared_engine(name: str, *, exact: bool) -> Engine:
    """The process's one engine for these weights and settings. Raises RequestError when the weights are not pulled."""
    return _engine(path_of(name), exact, os.getpid())


@functools.cache
def _engine(weights: Path, exact: bool, process: int) -> Engine:
    return Engine(weights, exact=exact)  # `process`: a forked child has no thread, and starts its own
