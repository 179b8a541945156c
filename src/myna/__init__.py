"""Myna: an open, self-hosted AI for social networks. Start at `myna.app.Myna`; the command line is `myna.cli`."""

__version__ = "0.1.0"
