"""A real Kubernetes on loopback ports for the tests: built, started, used and ended from Python."""
