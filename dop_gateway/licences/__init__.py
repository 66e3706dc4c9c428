"""Makers, applications, licences and their changes."""
