"""An exporter of device counters that prints what dcgm-exporter prints, with values that a test or demo sets."""
