"""The franking machine: firmware, security device, registers, franking."""
