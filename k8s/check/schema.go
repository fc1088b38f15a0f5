package check

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// definitions are where the CustomResourceDefinitions lie: in the modules of the projects that own them.
var definitions = []struct{ module, files string }{
	{"istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"},
	{"knative.dev/serving", "config/core/300-resources/service.yaml"},
	{"github.com/cert-manager/cert-manager", "deploy/crds/crd-*.yaml"},
}

// Schemas validates custom resources as an API server does: unknown fields, types, enumerations, and the
// rules written in CEL.
type Schemas map[string]*kind

type kind struct {
	structural *schema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
}

// Load reads the definitions from the modules named in go.mod.
func Load() (Schemas, error) {
	schemas := Schemas{}
	for _, source := range definitions {
		directory, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", source.module).Output()
		if err != nil {
			return nil, fmt.Errorf("go list %s: %w", source.module, err)
		}
		files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(directory)), source.files))
		if len(files) == 0 {
			return nil, fmt.Errorf("%s has no %s; `go mod download` fetches it", source.module, source.files)
		}
		for _, file := range files {
			if err := schemas.read(file); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return schemas, nil
}

func (schemas Schemas) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, part := range strings.Split("\n"+string(text), "\n---") {
		var definition v1.CustomResourceDefinition
		if err := yaml.Unmarshal([]byte(part), &definition); err != nil {
			return err
		}
		if definition.Kind != "CustomResourceDefinition" {
			continue
		}
		var internal apiextensions.CustomResourceDefinition
		if err := v1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&definition, &internal, nil); err != nil {
			return err
		}
		for _, version := range definition.Spec.Versions {
			compiled, err := compile(&internal, version.Name)
			if err != nil {
				return fmt.Errorf("%s %s: %w", definition.Name, version.Name, err)
			}
			schemas[definition.Spec.Group+"/"+version.Name+" "+definition.Spec.Names.Kind] = compiled
		}
	}
	return nil
}

func compile(definition *apiextensions.CustomResourceDefinition, version string) (*kind, error) {
	properties, err := apiextensions.GetSchemaForVersion(definition, version)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(properties.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	openAPI, _, err := validation.NewSchemaValidator(properties.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	return &kind{structural, openAPI, rules}, nil
}

// Knows tells whether there is a definition of the document's kind.
func (schemas Schemas) Knows(document Document) bool {
	return schemas[document.GetAPIVersion()+" "+document.GetKind()] != nil
}

// Problems are what an API server would answer to this document; none means that it would take it.
func (schemas Schemas) Problems(document Document) []string {
	kind := schemas[document.GetAPIVersion()+" "+document.GetKind()]
	if kind == nil {
		return []string{"no definition of " + document.GetAPIVersion() + " " + document.GetKind()}
	}
	object := document.DeepCopy().Object
	track := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	var problems []string
	for _, path := range pruning.PruneWithOptions(object, kind.structural, true, track) {
		problems = append(problems, "unknown field "+path)
	}
	object = document.DeepCopy().Object
	defaulting.Default(object, kind.structural)
	errors := validation.ValidateCustomResource(field.NewPath(""), object, kind.openAPI)
	errors = append(errors, listtype.ValidateListSetsAndMaps(field.NewPath(""), kind.structural, object)...)
	if len(errors) == 0 && kind.rules != nil {
		found, _ := kind.rules.Validate(context.Background(), field.NewPath(""), kind.structural, object, nil, celconfig.RuntimeCELCostBudget)
		errors = append(errors, found...)
	}
	for _, err := range errors {
		problems = append(problems, err.Error())
	}
	return problems
}
