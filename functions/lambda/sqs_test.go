package main_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"
)

// account is SQS as scripts/check starts it.
type account struct {
	*testing.T
	*sqs.Client
}

func (a account) create(name string) (url string) {
	a.Helper()
	out, err := a.CreateQueue(a.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "1"}})
	if err != nil {
		a.Fatal(err)
	}
	return *out.QueueUrl
}

func (a account) receive(url string) []types.Message {
	a.Helper()
	out, err := a.ReceiveMessage(a.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		a.Fatal(err)
	}
	return out.Messages
}

// From one queue to another, as a trigger with ReportBatchItemFailures has it: what the
// function does not leave is deleted, the rest comes back, and every message has its
// result.
func TestSQSToSQS(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("MOTO_ENDPOINT")
	if endpoint == "" {
		t.Skip("MOTO_ENDPOINT is not set: scripts/check sets it")
	}
	a := account{t, sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "test"}, nil
		})})}
	suffix := fmt.Sprint(time.Now().UnixNano())
	people, results := a.create("people-"+suffix), a.create("results-"+suffix)
	withSQS, err := platform.Build(t.TempDir(), ".", []string{"sqs"})
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, withSQS, "PHONEVERIFY_RESULTS=sqs://results-"+suffix, "AWS_ENDPOINT_URL_SQS="+endpoint, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=test", "PHONEVERIFY_ATTEMPT_TIMEOUT=1s")

	sent := map[string]bool{}
	for i := range 20 {
		body := person("", fmt.Sprint("Person ", i), "16100000000").Body
		if i%10 == 3 {
			body = "not JSON"
		}
		out, err := a.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &people, MessageBody: &body})
		if err != nil {
			t.Fatal(err)
		}
		sent[*out.MessageId] = true
	}
	f.sim.Script(faceidsim.Trouble{}, faceidsim.Trouble{Code: "UnauthorizedOperation.Arrears"}) // one is left
	deleted := 0
	for end := time.Now().Add(30 * time.Second); deleted < 20; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of 20 are acknowledged:\n%s", deleted, f.Output())
		}
		deleted += a.trigger(f, people)
	}
	told := map[string]bool{}
	var all strings.Builder
	for batch := a.receive(results); len(batch) > 0; batch = a.receive(results) {
		for _, m := range batch {
			all.WriteString(*m.Body)
			_, rest, _ := strings.Cut(*m.Body, `"data":{"Id":"`)
			id, _, _ := strings.Cut(rest, `"`)
			told[id] = true
		}
	}
	for id := range sent {
		if !told[id] {
			t.Errorf("message %s has no result", id)
		}
	}
	f.Close()
	if trace := platform.Trace(all.String()+f.Output(), "11204416541220243X", "16100000000", "Person 19"); trace != "" {
		t.Error(trace)
	}
	if n := f.sim.Charges(); n != 18 {
		t.Errorf("%d charges for 18 people", n)
	}
}

// trigger hands over what is in a queue, deletes what is acknowledged, and returns how
// many that is.
func (a account) trigger(f *function, url string) (deleted int) {
	a.Helper()
	messages := a.receive(url)
	if len(messages) == 0 {
		return 0
	}
	var batch []platform.Message
	for _, m := range messages {
		batch = append(batch, platform.Message{ID: *m.MessageId, Body: *m.Body})
	}
	left := f.deliver(a.T, 10*time.Second, batch...)
	for _, m := range messages {
		if slices.Contains(left, *m.MessageId) {
			continue
		}
		if _, err := a.DeleteMessage(a.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			a.Fatal(err)
		}
		deleted++
	}
	return deleted
}
