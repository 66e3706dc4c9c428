"""The recharge server of one OEM: accounts, ledger, dialogues, operations."""
