"""Accounting of what post offices take: heads, daily lists, accounts, schedules."""
