"""A provider's what-if: the real gate, meter and store under a virtual clock; only cluster and counters are made up."""
