"""Lines between a machine and a recharge server, all behind one port (`port.py`)."""
