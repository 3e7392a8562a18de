"""Names that we write into the cluster. The chart's policies guard the same ones (helm/compute-gatekeeper)."""

PREFIX = "compute-gatekeeper.io"
GATE = f"{PREFIX}/flop-lease"
RESERVATION = f"{PREFIX}/reservation"  # pod annotation: the reservation that its release rests on
CLEARED = f"{PREFIX}/cleared"  # namespace label
CLEARED_UNTIL = f"{PREFIX}/cleared-until"  # namespace annotation, RFC 3339
# Kubelets cannot change labels under this prefix (NodeRestriction admission), so a node cannot say of itself
# that it has no accelerators.
ACCELERATOR_NODE = "node-restriction.kubernetes.io/compute-gatekeeper-accelerator"
STOP_QUOTA = "compute-gatekeeper-stop"
# The provider's own word for what a node has, where its kubelet's is not to be trusted or says nothing.
PRODUCT = "node-restriction.kubernetes.io/compute-gatekeeper-product"
STATIC_POD = "kubernetes.io/config.mirror"  # on the object that stands for a static pod: hash of its file on the node
