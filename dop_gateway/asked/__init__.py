"""Requests that were answered, so that the same one again gets the same answer."""
