"""The audit trail: who did what, when and why, in a chain that shows every change."""
