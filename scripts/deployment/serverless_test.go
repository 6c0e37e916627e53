package deployment_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// serverless is serverless.yml as the component documents it: a key that is not here, or a
// value of another type, is an error of whoever reads it.
type serverless struct {
	App       string `yaml:"app"`
	Stage     string `yaml:"stage"`
	Component string `yaml:"component"`
	Name      string `yaml:"name"`
	Inputs    struct {
		Name         string `yaml:"name"`
		Src          string `yaml:"src"`
		Handler      string `yaml:"handler"`
		Runtime      string `yaml:"runtime"`
		Region       string `yaml:"region"`
		Role         string `yaml:"role"`
		MemorySize   int    `yaml:"memorySize"`
		Timeout      int    `yaml:"timeout"`
		InitTimeout  int    `yaml:"initTimeout"`
		PublicAccess bool   `yaml:"publicAccess"`
		Environment  struct {
			Variables map[string]string `yaml:"variables"`
		} `yaml:"environment"`
		VPC *struct {
			ID     string `yaml:"vpcId"`
			Subnet string `yaml:"subnetId"`
		} `yaml:"vpcConfig"`
		DeadLetter *struct {
			Type string `yaml:"type"`
			Name string `yaml:"name"`
		} `yaml:"deadLetter"`
		CLS *struct {
			Logset string `yaml:"logsetId"`
			Topic  string `yaml:"topicId"`
		} `yaml:"cls"`
		Tags   map[string]string `yaml:"tags"`
		Events []event           `yaml:"events"`
	} `yaml:"inputs"`
}

// event is a trigger, of one kind.
type event struct {
	HTTP *struct {
		Parameters struct {
			Qualifier string `yaml:"qualifier"`
			AuthType  string `yaml:"authType"`
			NetConfig struct {
				Extranet bool `yaml:"enableExtranet"`
				Intranet bool `yaml:"enableIntranet"`
			} `yaml:"netConfig"`
		} `yaml:"parameters"`
	} `yaml:"http"`
	CKafka *struct {
		Parameters struct {
			Name          string `yaml:"name"`
			Topic         string `yaml:"topic"`
			ConsumerGroup string `yaml:"consumerGroupName"`
			Qualifier     string `yaml:"qualifier"`
			MaxMsgNum     int    `yaml:"maxMsgNum"`
			Timeout       int    `yaml:"timeout"`
			Offset        string `yaml:"offset"`
			Retry         int    `yaml:"retry"`
			Enable        bool   `yaml:"enable"`
		} `yaml:"parameters"`
	} `yaml:"ckafka"`
}

func readServerless(t *testing.T, file string) (s serverless) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServerless(t *testing.T) {
	s := readServerless(t, "../../serverless.yml")
	in := s.Inputs
	if s.Component != "scf" || s.Name == "" || in.Runtime != "Go1" || in.Handler != "main" || in.Src != "dist/scf" {
		t.Errorf("it is %+v", s)
	}
	// The platform's limits.
	if in.MemorySize != 64 && (in.MemorySize%128 != 0 || in.MemorySize < 128 || in.MemorySize > 3072) {
		t.Errorf("memorySize is %d", in.MemorySize)
	}
	if in.Timeout < 10 || in.Timeout > 900 || in.InitTimeout < 3 || in.InitTimeout > 300 {
		t.Errorf("timeout is %d, initTimeout %d", in.Timeout, in.InitTimeout)
	}
	if in.Role == "" || !in.PublicAccess {
		t.Error("it has no role, or no way to FaceID")
	}
	for name := range in.Environment.Variables {
		if !strings.HasPrefix(name, "PHONEVERIFY_") {
			t.Errorf("it sets %s", name)
		}
	}
	if in.Environment.Variables["PHONEVERIFY_CALLER_AUTH"] != "platform" {
		t.Error("it does not vouch for its URL")
	}
	if in.DeadLetter.Type != "CMQ-QUEUE" {
		t.Errorf("deadLetter.type is %q", in.DeadLetter.Type)
	}
	if len(in.Events) != 2 || in.Events[0].HTTP == nil || in.Events[1].CKafka == nil {
		t.Fatalf("its events are %+v", in.Events)
	}
	http, kafka := in.Events[0].HTTP.Parameters, in.Events[1].CKafka.Parameters
	if http.AuthType != "CAM" || !http.NetConfig.Extranet {
		t.Errorf("its URL is %+v", http)
	}
	if kafka.MaxMsgNum < 1 || kafka.MaxMsgNum > 10000 || kafka.Timeout < 1 || kafka.Timeout > 60 ||
		kafka.Retry < 1 || kafka.Retry > 10000 || kafka.Offset != "latest" || !kafka.Enable {
		t.Errorf("its trigger for messages is %+v", kafka)
	}
}

// What differs by account is nowhere in the file, and what is secret even less.
func TestServerlessHasNoSecrets(t *testing.T) {
	s := readServerless(t, "../../serverless.yml")
	fromEnvironment := regexp.MustCompile(`^\$\{env:[A-Z0-9_]+\}$`)
	for _, name := range []string{"STORE", "FINGERPRINT_KEY", "RESULTS", "RESULTS_SECRET"} {
		if value := s.Inputs.Environment.Variables["PHONEVERIFY_"+name]; !fromEnvironment.MatchString(value) {
			t.Errorf("PHONEVERIFY_%s is %q", name, value)
		}
	}
	for _, value := range []string{s.Inputs.Region, s.Inputs.Role} {
		if !fromEnvironment.MatchString(value) {
			t.Errorf("%q is for one account", value)
		}
	}
}

// Every part that may be left out ends, needs the variables that it says, and says all that
// it needs.
func TestServerlessParts(t *testing.T) {
	raw, err := os.ReadFile("../../serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	begin := regexp.MustCompile(`^ *# part ([a-z]+): ([A-Z0-9_ ]+)$`)
	variable := regexp.MustCompile(`\$\{env:([A-Z0-9_]+)\}`)
	says, uses := map[string][]string{}, map[string][]string{}
	part := ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\n")
		switch m := begin.FindStringSubmatch(line); {
		case m != nil && part == "":
			part = m[1]
			says[part] = append(says[part], strings.Fields(m[2])...)
		case m != nil:
			t.Errorf("%s begins within %s", m[1], part)
		case strings.TrimSpace(line) == "# end":
			part = ""
		case part != "":
			for _, m := range variable.FindAllStringSubmatch(line, -1) {
				uses[part] = append(uses[part], m[1])
			}
		}
	}
	if part != "" || len(says) != 6 {
		t.Errorf("%d parts, and %q does not end", len(says), part)
	}
	for part := range says {
		for _, list := range []map[string][]string{says, uses} {
			slices.Sort(list[part])
			list[part] = slices.Compact(list[part])
		}
		if !slices.Equal(says[part], uses[part]) {
			t.Errorf("%s says %v and uses %v", part, says[part], uses[part])
		}
	}
}
