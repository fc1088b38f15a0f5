//go:build schemas

// Modules whose code is not used, only the CustomResourceDefinitions that lie in them; this file keeps
// them in go.mod.

package check

import (
	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	_ "istio.io/api/label"
	_ "knative.dev/serving/config/core/300-resources"
)
