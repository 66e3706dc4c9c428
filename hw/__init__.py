"""The edge to hardware and time: lines, capture, NVRAM, clocks, entropy."""
