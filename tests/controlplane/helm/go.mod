// Helm, which installs our chart in the tests of this folder's parent, locked by hash in go.sum.
module compute-gatekeeper.io/tests/controlplane/helm

go 1.26.0

require helm.sh/helm/v4 v4.3.1
