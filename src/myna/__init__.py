"""Myna: an open, self-hosted AI for social networks. Start at `myna.app.Myna`; the command line is `myna.cli`."""

import os

# The arrays here are small, and OpenBLAS's threads wait for each other by spinning: on a machine that does something
# else too, fitting the draft guard took ten times as long with two threads as with one. Torch has threads of its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
