package check

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// What must be the same in two places, and no schema knows.

func at(t *testing.T, content map[string]any, path ...string) any {
	t.Helper()
	value, found, err := unstructured.NestedFieldNoCopy(content, path...)
	if err != nil || !found {
		t.Fatalf("no %s: %v", strings.Join(path, "."), err)
	}
	return value
}

func list(t *testing.T, content map[string]any, path ...string) []map[string]any {
	t.Helper()
	var items []map[string]any
	for _, item := range at(t, content, path...).([]any) {
		items = append(items, item.(map[string]any))
	}
	return items
}

func of(documents []Document, kinds ...string) []Document {
	return slices.DeleteFunc(slices.Clone(documents), func(document Document) bool {
		return !slices.Contains(kinds, document.GetKind())
	})
}

func named(t *testing.T, documents []Document, kind, namespace, name string) Document {
	t.Helper()
	for _, document := range documents {
		if document.GetKind() == kind && document.GetNamespace() == namespace && document.GetName() == name {
			return document
		}
	}
	t.Fatalf("there is no %s %s/%s", kind, namespace, name)
	return Document{}
}

func values(t *testing.T, path string) map[string]any {
	t.Helper()
	var content map[string]any
	if err := yaml.UnmarshalStrict([]byte(read(t, path)), &content); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return content
}

// All pods of an overlay: namespace, labels, and the template they come from.
func pods(t *testing.T, documents []Document) []Document {
	return slices.DeleteFunc(of(documents, "Deployment", "Service"), func(document Document) bool {
		return document.GetAPIVersion() == "v1"
	})
}

func podLabels(t *testing.T, pod Document) map[string]any {
	return at(t, pod.Object, "spec", "template", "metadata", "labels").(map[string]any)
}

func selects(selector, labels map[string]any) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func TestEverySelectorFindsAPod(t *testing.T) {
	gateway := values(t, "k8s/gateway-values.yaml")["labels"].(map[string]any)
	local := values(t, "k8s/gateway-knative-values.yaml")["labels"].(map[string]any)
	for _, name := range overlays {
		documents := overlay(t, name)
		labels := map[string][]map[string]any{
			"istio-ingress":   {gateway},
			"knative-local":   {local},
			"knative-serving": {local}, // net-istio's Gateway lies there and selects pods by label alone
			"istio-system":    {{"app": "istiod"}},
		}
		for _, pod := range pods(t, documents) {
			labels[pod.GetNamespace()] = append(labels[pod.GetNamespace()], podLabels(t, pod))
		}
		for _, document := range documents {
			var selector any
			for _, path := range [][]string{
				{"spec", "selector", "matchLabels"}, {"spec", "podSelector", "matchLabels"}, {"spec", "selector"},
			} {
				if value, found, _ := unstructured.NestedFieldNoCopy(document.Object, path...); found {
					selector = value
					break
				}
			}
			if selector == nil || document.GetAPIVersion() == "serving.knative.dev/v1" {
				continue
			}
			if !slices.ContainsFunc(labels[document.GetNamespace()], func(labels map[string]any) bool {
				return selects(selector.(map[string]any), labels)
			}) {
				t.Errorf("%s: %s selects %v, which no pod there has", name, Name(document), selector)
			}
		}
	}
}

func TestEveryRouteLeadsToAServiceWithThatPort(t *testing.T) {
	for _, name := range overlays {
		documents := overlay(t, name)
		ports := map[string][]any{}
		for _, service := range of(documents, "Service") {
			if service.GetAPIVersion() != "v1" {
				continue
			}
			host := service.GetName() + "." + service.GetNamespace() + ".svc.cluster.local"
			for _, port := range list(t, service.Object, "spec", "ports") {
				ports[host] = append(ports[host], port["port"])
				if port["name"] != "http" || port["appProtocol"] != "http" {
					t.Errorf("%s: %s: the port's protocol is not said: %v", name, Name(service), port)
				}
			}
		}
		local := values(t, "k8s/gateway-knative-values.yaml")
		for _, port := range list(t, local, "service", "ports") {
			host := fmt.Sprintf("%s.%[1]s.svc.cluster.local", local["name"])
			ports[host] = append(ports[host], int64(port["port"].(float64)))
		}
		for _, routes := range of(documents, "VirtualService") {
			for _, http := range list(t, routes.Object, "spec", "http") {
				for _, route := range list(t, http, "route") {
					host, port := at(t, route, "destination", "host").(string), at(t, route, "destination", "port", "number")
					if !slices.Contains(ports[host], port) {
						t.Errorf("%s: %s leads to %s:%v; there are %v", name, Name(routes), host, port, ports)
					}
				}
			}
			for _, gateway := range at(t, routes.Object, "spec", "gateways").([]any) {
				named(t, documents, "Gateway", routes.GetNamespace(), gateway.(string))
			}
		}
	}
}

// A Service's targetPort is a port of its pods; and what a pod listens on is what it is told, under the user
// whom the image has.
func TestPortsAndUsersAreTheSameFromServiceToBinary(t *testing.T) {
	for _, name := range []string{"private", "gke"} {
		documents := overlay(t, name)
		for _, pod := range of(documents, "Deployment") {
			service := named(t, documents, "Service", pod.GetNamespace(), pod.GetName())
			container := list(t, pod.Object, "spec", "template", "spec", "containers")[0]
			port := list(t, container, "ports")[0]
			if target := list(t, service.Object, "spec", "ports")[0]["targetPort"]; target != port["name"] {
				t.Errorf("%s: targetPort %v, container port %v", Name(service), target, port["name"])
			}
			if told := environment(t, container)["PORT"]; told != fmt.Sprint(port["containerPort"]) {
				t.Errorf("%s: PORT is %v, the container port %v", Name(pod), told, port["containerPort"])
			}
			security := at(t, pod.Object, "spec", "template", "spec", "securityContext").(map[string]any)
			if security["runAsUser"] != int64(65532) || security["runAsNonRoot"] != true {
				t.Errorf("%s runs as %v", Name(pod), security)
			}
			for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
				if path := at(t, container, probe, "httpGet", "path").(string); !strings.HasPrefix(path, "/health/") {
					t.Errorf("%s: %s asks %s", Name(pod), probe, path)
				}
			}
		}
	}
	if matches, _ := filepath.Glob(Root + "/Dockerfile"); len(matches) == 1 {
		if !strings.Contains(read(t, "Dockerfile"), "USER 65532:65532") {
			t.Error("the Dockerfile's user is not 65532:65532, which the manifests run")
		}
	}
}

func environment(t *testing.T, container map[string]any) map[string]string {
	t.Helper()
	variables := map[string]string{}
	for _, entry := range list(t, container, "env") {
		value, _ := entry["value"].(string)
		variables[entry["name"].(string)] = value
	}
	return variables
}

// Names that a binary, or a library in it, does not know would be ignored in silence.
func TestEveryVariableIsOneThatTheBinaryReads(t *testing.T) {
	sources := func(folders ...string) string {
		var text strings.Builder
		for _, folder := range folders {
			for _, pattern := range []string{"*.rs", "*/*.rs", "*.yaml"} {
				files, _ := filepath.Glob(filepath.Join(Root, folder, pattern))
				for _, file := range files {
					text.WriteString(read(t, strings.TrimPrefix(file, Root+"/")))
				}
			}
		}
		return text.String()
	}
	known := map[string]string{
		"backend":  sources("backend/src"),
		"frontend": sources("frontend/src"),
		"proxy":    sources("proxy/src", "istio/egress"),
	}
	library := []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} // rustls-native-certs
	containers := map[string][]map[string]any{}
	for _, name := range overlays {
		for _, pod := range pods(t, overlay(t, name)) {
			service := strings.TrimSuffix(pod.GetName(), "-canary")
			containers[service] = append(containers[service], list(t, pod.Object, "spec", "template", "spec", "containers")[0])
		}
	}
	for _, name := range []string{"proxy", "frontend"} {
		containers[name] = append(containers[name], cloudRun(t, name).container)
	}
	for service, all := range containers {
		for _, container := range all {
			if container["env"] == nil {
				continue
			}
			for variable := range environment(t, container) {
				name := strings.TrimSuffix(variable, "_FILE")
				word := regexp.MustCompile(`\b(` + regexp.QuoteMeta(variable) + `|` + regexp.QuoteMeta(name) + `)\b`)
				if !slices.Contains(library, variable) && !word.MatchString(known[service]) {
					t.Errorf("%s is given %s, which its source does not name", service, variable)
				}
			}
		}
	}
}

func TestTheGatewaysSecretsAreTheOnesThatTheGuideMakes(t *testing.T) {
	guide := read(t, "docs/deploy.md")
	for _, name := range overlays {
		documents := overlay(t, name)
		for _, gateway := range of(documents, "Gateway") {
			for _, server := range list(t, gateway.Object, "spec", "servers") {
				secret, found, _ := unstructured.NestedString(server, "tls", "credentialName")
				if !found {
					continue
				}
				if !strings.Contains(guide, `keep istio-ingress "secret generic" `+secret+` `) {
					t.Errorf("%s: nobody makes the secret %s", name, secret)
				}
				for _, certificate := range of(documents, "Certificate") {
					if made := at(t, certificate.Object, "spec", "secretName"); made != secret {
						t.Errorf("%s: %s is written to %v, the gateway reads %s", name, Name(certificate), made, secret)
					}
				}
			}
		}
		for _, pod := range pods(t, documents) {
			volumes, _, _ := unstructured.NestedSlice(pod.Object, "spec", "template", "spec", "volumes")
			for _, volume := range volumes {
				secret, found, _ := unstructured.NestedString(volume.(map[string]any), "secret", "secretName")
				if found && !strings.Contains(guide, `keep `+pod.GetNamespace()+` "secret generic" `+secret+` `) {
					t.Errorf("%s: nobody makes the secret %s that %s mounts", name, secret, Name(pod))
				}
			}
		}
	}
}

// The gateway is what the policies call it: its label, its account, its ports, its load balancer.
func TestTheGatewaysHelmValuesAreWhatTheDocumentsExpect(t *testing.T) {
	shared := values(t, "k8s/gateway-values.yaml")
	account := at(t, shared, "serviceAccount", "name")
	principal := fmt.Sprintf("cluster.local/ns/%s/sa/%s", shared["name"], account)
	if !strings.Contains(read(t, "istio/mesh/backend.yaml"), "- "+principal+"\n") {
		t.Errorf("the backend does not admit %s", principal)
	}
	for overlayName, file := range map[string]string{"private": "k8s/gateway-private-values.yaml", "gke": "k8s/gateway-gke-values.yaml"} {
		var open []any
		for _, port := range list(t, values(t, file), "service", "ports") {
			open = append(open, int64(port["port"].(float64)))
		}
		documents := overlay(t, overlayName)
		for _, gateway := range of(documents, "Gateway") {
			for _, server := range list(t, gateway.Object, "spec", "servers") {
				if port := at(t, server, "port", "number"); !slices.Contains(open, port) {
					t.Errorf("%s has a server on port %v; %s opens %v", Name(gateway), port, file, open)
				}
			}
		}
		policy := named(t, documents, "NetworkPolicy", "istio-ingress", "gateway")
		var admitted []any
		for _, port := range list(t, list(t, policy.Object, "spec", "ingress")[0], "ports") {
			admitted = append(admitted, port["port"])
		}
		for _, port := range open {
			if !slices.Contains(admitted, port) {
				t.Errorf("%s opens %v, the NetworkPolicy admits %v", file, port, admitted)
			}
		}
	}
	private := values(t, "k8s/gateway-private-values.yaml")
	for key, want := range map[string]string{
		"networking.gke.io/load-balancer-type":                         "Internal",
		"networking.gke.io/internal-load-balancer-allow-global-access": "true",
	} {
		if got := at(t, private, "service", "annotations").(map[string]any)[key]; got != want {
			t.Errorf("%s is %v", key, got)
		}
	}
}

// The policy's open path is one that the backend has, and so is the guarded one.
func TestThePoliciesSpeakAboutPathsThatTheBackendHas(t *testing.T) {
	router := read(t, "backend/src/lib.rs")
	for _, path := range []string{"/api/healthz", "/api/secure.json"} {
		if !strings.Contains(router, `.route("`+path+`"`) {
			t.Errorf("the backend has no route %s", path)
		}
	}
	for _, topology := range []string{"private", "gke"} {
		documents, err := File("istio/" + topology + "/policy.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range list(t, documents[0].Object, "spec", "rules") {
			for _, to := range list(t, rule, "to") {
				paths, _, _ := unstructured.NestedStringSlice(to, "operation", "paths")
				for _, path := range paths {
					if path != "/api/healthz" && path != "/api/*" {
						t.Errorf("%s: the policy speaks of %s", topology, path)
					}
				}
			}
		}
	}
}

type run struct {
	document               Document
	annotations            map[string]any
	spec, container        map[string]any
	instances, concurrency int64
}

func cloudRun(t *testing.T, name string) run {
	t.Helper()
	documents, err := File("k8s/cloud-run/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	template := at(t, documents[0].Object, "spec", "template").(map[string]any)
	service := run{
		document:    documents[0],
		annotations: at(t, template, "metadata", "annotations").(map[string]any),
		spec:        at(t, template, "spec").(map[string]any),
		container:   list(t, template, "spec", "containers")[0],
	}
	_, _ = fmt.Sscan(fmt.Sprint(service.annotations["autoscaling.knative.dev/maxScale"]), &service.instances)
	return service
}

func TestTheCloudRunFilesKeepThePlatformsRules(t *testing.T) {
	schemas := loaded(t)
	var instances int64
	for _, name := range []string{"proxy", "frontend"} {
		service := cloudRun(t, name)
		for _, problem := range schemas.Problems(service.document) {
			t.Errorf("%s: %s", name, problem)
		}
		instances += service.instances
		if service.annotations["run.googleapis.com/vpc-access-connector"] != nil {
			t.Errorf("%s has a connector and Direct VPC egress", name)
		}
		if !strings.Contains(fmt.Sprint(service.annotations["run.googleapis.com/network-interfaces"]), `"subnetwork":"acme-run"`) {
			t.Errorf("%s is not in the subnet acme-run", name)
		}
		if strings.Contains(read(t, "k8s/cloud-run/"+name+".yaml"), "tcpSocket") {
			t.Errorf("%s: an open port is no proof of anything", name)
		}
		startup := at(t, service.container, "startupProbe").(map[string]any)
		if budget := startup["periodSeconds"].(int64) * startup["failureThreshold"].(int64); budget < 120 || budget > 240 {
			t.Errorf("%s: %d s to start; a way into the VPC may take 80 s, Cloud Run allows 240", name, budget)
		}
		for _, probe := range []string{"startupProbe", "livenessProbe"} {
			path := at(t, service.container, probe, "httpGet", "path").(string)
			if strings.HasSuffix(path, "z") || !strings.HasPrefix(path, "/health/") {
				t.Errorf("%s: %s asks %s", name, probe, path)
			}
			if values := at(t, service.container, probe).(map[string]any); values["timeoutSeconds"].(int64) > values["periodSeconds"].(int64) {
				t.Errorf("%s: %s: the time-out is longer than the period", name, probe)
			}
		}
		if cpu := at(t, service.container, "resources", "limits", "cpu"); cpu != "1" {
			t.Errorf("%s: below one CPU there is one request at a time: %v", name, cpu)
		}
		if environment(t, service.container)["PORT"] != "" {
			t.Errorf("%s: PORT is Cloud Run's to set", name)
		}
		mounts := map[any]any{}
		for _, mount := range list(t, service.container, "volumeMounts") {
			if mounts[mount["mountPath"]] != nil {
				t.Errorf("%s: two secrets in %v", name, mount["mountPath"])
			}
			mounts[mount["mountPath"]] = mount["name"]
		}
		guide := read(t, "docs/deploy.md")
		for _, volume := range list(t, service.spec, "volumes") {
			secret := at(t, volume, "secret", "secretName").(string)
			if !strings.Contains(guide, "\nput "+secret+" ") || !strings.HasPrefix(secret, name+"-") {
				t.Errorf("%s: the guide makes no secret %s, or gives it to somebody else", name, secret)
			}
			for _, item := range list(t, volume, "secret", "items") {
				if item["mode"] != nil {
					t.Errorf("%s: a mode would make %s unreadable", name, secret)
				}
				file := fmt.Sprintf("/secrets/%s/%s", volume["name"], item["path"])
				if !strings.Contains(strings.Join(environmentValues(t, service.container), " "), file) {
					t.Errorf("%s: no variable names %s", name, file)
				}
			}
		}
	}
	proxy := cloudRun(t, "proxy").document
	if proxy.GetAnnotations()["run.googleapis.com/ingress"] != "internal" {
		t.Error("the proxy can be reached from the internet")
	}
	if cloudRun(t, "frontend").annotations["run.googleapis.com/vpc-access-egress"] != "all-traffic" {
		t.Error("the front end's call to the proxy would not come from the VPC")
	}
	// twice the instances while revisions change, and their range is the one that the load balancer admits
	ranges := regexp.MustCompile(`(?s)subnets create acme-run .*?--range=(\S+)`).FindStringSubmatch(read(t, "docs/deploy.md"))
	subnet := netip.MustParsePrefix(ranges[1])
	if room := int64(1) << (32 - subnet.Bits()); 2*instances > room {
		t.Errorf("%d instances at most, twice during a release, do not fit into %s", instances, subnet)
	}
	admitted := at(t, values(t, "k8s/gateway-private-values.yaml"), "service", "loadBalancerSourceRanges").([]any)
	if admitted[0] != subnet.String() {
		t.Errorf("the load balancer admits %v, Cloud Run calls from %s", admitted, subnet)
	}
}

func environmentValues(t *testing.T, container map[string]any) []string {
	var all []string
	for _, value := range environment(t, container) {
		all = append(all, value)
	}
	return all
}

// The three files of the client's certificate are where the design says, for the documents of the image.
func TestTheProxysArgumentsAreTheImagesFiles(t *testing.T) {
	arguments := fmt.Sprint(cloudRun(t, "proxy").container["args"])
	want := "[--namespace cloud-run --labels app=proxy --config /istio/egress --mesh-config /istio/mesh-config-egress.yaml]"
	if arguments != want {
		t.Errorf("%s, not %s", arguments, want)
	}
	if matches, _ := filepath.Glob(Root + "/Dockerfile"); len(matches) == 1 {
		for _, path := range []string{"/istio/egress", "/istio/mesh-config-egress.yaml"} {
			if !strings.Contains(read(t, "Dockerfile"), path) {
				t.Errorf("the Dockerfile copies nothing to %s", path)
			}
		}
	}
}
