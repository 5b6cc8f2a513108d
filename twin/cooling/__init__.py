"""The cooling chain from the cold plate to the outdoor air."""
