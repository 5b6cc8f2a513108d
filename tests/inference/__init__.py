"""Tests of twin.inference, and how the serving library is derived."""
