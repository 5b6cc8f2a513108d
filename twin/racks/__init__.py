"""Racks: every technology is a row of coefficients, never a branch in the loop."""
