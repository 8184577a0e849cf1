//go:build tools

// Package tools pins the helm program that the tests render and install the charts with, so that `go mod tidy` keeps it.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
