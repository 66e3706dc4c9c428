"""Incidents, downloads, remaining funds, reconciliation."""
