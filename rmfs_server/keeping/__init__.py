"""Keeping a server for years: copies of it, and looking whether all is well."""
