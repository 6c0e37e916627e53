package queue

import (
	"encoding/json"
	"strings"
	"time"

	"phoneverify/core"
)

// ContentType is that of an event's JSON.
const ContentType = "application/cloudevents+json; charset=utf-8"

// The types of events.
const (
	Completed = "phoneverification.completed" // there is a verdict
	Failed    = "phoneverification.failed"    // the message can't be verified as it is, ever
	Unknown   = "phoneverification.unknown"   // sent and never answered: perhaps charged, and not sent again
)

// Event tells what came of a message, as CloudEvents 1.0 has it. It never holds the
// person: see [Event.JSON].
type Event struct {
	ID   string // digest of the message's key, in hex: the same whenever the message is delivered again
	Type string // Completed, Failed or Unknown
	Time time.Time
	Data any // completed or failed
}

// completed is the data of an event with a verdict.
type completed struct {
	Id string `json:",omitempty"`
	core.Success
}

// failed is the data of an event without one.
type failed struct {
	Id string `json:",omitempty"`
	core.Failure
}

// newEvent returns the event of what a verification came to. The id is what the sender
// knows the message by.
func newEvent(key core.Digest, id string, answer core.Answer, err error) Event {
	e := Event{ID: key.String(), Time: time.Now()}
	if err == nil {
		e.Type, e.Data = Completed, completed{id, answer.Success()}
		return e
	}
	e.Type = Failed
	failure := core.AsError(err)
	if failure.Kind == core.Unknown {
		e.Type = Unknown
	}
	e.Data = failed{id, failure.Failure("")}
	return e
}

// DeliveryID names what an event says, and not only of what: events of one key can be of
// different types. The same event delivered again has the same.
func (e Event) DeliveryID() string {
	return e.ID + "-" + e.Type[strings.LastIndexByte(e.Type, '.')+1:]
}

// source says what the events are of: CloudEvents wants it.
const source = "phoneverify"

// JSON returns the event in CloudEvents' structured mode, one line without its end:
//
//	{"specversion":"1.0","id":"9c1f…","source":"phoneverify","type":"phoneverification.completed",
//	 "time":"2026-11-23T08:07:35Z","datacontenttype":"application/json",
//	 "data":{"Id":"signup-1","Result":"0","Description":"Authentication passed","Isp":"Telecom",
//	         "RequestId":"13b91a73-…","Outcome":"match","Billed":true,"Replayed":false}}
//
// Without a verdict the data is {"Id":…,"Error":{"Code":…,"Message":…},"RequestId":…}.
func (e Event) JSON() []byte {
	text, err := json.Marshal(struct {
		SpecVersion     string    `json:"specversion"`
		ID              string    `json:"id"`
		Source          string    `json:"source"`
		Type            string    `json:"type"`
		Time            time.Time `json:"time"`
		DataContentType string    `json:"datacontenttype"`
		Data            any       `json:"data"`
	}{"1.0", e.ID, source, e.Type, e.Time.UTC().Truncate(time.Millisecond), "application/json", e.Data})
	if err != nil {
		panic(err) // texts and flags can always be written
	}
	return text
}
