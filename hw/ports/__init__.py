"""Serial ports: octets and V.24 circuits, all kinds behind one port (`port.py`)."""
