package tencentscf

import (
	"strings"

	"phoneverify/adapters/event"
	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// record is a message of CKafka or CMQ. Of what the library's types have only this is
// declared: nothing else can then be of a kind that was not expected.
type record struct {
	CKafka *struct {
		Topic     event.Text `json:"topic"`
		Partition event.Text `json:"partition"`
		Offset    event.Text `json:"offset"`
		Body      event.Text `json:"msgBody"`
	} `json:"Ckafka"`
	CMQ *struct {
		ID   event.Text `json:"msgId"`
		Body event.Text `json:"msgBody"`
	} `json:"CMQ"`
}

func (r record) kind() kind {
	switch {
	case r.CKafka != nil:
		return kindCKafka
	case r.CMQ != nil:
		return kindCMQ
	}
	return kindUnknown
}

// message is the message of a record; of one that is of neither kind it has no body,
// which is told of like any message that can't be read.
func (r record) message() queue.Message {
	switch r.kind() {
	case kindCKafka:
		id := strings.Join([]string{string(r.CKafka.Topic), string(r.CKafka.Partition), string(r.CKafka.Offset)}, "/")
		return queue.Message{ID: id, Body: core.Private(r.CKafka.Body)}
	case kindCMQ:
		return queue.Message{ID: string(r.CMQ.ID), Body: core.Private(r.CMQ.Body)}
	}
	return queue.Message{}
}

func recordMessages(records []record) (messages []queue.Message) {
	for _, r := range records {
		messages = append(messages, r.message())
	}
	return messages
}

// bridge is an event of EventBridge, with a message of TDMQ or another queue in it.
type bridge struct {
	ID   event.Text `json:"id"`
	Type string     `json:"type"` // "connector:tdmq"
	Data struct {
		ID   event.Text `json:"msgId"`
		Body event.Text `json:"msgBody"`
	} `json:"data"`
}

func (b bridge) kind() kind {
	if strings.HasPrefix(b.Type, "connector:") {
		return kindBridge
	}
	return kindUnknown
}

func (b bridge) message() queue.Message {
	m := queue.Message{ID: string(b.Data.ID), Body: core.Private(b.Data.Body)}
	if m.ID == "" {
		m.ID = string(b.ID)
	}
	return m
}

func (e *envelope) bridgeMessages() (messages []queue.Message) {
	if len(e.EventList) == 0 {
		return []queue.Message{e.bridge.message()}
	}
	for _, b := range e.EventList {
		messages = append(messages, b.message())
	}
	return messages
}
