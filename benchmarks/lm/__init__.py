"""Measures of the language model, a file each; `myna bench training` runs them."""
