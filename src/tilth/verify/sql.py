"""SQL: a query is run on a small database, read-only, and its rows are compared with those of the gold query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from ..errors import require
from .base import Verdict
from .reading import OfRow
from .workers import Workers, unanswered, work

if TYPE_CHECKING:
    from ..engine.run import Run


class Sql(OfRow):
    """Whether a query returns what the gold query returns: the same rows, in the same order only where the gold query orders them.

    The database is built in memory from its SQL, then closed for writing; queries run in a process with limits of time,
    memory and rows. Both must be one SELECT. Several databases (a list) must all agree, which catches queries that are right
    by chance (Zhong, Yu and Klein 2020, distilled test suites). Execution accuracy as in Yu et al. 2018 (Spider).

    Failed with ``not_sql``, ``not_a_query``, ``several_statements``, ``sql_error``, ``columns``, ``rows``, ``order``,
    ``too_many_rows`` or ``too_slow``; unscored where the gold query or database is at fault (``gold_...``, ``bad_database``,
    ``gold_ambiguous``: its rows depend on chance) and with ``timeout``. Rows that the gold query's ORDER BY ranks alike may
    stand in any order.
    """

    name: ClassVar[str] = "sql"
    arguments: ClassVar[Mapping[str, str]] = {
        "query": "the SQL query",
        "gold": "the right query",
        "database": "SQL that builds the database, or a list of such texts",
    }

    dialect: str = Field("sqlite", description="Dialect of query, gold and database (sqlglot's names); others are translated to SQLite.")
    order: Literal["auto", "always", "never"] = Field("auto", description="Whether order counts; auto: where the gold query orders.")
    tolerance: float = Field(1e-6, ge=0, description="Relative, for numbers that are not whole.")
    max_rows: int = Field(10_000, ge=1, description="Most rows of a result.")
    seconds: float = Field(5.0, gt=0, le=120, description="Limit of one row.")

    _workers: Workers = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        sqlglot = require("sqlglot", extra="sql", feature="verify sql")
        sqlglot.Dialect.get_or_raise(self.dialect)
        self._workers = Workers("tilth.verify.tables:in_worker", seconds=self.seconds, megabytes=1024)

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """Run a row's `query` and `gold` on its `database`."""
        taken = self.take(row)
        for argument in ("gold", "database"):
            if not taken[argument]:
                return Verdict("unscored", f"no_{argument}")
        if not (taken["query"] or "").strip():
            return Verdict("failed", "not_sql")
        databases = [taken["database"]] if isinstance(taken["database"], str) else list(taken["database"])
        settings = self.model_dump(include={"dialect", "order", "tolerance", "max_rows"})
        payload = {"query": taken["query"], "gold": taken["gold"], "databases": databases, **settings}
        reply = await work(run, self._workers, payload, version=self.version)
        if (nothing := unanswered(reply)) is not None:
            return nothing
        found = reply["value"]
        return Verdict(found["state"], found["reason"], found["evidence"])
