"""Does synthetic text help a classifier that has few real rows? Measured by Tilth alone, with its embedded model.

    python benchmarks/lowdata.py make --runs DIR         # the synthetic sets (hours: about 45 min of 2 cores); resumable
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lowdata_make import make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["make"])
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs, outside the repository")
    asked = parser.parse_args()
    asked.runs.mkdir(parents=True, exist_ok=True)
    make(asked.runs, asked.runs / "make.jsonl")


if __name__ == "__main__":
    main()
