"""Scales, all behind one port (`port.py`): simulated, or on a serial port."""
