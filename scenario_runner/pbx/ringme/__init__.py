"""The driver for PBXs that speak RingMe's REST dialect, whatever carries the requests."""
