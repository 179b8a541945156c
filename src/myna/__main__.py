"""`python -m myna` is `myna`; torchrun starts it so."""

from myna.cli import main

main()
