package deployment_test

import (
	"context"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"
)

// tagsOf are the build tags that scripts/build gives to a function.
func tagsOf(t *testing.T, function string) []string {
	t.Helper()
	script, err := os.ReadFile("../build")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`build ` + function + ` \w+ ([a-z,]+) \w+ ;;`).FindSubmatch(script)
	if m == nil {
		t.Fatalf("scripts/build does not build %s", function)
	}
	return strings.Split(string(m[1]), ",")
}

// binaryOf builds a function, with the tags of a release, for this machine.
func binaryOf(t *testing.T, function string) string {
	t.Helper()
	look(t, "core", "adapters", "functions")
	binary, err := platform.Build(t.TempDir(), "../../functions/"+function, tagsOf(t, function))
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// look reads the sources below folders: go test notices that a file has changed which a test
// has read, and not one which a command has.
func look(t *testing.T, folders ...string) {
	t.Helper()
	root := os.DirFS("../..")
	for _, folder := range folders {
		err := fs.WalkDir(root, folder, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(name, ".go") {
				_, err = fs.ReadFile(root, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// samples are values for what the files take from elsewhere.
var samples = map[string]string{
	"PHONEVERIFY_ROLE_ARN":        "qcs::cam::uin/100000000001:roleName/phoneverify",
	"PHONEVERIFY_OIDC_PROVIDER":   "aws",
	"PHONEVERIFY_OIDC_AUDIENCE":   "phoneverify",
	"PHONEVERIFY_FACEID_ENDPOINT": "https://faceid.intl.tencentcloudapi.com",
	"PHONEVERIFY_STS_ENDPOINT":    "https://sts.intl.tencentcloudapi.com",
	"PHONEVERIFY_RATE_LIMIT":      "20",
	"PHONEVERIFY_FINGERPRINT_KEY": strings.Repeat("k", 48),
	"PHONEVERIFY_LOG_LEVEL":       "info",
}

// templateEnvironment is what template.yaml sets, "" for what it takes from elsewhere.
func templateEnvironment(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources struct {
			Function struct {
				Properties struct {
					Environment struct {
						Variables map[string]yaml.Node `yaml:"Variables"`
					} `yaml:"Environment"`
				} `yaml:"Properties"`
			} `yaml:"Function"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &template); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for name, node := range template.Resources.Function.Properties.Environment.Variables {
		variables[name] = ""
		if strings.HasPrefix(node.Tag, "!!") { // the others are CloudFormation's functions
			variables[name] = node.Value
		}
	}
	if len(variables) < 10 {
		t.Fatalf("it sets %v", variables)
	}
	return variables
}

// fill puts samples, and the results' address, where a value comes from elsewhere.
func fill(t *testing.T, variables map[string]string, more map[string]string) []string {
	t.Helper()
	var env []string
	for name, value := range variables {
		if value == "" || strings.HasPrefix(value, "${") {
			var ok bool
			if value, ok = more[name]; !ok {
				if value, ok = samples[name]; !ok {
					t.Fatalf("what is %s?", name)
				}
			}
		}
		env = append(env, name+"="+value)
	}
	return env
}

// The function starts with what template.yaml sets, whatever becomes of the results.
func TestTemplateSettings(t *testing.T) {
	binary := binaryOf(t, "lambda")
	for _, results := range []map[string]string{
		{"PHONEVERIFY_RESULTS": "sqs://phoneverify-ResultQueue-ABC123", "PHONEVERIFY_RESULTS_SECRET": ""},
		{"PHONEVERIFY_RESULTS": "https://hooks.example/results", "PHONEVERIFY_RESULTS_SECRET": "whsec_" + strings.Repeat("A", 32)},
	} {
		results["PHONEVERIFY_STORE"] = "dynamodb://phoneverify-Ledger-ABC123"
		env := append(fill(t, templateEnvironment(t), results), "AWS_REGION=eu-west-1")
		l, err := platform.StartLambda(binary, env...)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		// An invocation that is too short for anything: whoever answers has started.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := l.Invoke(ctx, []byte(`{"IdCard":"1","Name":"n","Phone":"2"}`), time.Now().Add(100*time.Millisecond)); err != nil {
			t.Errorf("with results to %s: %v", results["PHONEVERIFY_RESULTS"], err)
		}
	}
}

// So does the other with what serverless.yml sets, all of its parts or none.
func TestServerlessSettings(t *testing.T) {
	binary := binaryOf(t, "scf")
	all := readServerless(t, "../../serverless.yml").Inputs.Environment.Variables
	least := maps.Clone(all)
	maps.DeleteFunc(least, func(_, value string) bool { return strings.HasPrefix(value, "${") })
	for name, variables := range map[string]map[string]string{"all parts": all, "no part": least} {
		s, err := platform.StartSCF(binary)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		env := map[string]string{"TENCENTCLOUD_SECRETID": faceidsim.SecretID, "TENCENTCLOUD_SECRETKEY": faceidsim.SecretKey}
		for _, pair := range fill(t, variables, map[string]string{
			"PHONEVERIFY_STORE":          "redis://127.0.0.1:1",
			"PHONEVERIFY_RESULTS":        "https://hooks.example/results",
			"PHONEVERIFY_RESULTS_SECRET": "whsec_" + strings.Repeat("A", 32),
		}) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		r, err := s.Invoke(t.Context(), []byte(`{"IdCard":"1","Name":"n","Phone":"2"}`), time.Now().Add(100*time.Millisecond), env)
		if err != nil || r.Failure != "" {
			t.Errorf("with %s: %s, %v\n%s", name, r.Failure, err, s.Output())
		}
	}
}

// Every setting that the files speak of is one, comments and scripts included.
func TestEveryNameIsASetting(t *testing.T) {
	var env []string
	for _, file := range []string{"template.yaml", "serverless.yml", "scripts/deploy-aws", "scripts/deploy-tencent", "scripts/smoketest/meaning.go"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`PHONEVERIFY_[A-Z_]+`).FindAllString(string(text), -1) {
			env = append(env, name+"=")
		}
	}
	l, err := platform.StartLambda(binaryOf(t, "lambda"), env...)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if status, err := l.Wait(t.Context()); err != nil || status != 1 {
		t.Fatalf("it ended with %d, %v", status, err) // it lacks what webidentity needs
	}
	if strings.Contains(l.Output(), "is not a setting") {
		t.Error(l.Output())
	}
}

// The alarms on the log look for what the function writes.
func TestAlarmsSeeTheLog(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sim := httptest.NewServer(new(faceidsim.Simulator))
	defer sim.Close()
	l, err := platform.StartLambda(binaryOf(t, "lambda"), "PHONEVERIFY_CREDENTIALS=env", "PHONEVERIFY_FACEID_ENDPOINT="+sim.URL,
		"PHONEVERIFY_ATTEMPT_TIMEOUT=200ms", "TENCENTCLOUD_SECRETID="+faceidsim.SecretID, "TENCENTCLOUD_SECRETKEY="+faceidsim.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for kind, phone := range map[string]string{"unknown": "16100000204", "rejected": "16100000107"} {
		if _, err := l.Invoke(t.Context(), []byte(`{"IdCard":"1","Name":"n","Phone":"`+phone+`"}`), time.Now().Add(5*time.Second)); err != nil {
			t.Fatal(err)
		}
		pattern := regexp.MustCompile(`\{ \$\.msg = "([a-z]+)" && \$\.kind = "` + kind + `" \}`).FindSubmatch(template)
		if pattern == nil {
			t.Errorf("no alarm looks for %s", kind)
		} else if !l.Says(`"msg":"`+string(pattern[1])+`"`) || !l.Says(`"kind":"`+kind+`"`) {
			t.Errorf("the log has nothing of %s:\n%s", kind, l.Output())
		}
	}
}
