package check

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The guide's commands: all of them are read by a shell and by shellcheck, those that deploy/up and deploy/down
// run are run, against stand-ins for the tools, and what they say to gcloud is looked at by gcloud if it is
// installed.

func bash(t *testing.T, script string) {
	t.Helper()
	command := exec.Command("bash", "-n")
	command.Stdin = strings.NewReader(script)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, output, script)
	}
}

func TestEveryBlockOfTheGuideIsGoodShell(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```bash[^\n]*\n(.*?)^```$").FindAllStringSubmatch(read(t, "docs/deploy.md"), -1)
	if len(blocks) < 50 {
		t.Fatalf("only %d blocks found", len(blocks))
	}
	var whole strings.Builder
	for _, block := range blocks {
		bash(t, block[1])
		whole.WriteString(block[1])
	}
	shellcheck(t, "docs/deploy.md", whole.String())
	for _, direction := range []string{"up", "down"} {
		for _, topology := range []string{"private", "gke"} {
			script, err := exec.Command(Root+"/deploy/guide", direction, topology).Output()
			if err != nil {
				t.Fatal(err)
			}
			shellcheck(t, "deploy/guide "+direction+" "+topology, string(script))
		}
	}
	for _, script := range []string{"deploy/up", "deploy/down", "deploy/guide", "k8s/check/testdata/stand-in"} {
		shellcheck(t, script, read(t, script))
	}
}

func shellcheck(t *testing.T, name, script string) {
	t.Helper()
	tool := os.Getenv("SHELLCHECK")
	if tool == "" {
		t.Log("shellcheck: not run (./test --only manifests installs it and says where in SHELLCHECK)")
		return
	}
	// 2034: a variable of one block is used in another; 2317: so is a function
	command := exec.Command(tool, "--shell=bash", "--exclude=SC2034,SC2317,SC2329", "-")
	command.Stdin = strings.NewReader(script)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, output)
	}
}

// A project as the stand-ins remember it.
type project struct{ home, record, state, applied string }

func newProject(t *testing.T) project {
	t.Helper()
	home := t.TempDir()
	made := project{home, home + "/record", home + "/state", home + "/applied"}
	for _, folder := range []string{"state", "applied", "bin", "rendered"} {
		if err := os.Mkdir(filepath.Join(home, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	standIn, _ := filepath.Abs("testdata/stand-in")
	for _, tool := range []string{"gcloud", "kubectl", "helm", "curl"} {
		if err := os.Symlink(standIn, home+"/bin/"+tool); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range overlays {
		text, err := Overlay("k8s/overlays/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(home+"/rendered/"+name+".yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// Runs deploy/up or deploy/down and gives back how the tools were called.
func (project project) deploy(t *testing.T, input string, arguments ...string) (calls [][]string, output string, err error) {
	t.Helper()
	_ = os.Remove(project.record)
	command := exec.Command(filepath.Join(Root, "deploy", arguments[0]), arguments[1:]...)
	command.Env = []string{
		"PATH=" + project.home + "/bin:" + os.Getenv("PATH"), "HOME=" + project.home, "PROJECT=acme-shop-123456",
		"PAUSE=0", "RECORD=" + project.record, "STATE=" + project.state, "APPLIED=" + project.applied,
		"RENDERED=" + project.home + "/rendered",
	}
	command.Stdin = strings.NewReader(input)
	text, err := command.CombinedOutput()
	record, _ := os.ReadFile(project.record)
	for _, call := range bytes.Split(bytes.TrimSuffix(record, []byte("\x1e")), []byte("\x1e")) {
		if len(call) > 0 {
			calls = append(calls, strings.Split(string(call), "\x1f"))
		}
	}
	return calls, string(text), err
}

var making = regexp.MustCompile(`^gcloud .*\b(create|submit|versions add)\b|^curl .*(initializeAuth|/accounts --data)`)

func TestUpMakesEverythingOnceAndDownLeavesNothing(t *testing.T) {
	for _, topology := range []string{"private", "gke"} {
		t.Run(topology, func(t *testing.T) {
			project := newProject(t)
			calls, output, err := project.deploy(t, "", "up", topology)
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			recorded = append(recorded, calls...)
			project.isWhatTheDesignSays(t, topology)
			state := project.listed(t)

			calls, output, err = project.deploy(t, "", "up", topology)
			if err != nil {
				t.Fatalf("a second time: %v\n%s", err, output)
			}
			for _, call := range calls {
				if line := strings.Join(call, " "); making.MatchString(line) {
					t.Errorf("a second time makes what is there: %s", line)
				}
			}
			if again := project.listed(t); !slices.Equal(state, again) {
				t.Errorf("a second time changed %v to %v", state, again)
			}

			for _, section := range sections(t) {
				if _, output, err := project.deploy(t, "", "up", topology, section); err != nil {
					t.Errorf("section %s alone: %v\n%s", section, err, output)
				}
			}

			calls, output, err = project.deploy(t, "no\n", "down", topology)
			if err == nil || len(calls) > 0 {
				t.Errorf("down did not ask, or did not listen: %v\n%s", calls, output)
			}
			calls, output, err = project.deploy(t, "acme-shop-123456\n", "down", topology)
			if err != nil {
				t.Fatalf("down: %v\n%s", err, output)
			}
			recorded = append(recorded, calls...)
			// what goes with the thing it is part of, and what Google offers no way to remove
			stays := regexp.MustCompile(`^(identity|images|helm_istio.*|role_(secrets|artifacts|iam|run)_.*|run_services_.*)$`)
			for _, left := range project.listed(t) {
				if !stays.MatchString(left) {
					t.Errorf("down leaves %s", left)
				}
			}
			if _, err := os.Stat(project.home + "/acme-pki"); err == nil {
				t.Error("down leaves the private keys")
			}
			calls, output, err = project.deploy(t, "acme-shop-123456\n", "down", topology)
			if err != nil {
				t.Fatalf("down a second time: %v\n%s", err, output)
			}
			for _, call := range calls {
				if slices.Contains(call, "delete") {
					t.Errorf("down a second time deletes: %v", call)
				}
			}
		})
	}
	t.Run("gcloud understands each command", gcloudUnderstands)
}

// The sections of the guide that deploy/up runs.
func sections(t *testing.T) []string {
	var found []string
	heading := ""
	for _, line := range strings.Split(read(t, "docs/deploy.md"), "\n") {
		if strings.HasPrefix(line, "## ") {
			heading = line[3:]
		}
		if strings.HasPrefix(line, "```bash up") && !slices.Contains(found, heading) {
			found = append(found, heading)
		}
	}
	return found
}

func (project project) listed(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(project.state)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func (project project) isWhatTheDesignSays(t *testing.T, topology string) {
	t.Helper()
	schemas := loaded(t)
	files, _ := filepath.Glob(project.applied + "/*.yaml")
	found := map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if names := Names(regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(string(text), "")); len(names) > 0 {
			t.Errorf("the cluster is given ${%v} as it stands", names)
		}
		documents, err := Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			found[document.GetKind()]++
			if schemas.Knows(document) {
				for _, problem := range schemas.Problems(document) {
					t.Errorf("%s: %s", Name(document), problem)
				}
			}
		}
	}
	if found["AuthorizationPolicy"] < 3 || found["Deployment"] == 0 || found["Secret"] < 1 {
		t.Errorf("too little was applied: %v", found)
	}
	leaves := map[string]map[string]string{
		"private": {"proxy": "spiffe://acme.internal/ns/cloud-run/sa/proxy", "gateway": "services.acme.internal"},
		"gke":     {"public": "203-0-113-7.sslip.io"},
	}
	for name, identity := range leaves[topology] {
		project.certificate(t, name, identity)
	}
}

// The certificates are what rustls and Envoy ask for: version 3, a SAN, the right use, signed by the authority.
func (project project) certificate(t *testing.T, name, identity string) {
	t.Helper()
	parse := func(name string) *x509.Certificate {
		text, err := os.ReadFile(project.home + "/acme-pki/" + name + ".crt")
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return certificate
	}
	authority, leaf := parse("ca"), parse(name)
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	use := x509.ExtKeyUsageServerAuth
	if name == "proxy" {
		use = x509.ExtKeyUsageClientAuth
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	identities := slices.Clone(leaf.DNSNames)
	for _, uri := range leaf.URIs {
		identities = append(identities, uri.String())
	}
	if !slices.Equal(identities, []string{identity}) || leaf.Version != 3 || leaf.IsCA || !authority.MaxPathLenZero {
		t.Errorf("%s: identities %v, version %d, authority %v", name, identities, leaf.Version, leaf.IsCA)
	}
}

// Commands as the stand-in heard them.
var recorded [][]string

func gcloudUnderstands(t *testing.T) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed")
	}
	commands := map[string]string{}
	for _, call := range recorded {
		if call[0] != "gcloud" {
			continue
		}
		var shape, whole []string // one of each kind is enough: a value is not looked at
		for _, word := range call {
			shape = append(shape, strings.SplitN(word, "=", 2)[0])
			whole = append(whole, "'"+strings.ReplaceAll(word, "'", "")+"'")
		}
		if call[len(call)-1] != "-" && !slices.Contains(call, "replace") { // a file, which is looked at below
			commands[strings.Join(shape[:min(len(shape), 4)], " ")+strings.Join(flags(shape), " ")] = strings.Join(whole, " ")
		}
	}
	for _, line := range plainCommands(t) {
		commands[line] = line
	}
	type entry struct {
		Command string `json:"command_string"`
		ID      string `json:"id"`
	}
	var entries []entry
	for id, command := range commands {
		entries = append(entries, entry{strings.Replace(command, "'gcloud'", "gcloud", 1), id})
	}
	content, _ := json.Marshal(entries)
	file := t.TempDir() + "/commands.json"
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	output, err := offline(t, gcloud, "meta", "lint-gcloud-commands", "--commands-file="+file).Output()
	if err != nil {
		t.Fatalf("gcloud meta lint-gcloud-commands: %v", err)
	}
	var answers []struct {
		Command string `json:"command_string"`
		Error   string `json:"error_message"`
		Success bool   `json:"success"`
	}
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatalf("%v: %.300s", err, output)
	}
	if len(answers) < 40 {
		t.Errorf("only %d commands were looked at", len(answers))
	}
	for _, answer := range answers {
		if !answer.Success {
			t.Errorf("%s: %s", answer.Command, answer.Error)
		}
	}
	for _, file := range []string{"proxy", "frontend"} {
		understandsFile(t, gcloud, "k8s/cloud-run/"+file+".yaml", "run", "services", "replace", "FILE", "--region=europe-west1")
	}
	understandsFile(t, gcloud, "cloudbuild.yaml", "builds", "submit", "--no-source", "--config=FILE")
}

func flags(words []string) []string {
	found := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return !strings.HasPrefix(word, "-") })
	slices.Sort(found)
	return found
}

// The commands for people: one line each, as they stand, with words for the variables.
func plainCommands(t *testing.T) []string {
	var found []string
	for _, block := range regexp.MustCompile("(?ms)^```bash\n(.*?)^```$").FindAllStringSubmatch(read(t, "docs/deploy.md"), -1) {
		joined := strings.ReplaceAll(block[1], "\\\n", " ")
		for _, line := range strings.Split(joined, "\n") {
			if strings.HasPrefix(line, "gcloud ") {
				line = regexp.MustCompile(`\s#.*$`).ReplaceAllString(line, "")
				line = regexp.MustCompile(`\$\([^)]*\)|\$\{[^}]*\}|\$[A-Z_]+`).ReplaceAllString(line, "word")
				found = append(found, line)
			}
		}
	}
	return found
}

// gcloud reads the file, and only then misses a login.
func understandsFile(t *testing.T, gcloud, path string, arguments ...string) {
	t.Helper()
	text := read(t, path)
	if strings.HasPrefix(path, "k8s/") {
		filled, err := Substitute(text)
		if err != nil {
			t.Fatal(err)
		}
		text = filled
	}
	file := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range arguments {
		arguments[i] = strings.Replace(arguments[i], "FILE", file, 1)
	}
	output, err := offline(t, gcloud, arguments...).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "active account") {
		t.Errorf("%s: %v: %s", path, err, output)
	}
}

// Without anybody's login, on any machine: these commands must never reach a cloud.
func offline(t *testing.T, gcloud string, arguments ...string) *exec.Cmd {
	command := exec.Command(gcloud, append(arguments, "--project=not-a-project-of-anybody")...)
	command.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_CHECK_GCE_METADATA=false",
		"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=", "GOOGLE_APPLICATION_CREDENTIALS=", "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	return command
}
