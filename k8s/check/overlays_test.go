package check

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var overlays = []string{"private", "private-cert-manager", "gke", "gke-cert-manager", "gke-knative", "canary"}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func overlay(t *testing.T, name string) []Document {
	t.Helper()
	text, err := Overlay("k8s/overlays/" + name)
	if err != nil {
		t.Fatal(err)
	}
	filled, err := Substitute(text)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := Parse(filled)
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func TestEveryOverlayIsListedHere(t *testing.T) {
	folders, err := os.ReadDir(Root + "/k8s/overlays")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !slices.Contains(overlays, folder.Name()) {
			t.Errorf("k8s/overlays/%s is not checked", folder.Name())
		}
	}
}

// Custom resources are validated here. Kubernetes' own kinds are written to RENDERED_DIR/kubernetes, where the
// suite `manifests` gives them to kubernetes-validate, and the ingress gateway's to RENDERED_DIR/OVERLAY, where it
// gives them to `proxy check`: a laptop must be able to run what the cluster gets.
func TestEveryDocumentOfEveryOverlayFitsItsSchema(t *testing.T) {
	schemas := loaded(t)
	builtin := regexp.MustCompile(`^(v1|apps/v1|autoscaling/v2|policy/v1|networking\.k8s\.io/v1)$`)
	for _, name := range overlays {
		for _, document := range overlay(t, name) {
			if builtin.MatchString(document.GetAPIVersion()) {
				rendered(t, "kubernetes", name, document)
				continue
			}
			if strings.Contains(document.GetAPIVersion(), "istio.io/") && document.GetNamespace() == "istio-ingress" {
				rendered(t, name, name, document)
			}
			for _, problem := range schemas.Problems(document) {
				t.Errorf("%s: %s: %s", name, Name(document), problem)
			}
		}
	}
}

func rendered(t *testing.T, folder, overlay string, document Document) {
	t.Helper()
	directory := os.Getenv("RENDERED_DIR")
	if directory == "" {
		return
	}
	text, err := document.MarshalJSON() // JSON is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	directory = filepath.Join(directory, folder)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	name := strings.NewReplacer(" ", "-", "/", "-").Replace(overlay + " " + Name(document) + ".yaml")
	if err := os.WriteFile(filepath.Join(directory, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Whatever a laptop enforced is what the cluster gets: each document of istio/ is in the overlay, unchanged,
// and no other document of its kind is.
func TestTheIstioDocumentsAreTheOnesThatALaptopRuns(t *testing.T) {
	for overlayName, folders := range map[string][]string{
		"private":              {"istio/private", "istio/mesh"},
		"private-cert-manager": {"istio/private", "istio/mesh"},
		"gke":                  {"istio/gke", "istio/mesh"},
		"gke-cert-manager":     {"istio/gke", "istio/mesh"},
	} {
		var expected []Document
		for _, folder := range folders {
			files, _ := filepath.Glob(filepath.Join(Root, folder, "*.yaml"))
			for _, file := range files {
				if filepath.Base(file) == "kustomization.yaml" {
					continue
				}
				documents, err := File(strings.TrimPrefix(file, Root+"/"))
				if err != nil {
					t.Fatal(err)
				}
				expected = append(expected, documents...)
			}
		}
		var found []Document
		for _, document := range overlay(t, overlayName) {
			if strings.Contains(document.GetAPIVersion(), "istio.io/") {
				found = append(found, document)
			}
		}
		if len(found) != len(expected) {
			t.Errorf("%s has %d Istio documents, its folders in istio/ have %d", overlayName, len(found), len(expected))
		}
		for _, document := range expected {
			same := slices.ContainsFunc(found, func(other Document) bool {
				return reflect.DeepEqual(other.Object, document.Object)
			})
			if !same {
				t.Errorf("%s: %s is not what istio/ says", overlayName, Name(document))
			}
		}
	}
}

// Wherever a command names variables for envsubst, they are the ones that the text before the pipe leaves
// open: one too few and a `${…}` reaches the cluster, one too many and a `$` in a document is eaten.
func TestEnvsubstIsGivenExactlyTheNamesThatAreUsed(t *testing.T) {
	kustomized := regexp.MustCompile(`kubectl kustomize (\S+)[\s\\#|]*envsubst '([^']*)'`)
	redirected := regexp.MustCompile(`envsubst '([^']*)'[\s\\#]*<\s*"?([^\s"]+)`)
	count := 0
	for _, path := range commandFiles(t) {
		text := read(t, path)
		for _, match := range kustomized.FindAllStringSubmatch(text, -1) {
			rendered, err := Overlay(match[1])
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			compare(t, path+": "+match[1], rendered, match[2])
			count++
		}
		for _, match := range redirected.FindAllStringSubmatch(text, -1) {
			if file := match[2]; strings.Contains(file, "$document") { // the guide's loop over two policies
				both := read(t, strings.Replace(file, "$document", "users", 1)) + read(t, strings.Replace(file, "$document", "policy", 1))
				compare(t, path+": "+file, both, match[1])
			} else {
				compare(t, path+": "+file, read(t, file), match[1])
			}
			count++
		}
	}
	if count < 15 {
		t.Errorf("only %d commands with envsubst found: the expressions no longer fit", count)
	}
}

func compare(t *testing.T, where, text, list string) {
	t.Helper()
	listed := strings.Fields(strings.ReplaceAll(list, "$", ""))
	slices.Sort(listed)
	body := regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(text, "")
	if used := Names(body); !slices.Equal(listed, used) {
		t.Errorf("%s: envsubst is given %v, the documents use %v", where, listed, used)
	}
}

// Every file that may contain a command for a person or a machine.
func commandFiles(t *testing.T) []string {
	t.Helper()
	files := []string{"docs/deploy.md", "cloudbuild.yaml"}
	for _, folder := range []string{"k8s", "istio"} {
		err := filepath.WalkDir(filepath.Join(Root, folder), func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".yaml") && !strings.Contains(path, "/check/") {
				files = append(files, strings.TrimPrefix(path, Root+"/"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// What it declares, who reads it, how to apply it, what one sees without it.
func TestEveryDocumentOpensWithWhatItIs(t *testing.T) {
	for _, path := range commandFiles(t) {
		if !strings.HasSuffix(path, ".yaml") {
			continue
		}
		text := read(t, path)
		if !strings.HasPrefix(text, "# ") {
			t.Errorf("%s does not open with a comment", path)
		}
		if base := filepath.Base(path); base == "kustomization.yaml" && !strings.Contains(path, "overlays") {
			continue // its documents say it
		}
		for _, word := range []string{"# Read by:", "# Without:"} {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not say %q", path, word)
			}
		}
	}
}
