"""Scenarios: a machine's day, week or year as a TOML file, with what is expected of it.

A file is read strictly (`reading`): every key is known, every name is one that can be,
and what is wrong is told with its line, its place and what is possible. What comes out
is data (`steps`, `scenario`); who plays it brings machine, server and time. The library
of scenarios is part of this package (`library`).

Source: docs/scenarios.md; the form is this product's own.
"""
