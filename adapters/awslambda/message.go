package awslambda

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"phoneverify/adapters/event"
	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// record is a message of SQS or SNS.
type record struct {
	EventSource string `json:"eventSource"` // SNS writes EventSource

	// SQS
	EventSourceARN string     `json:"eventSourceARN"`
	MessageID      string     `json:"messageId"`
	Body           event.Text `json:"body"`
	Attributes     struct {
		MessageGroupID string `json:"MessageGroupId"`
	} `json:"attributes"`

	SNS struct {
		MessageID string     `json:"MessageId"`
		Message   event.Text `json:"Message"`
	} `json:"Sns"`
}

// message is a record of SQS. The groups of a queue that is not FIFO have no order.
func (r record) message() queue.Message {
	m := queue.Message{ID: r.MessageID, Body: core.Private(r.Body)}
	if strings.HasSuffix(r.EventSourceARN, ".fifo") {
		m.Group = r.Attributes.MessageGroupID
	}
	return m
}

// sqs answers a batch by the messages of it that are to be delivered again. It works only
// where the trigger has ReportBatchItemFailures: else any answer acknowledges them all.
func (h *Handler) sqs(ctx context.Context, records []record) ([]byte, error) {
	var batch []queue.Message
	for _, r := range records {
		batch = append(batch, r.message())
	}
	left, err := event.Queued(ctx, h.Queue, "sqs", batch)
	if err != nil {
		return nil, err
	}
	return json.Marshal(newFailures(left))
}

// failures is the answer to SQS.
type failures struct {
	BatchItemFailures []failure `json:"batchItemFailures"` // never null
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

func newFailures(left []queue.Message) failures {
	f := failures{[]failure{}}
	for _, m := range left {
		f.BatchItemFailures = append(f.BatchItemFailures, failure{m.ID})
	}
	return f
}

// notifications are the messages of SNS, which sends one at a time.
func notifications(records []record) (messages []queue.Message) {
	for _, r := range records {
		messages = append(messages, queue.Message{ID: r.SNS.MessageID, Body: core.Private(r.SNS.Message)})
	}
	return messages
}

// kafkaRecord is a message of Kafka.
type kafkaRecord struct {
	Topic     string `json:"topic"`
	Partition int64  `json:"partition"`
	Offset    int64  `json:"offset"`
	Value     string `json:"value"` // base64
}

// kafkaMessages are the messages of an event, whose ids are good within the cluster.
func (e *envelope) kafkaMessages() (messages []queue.Message) {
	for _, name := range slices.Sorted(maps.Keys(e.Kafka)) {
		for _, r := range e.Kafka[name] {
			body, err := base64.StdEncoding.DecodeString(r.Value)
			if err != nil {
				body = nil // what is no message is told of as one without a body
			}
			messages = append(messages, queue.Message{
				ID:     fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset),
				Within: cmp.Or(e.EventSourceARN, e.BootstrapServers),
				Body:   core.Private(body),
			})
		}
	}
	return messages
}
