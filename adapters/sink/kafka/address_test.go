package kafka_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"phoneverify/adapters/sink/kafka"
)

func TestAddresses(t *testing.T) {
	long := strings.Repeat("t", 249)
	for address, want := range map[string]string{
		"kafka://a.test:9092/results":                                               "[a.test:9092] results  true",
		"kafka://a.test:9092/results?tls=off":                                       "[a.test:9092] results  false",
		"kafka://a.test:1,b.test:65535,[::1]:9094/r.e-s_1":                          "[a.test:1 b.test:65535 [::1]:9094] r.e-s_1  true",
		"kafka://a.test:9092/" + long:                                               "[a.test:9092] " + long + "  true",
		"kafka://ckafka-abc%23user:p%40ss%2Fw%3Ard@a.test:9092/results":             "[a.test:9092] results PLAIN true",
		"kafka://user:pass@word@a.test:9092/results":                                "[a.test:9092] results PLAIN true",
		"kafka://user:password@a.test:9092/results?sasl=plain&tls=off":              "[a.test:9092] results PLAIN false",
		"kafka://user:password@a.test:9092/results?sasl=scram-sha-256":              "[a.test:9092] results SCRAM-SHA-256 true",
		"kafka://user:password@a.test:9092,b.test:9092/results?sasl=scram-sha-512":  "[a.test:9092 b.test:9092] results SCRAM-SHA-512 true",
		"kafka://b-1.x.kafka.eu-west-1.amazonaws.com:9098/results?sasl=aws-msk-iam": "[b-1.x.kafka.eu-west-1.amazonaws.com:9098] results AWS_MSK_IAM true",
	} {
		sink, err := kafka.Open(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		brokers, topic, mechanism, encrypted := sink.Target()
		if got := fmt.Sprintf("%v %s %s %v", brokers, topic, mechanism, encrypted); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// What can't be read is refused, with an error that shows none of it.
func TestWrongAddresses(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "sesame.pem")
	if err := os.WriteFile(garbage, []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"":                                        "must be kafka://",
		"kafka:":                                  "must be kafka://",
		"http://sesame.test:9092/results":         "must be kafka://",
		"kafka://sesame.test/results":             "must be kafka://",
		"kafka://:9092/results":                   "must be kafka://",
		"kafka:///results":                        "must be kafka://",
		"kafka://sesame.test:0/results":           "must be kafka://",
		"kafka://sesame.test:65536/results":       "must be kafka://",
		"kafka://sesame.test:http/results":        "must be kafka://",
		"kafka://a.test:9092,sesame.test/results": "must be kafka://",
		"kafka://a.test:9092,/results":            "must be kafka://",
		"kafka://ckafka-sesame#user:sesame@a.test:9092/results":      "must be kafka://",
		"kafka://sesame@a.test:9092/results":                         "must be kafka://",
		"kafka://sesame:@a.test:9092/results":                        "must be kafka://",
		"kafka://:sesame@a.test:9092/results":                        "must be kafka://",
		"kafka://user:ses%zzame@a.test:9092/results":                 "must be kafka://",
		"kafka://ses%zzame:password@a.test:9092/results":             "must be kafka://",
		"kafka://user:sesame/word@a.test:9092/results":               "must be kafka://",
		"kafka://sesame.test:9092":                                   "must have a topic",
		"kafka://sesame.test:9092/":                                  "must have a topic",
		"kafka://sesame.test:9092/..":                                "must have a topic",
		"kafka://sesame.test:9092/sesame/results":                    "must have a topic",
		"kafka://sesame.test:9092/sesame%20results":                  "must have a topic",
		"kafka://sesame.test:9092/" + strings.Repeat("t", 250):       "must have a topic",
		"kafka://a.test:9092/results?sesame=1":                       "has a parameter",
		"kafka://a.test:9092/results?TLS=off":                        "has a parameter",
		"kafka://a.test:9092/results?tls=off&tls=off":                "has a parameter",
		"kafka://a.test:9092/results?tls=":                           "has a parameter",
		"kafka://a.test:9092/results?tls=off;sasl=sesame":            "has a parameter",
		"kafka://a.test:9092/results?ses%zzame=1":                    "has a parameter",
		"kafka://a.test:9092/results?tls=sesame":                     "may have tls=off",
		"kafka://a.test:9092/results?ca=/sesame/not-there":           "has a ca",
		"kafka://a.test:9092/results?ca=" + garbage:                  "has a ca",
		"kafka://a.test:9092/results?tls=off&ca=" + garbage:          "has a ca",
		"kafka://user:sesame@a.test:9092/results?sasl=sesame":        "must have for sasl",
		"kafka://user:sesame@a.test:9092/results?sasl=PLAIN":         "must have for sasl",
		"kafka://sesame.test:9092/results?sasl=plain":                "must have a user",
		"kafka://sesame.test:9092/results?sasl=scram-sha-512":        "must have a user",
		"kafka://sesame:sesame@a.test:9092/results?sasl=aws-msk-iam": "must have a user",
		"kafka://sesame.test:9092/results?sasl=aws-msk-iam&tls=off":  "can't have tls=off",
	} {
		_, err := kafka.Open(address)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "%zz")) {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}
