"""`python -m tilth` is the same as `tilth`."""

import sys

from tilth.cli import main

sys.exit(main())
