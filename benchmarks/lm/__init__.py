"""The parts of `myna bench training`, one claim a file; each has `rows(data, quick)`."""
