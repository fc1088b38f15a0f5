package check

import (
	"strings"
	"sync"
	"testing"
)

var schemas = sync.OnceValues(Load)

func loaded(t *testing.T) Schemas {
	t.Helper()
	schemas, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	return schemas
}

// A check that lets everything pass is worse than none: each of these must be refused, and for its reason.
func TestMistakesAreRefused(t *testing.T) {
	schemas := loaded(t)
	for _, mistake := range []struct{ file, right, wrong, word string }{
		{"istio/private/routes.yaml", "prefix: /api/", "prefx: /api/", "unknown field spec.http[0].match[0].uri.prefx"},
		{"istio/private/routes.yaml", "timeout: 2s", "timeout: ten", "must be a valid duration"},
		{"istio/private/gateway.yaml", "mode: MUTUAL", "mode: MUTUALLY", "Unsupported value"},
		{"istio/private/gateway.yaml", "number: 443", "number: https", "must be of type integer"},
		{"istio/private/policy.yaml", "action: ALLOW", "action: PERMIT", "Unsupported value"},
		{"istio/private/users.yaml", "security.istio.io/v1", "authentication.istio.io/v1alpha1", "no definition"},
		{"istio/mesh/peer-authentication.yaml", "mode: STRICT", "mode: 1", "must be of type string"},
		{"k8s/cloud-run/proxy.yaml", "containerConcurrency: 500", "containerConcurency: 500", "unknown field"},
		{"k8s/components/cert-manager/gke/certificate.yaml", "algorithm: ECDSA", "algorithm: EC", "Unsupported value"},
	} {
		documents, err := File(mistake.file)
		if err != nil {
			t.Fatal(err)
		}
		if problems := all(schemas, documents); problems != "" {
			t.Errorf("%s as it is: %s", mistake.file, problems)
		}
		text := read(t, mistake.file)
		if !strings.Contains(text, mistake.right) {
			t.Fatalf("%s has no %q to be changed", mistake.file, mistake.right)
		}
		filled, err := Substitute(strings.Replace(text, mistake.right, mistake.wrong, 1))
		if err != nil {
			t.Fatal(err)
		}
		documents, err = Parse(filled)
		if err != nil {
			t.Fatal(err)
		}
		if problems := all(schemas, documents); !strings.Contains(problems, mistake.word) {
			t.Errorf("%s with %q: expected %q among %q", mistake.file, mistake.wrong, mistake.word, problems)
		}
	}
}

func all(schemas Schemas, documents []Document) string {
	var found []string
	for _, document := range documents {
		found = append(found, schemas.Problems(document)...)
	}
	return strings.Join(found, "; ")
}
