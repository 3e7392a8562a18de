//go:build tools

// Package tools names the program to build, so that go.mod and go.sum lock it.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
