package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"
)

// From one topic to another, as a CKafka trigger has it: what the function does not
// acknowledge is handed over again, and every message has its result.
func TestKafkaToKafka(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "people", "results"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	brokers := cluster.ListenAddrs()
	withKafka, err := platform.Build(t.TempDir(), ".", []string{"kafka"})
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, withKafka, map[string]string{"PHONEVERIFY_RESULTS": "kafka://" + strings.Join(brokers, ",") + "/results?tls=off", "PHONEVERIFY_ATTEMPT_TIMEOUT": "1s"})

	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("people"), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 30 {
		body := person(fmt.Sprint("Person ", i), "16100000000")
		if i%10 == 3 {
			body = "not JSON"
		}
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: "people", Value: []byte(body)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	f.sim.Script(faceidsim.Trouble{Result: "-11"}, faceidsim.Trouble{}, faceidsim.Trouble{Code: "UnauthorizedOperation.Arrears"})
	for handed := 0; handed < 30; {
		var bodies []string
		fetches := client.PollRecords(ctx, 10)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		first := int64(-1)
		fetches.EachRecord(func(r *kgo.Record) {
			if first < 0 {
				first = r.Offset
			}
			bodies = append(bodies, string(r.Value))
		})
		for n := 0; !acknowledged(t, f.invoke(t, string(platform.CKafka(int(first), bodies...)), 10*time.Second)); n++ {
			if n == 3 {
				t.Fatalf("a batch never ends:\n%s", f.Output())
			}
		}
		handed += len(bodies)
	}
	results := drain(t, brokers, "results")
	for i := range 30 {
		id := fmt.Sprintf(`"data":{"Id":"people/0/%d",`, i)
		if !strings.Contains(results, id) {
			t.Errorf("message %d has no result", i)
		}
	}
	f.Close()
	if trace := platform.Trace(results+f.Output(), "11204416541220243X", "16100000000", "Person 29"); trace != "" {
		t.Error(trace)
	}
	if n := f.sim.Charges(); n != 27 {
		t.Errorf("%d charges for 27 people", n)
	}
}

// drain is all that is in a topic, a record a line.
func drain(t *testing.T, brokers []string, topic string) (text string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 {
			return text
		}
		fetches.EachRecord(func(r *kgo.Record) { text += string(r.Value) + "\n" })
	}
}
