"""A real Kubernetes on loopback ports for the tests: built, started, used and ended from Python.

Read in this order: `plane` (the control plane and who may call it), `components` (its command lines), `fake_node` and
`node` (where pods run), then `binaries` and `toolchain` (where the programs come from). `processes` is beneath all.
`python -m tests.controlplane.harness up --node` starts one to try by hand.
"""
