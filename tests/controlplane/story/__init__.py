"""The story of `make demo-cluster`: a real control plane, a real kubelet, accelerators that exist only by name."""
