"""Dated parameters: what is shipped, and what a deployment sets for its own dates."""
