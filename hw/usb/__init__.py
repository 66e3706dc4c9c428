"""USB: a port over two bulk endpoints of a device, and devices without hardware."""
