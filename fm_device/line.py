"""The name by which simulations dial; `fm_device.program` is where Twisted may be."""

from fm_device.program import dial

__all__ = ["dial"]
