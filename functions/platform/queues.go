package platform

import (
	"encoding/json"
	"fmt"
)

// Message is a message in a queue.
type Message struct {
	ID    string // in SQS
	Group string // in a FIFO queue; "" for one that is not
	Body  string
}

// SQS is the event by which Lambda hands over messages.
func SQS(messages ...Message) []byte {
	var records []any
	for _, m := range messages {
		arn := "arn:aws:sqs:eu-west-1:123456789012:people"
		if m.Group != "" {
			arn += ".fifo"
		}
		records = append(records, map[string]any{"messageId": m.ID, "receiptHandle": "h", "body": m.Body, "eventSource": "aws:sqs",
			"eventSourceARN": arn, "awsRegion": "eu-west-1", "attributes": map[string]string{"MessageGroupId": m.Group}, "messageAttributes": map[string]any{}})
	}
	return event(records)
}

// CKafka is the event by which SCF hands over messages, from an offset on.
func CKafka(offset int, bodies ...string) []byte {
	var records []any
	for i, body := range bodies {
		records = append(records, map[string]any{"Ckafka": map[string]any{"topic": "people", "partition": 0, "offset": offset + i, "msgKey": "None", "msgBody": body}})
	}
	return event(records)
}

func event(records []any) []byte {
	text, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err) // texts can always be written
	}
	return text
}

// Failures reads which messages Lambda is to deliver again.
func (r Result) Failures() (ids []string, err error) {
	var answer struct {
		BatchItemFailures *[]struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(r.Payload, &answer); err != nil || answer.BatchItemFailures == nil {
		return nil, fmt.Errorf("%v in %q, %s", err, r.Payload, r.Failure)
	}
	for _, f := range *answer.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids, nil
}
