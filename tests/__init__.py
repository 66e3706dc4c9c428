"""Tests of every package; see README.md for how to run them."""
