package kafka_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"phoneverify/adapters/queue/queuetest"
)

const topic = "phone-results"

// peer is a Kafka of one broker, with one topic.
type peer struct {
	t       *testing.T
	cluster *kfake.Cluster
	line    *queuetest.Line
	address string // of the broker
	refusal atomic.Pointer[string]
}

// newPeer returns a peer that ends with the test.
func newPeer(t *testing.T, options ...kfake.Opt) *peer {
	t.Helper()
	p := &peer{t: t, line: queuetest.NewLine(t)}
	p.address = p.line.Addr().String()
	options = append([]kfake.Opt{
		kfake.NumBrokers(1),
		kfake.SeedTopics(3, topic),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return p.line, nil }),
	}, options...)
	var err error
	if p.cluster, err = kfake.NewCluster(options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.line.Cut(); p.cluster.Close() })
	p.cluster.ControlKey(int16(kmsg.Produce), p.answer)
	return p
}

// answer refuses a produce request, with a text, or leaves it to the cluster.
func (p *peer) answer(r kmsg.Request) (kmsg.Response, error, bool) {
	p.cluster.KeepControl()
	text := p.refusal.Load()
	if text == nil || *text == "" {
		return nil, nil, false
	}
	request := r.(*kmsg.ProduceRequest)
	response := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range request.Topics {
		to := kmsg.NewProduceResponseTopic()
		to.Topic, to.TopicID = t.Topic, t.TopicID
		for _, partition := range t.Partitions {
			no := kmsg.NewProduceResponseTopicPartition()
			no.Partition, no.ErrorCode, no.ErrorMessage = partition.Partition, kerr.TopicAuthorizationFailed.Code, text
			to.Partitions = append(to.Partitions, no)
		}
		response.Topics = append(response.Topics, to)
	}
	return response, nil, true
}

func (p *peer) refuse(text string) { p.refusal.Store(&text) }

// records are all that the topic holds.
func (p *peer) records(options ...kgo.Opt) (records []*kgo.Record) {
	p.t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(p.address), kgo.ConsumeTopics(topic), kgo.FetchMaxWait(50*time.Millisecond))...)
	if err != nil {
		p.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	written := 0
	for _, partition := range p.cluster.PartitionInfos(topic) {
		written += int(partition.HighWatermark)
	}
	for len(records) < written {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			p.t.Fatal(err)
		}
		records = append(records, fetched.Records()...)
	}
	return records
}

func (p *peer) received(options ...kgo.Opt) (events []string) {
	for _, r := range p.records(options...) {
		events = append(events, string(r.Value))
	}
	return events
}
