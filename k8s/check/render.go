// Package check builds every kustomize overlay, fills in the variables as the guide's commands do, and asks
// of each document what an API server would ask; its tests also hold the parts of the deployment together
// that no schema can: names, ports and labels that must be the same in two places, and the guide's commands.
//
//	go test ./...       (or ./test --only manifests, from the root, which also installs what this needs)
package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Root is the repository, seen from this package's folder.
const Root = "../.."

// Values stand for what the guide exports. Their shapes are those of a real project.
var Values = map[string]string{
	"GOOGLE_CLOUD_PROJECT": "acme-shop-123456",
	"AUTH_JWKS_URI":        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
	"GATEWAY_ADDRESS":      "gateway.mesh.internal",
	"GATEWAY_PORT":         "443",
	"PUBLIC_HOST":          "shop.example.com",
	"HTTPS_REDIRECT":       "true",
	"ACME_EMAIL":           "platform@example.com",
	"BACKEND_IMAGE":        image("backend"),
	"FRONTEND_IMAGE":       image("frontend"),
	"PROXY_IMAGE":          image("proxy"),
	"PROXY_URL":            "https://proxy-abcdefghij-ew.a.run.app",
}

func image(name string) string {
	return "europe-west1-docker.pkg.dev/acme-shop-123456/acme/" + name + "@sha256:" + strings.Repeat("0", 64)
}

// Overlay is what `kubectl kustomize DIR` prints; dir is relative to Root.
func Overlay(dir string) (string, error) {
	kustomizer := krusty.MakeKustomizer(krusty.MakeDefaultOptions())
	resources, err := kustomizer.Run(filesys.MakeFsOnDisk(), filepath.Join(Root, dir))
	if err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	text, err := resources.AsYaml()
	return string(text), err
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// Names are the variables that a text leaves open, sorted.
func Names(text string) []string {
	seen := map[string]bool{}
	for _, match := range variable.FindAllStringSubmatch(text, -1) {
		seen[match[1]] = true
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Substitute does what envsubst does with a list of all the names.
func Substitute(text string) (string, error) {
	for _, name := range Names(text) {
		value, known := Values[name]
		if !known {
			return "", fmt.Errorf("${%s} is not a variable of the guide", name)
		}
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text, nil
}

// Document is one YAML document. Numbers without a fraction are integers, as for an API server.
type Document = unstructured.Unstructured

// Parse reads a stream of documents.
func Parse(text string) ([]Document, error) {
	var documents []Document
	for at, part := range strings.Split("\n"+text, "\n---") {
		raw, err := yaml.YAMLToJSONStrict([]byte(part))
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", at+1, err)
		}
		if bytes.Equal(raw, []byte("null")) {
			continue
		}
		var content map[string]any
		if err := json.Unmarshal(raw, &content); err != nil {
			return nil, fmt.Errorf("document %d: %w", at+1, err)
		}
		documents = append(documents, Document{Object: content})
	}
	return documents, nil
}

// File reads a file's documents, with its variables filled in; path is relative to Root.
func File(path string) ([]Document, error) {
	text, err := os.ReadFile(filepath.Join(Root, path))
	if err != nil {
		return nil, err
	}
	filled, err := Substitute(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	documents, err := Parse(filled)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return documents, nil
}

// Name says which document it is in an error.
func Name(document Document) string {
	return fmt.Sprintf("%s %s/%s", document.GetKind(), document.GetNamespace(), document.GetName())
}
