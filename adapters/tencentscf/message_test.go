package tencentscf_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	events "phoneverify/adapters/event"
	"phoneverify/adapters/httpapi/httpapitest"
	"phoneverify/adapters/queue"
	"phoneverify/adapters/queue/queuetest"
	"phoneverify/core"
)

// deliveries are events of each queue, and by which ids their messages are known.
var deliveries = map[string]struct {
	event string
	ids   []string
}{
	"CKafka": {`{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"None","msgBody":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}"}},
		{"Ckafka":{"topic":"t","partition":"1","offset":"37","msgKey":null,"msgBody":"{\"Id\":\"mine\",\"IdCard\":\"1\",\"Name\":\"b\",\"Phone\":\"1\"}"}},
		{"Ckafka":{"topic":"t","partition":1,"offset":38,"msgKey":"None","msgBody":null}}]}`, []string{"mine", "t/1/36", "t/1/38"}},
	"CMQ":          {`{"Records":[{"CMQ":{"type":"topic","topicOwner":"120","topicName":"t","subscriptionName":"s","publishTime":"1970-01-01T00:00:00.000Z","msgId":"c1","requestId":"r","msgBody":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}","msgTag":null}}]}`, []string{"c1"}},
	"CMQ, numbers": {`{"Records":[{"CMQ":{"type":"topic","topicOwner":120,"msgId":1,"msgBody":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}","msgTag":["tag1","tag2"]}}]}`, []string{"1"}},
	"TDMQ": {`{"specversion":"0","id":"e1","type":"connector:tdmq","source":"tdmq.cloud.tencent","subject":"s","time":"1615430559146","region":"ap-guangzhou","datacontenttype":"application/json;charset=utf-8",
		"data":{"topic":"persistent://appid/namespace/topic-1","tags":"t","TopicType":"0","subscriptionName":"x","toTimestamp":"1603352765001","partitions":"0","msgId":"d1","msgBody":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}"}}`, []string{"d1"}},
	"TDMQ, batch": {`{"EventList":[{"specversion":"0","id":"e1","type":"connector:tdmq","source":"s","data":{"msgId":"","msgBody":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}"}},
		{"specversion":"0","id":2,"type":"connector:tdmq","data":{"msgBody":{"IdCard":"1","Name":"b","Phone":"1"}}}]}`, []string{"2", "e1"}},
}

// deliver hands over an event, with an upstream, and returns what is published of it.
func deliver(t *testing.T, event string, u httpapitest.Upstream) (out []byte, published []string, err error) {
	t.Helper()
	h := handler(httpapitest.NewHandler(u))
	s := new(queuetest.Keeper)
	h.Queue = &queue.Handler{Verifier: h.API.Verifier, Sink: s}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err = h.Invoke(ctx, []byte(event))
	return out, s.IDs(), err
}

// Each queue's messages are verified and published, by the ids they have.
func TestDeliveries(t *testing.T) {
	for name, c := range deliveries {
		t.Run(name, func(t *testing.T) {
			out, published, err := deliver(t, c.event, match)
			if err != nil || !slices.Equal(published, c.ids) {
				t.Errorf("got %s, %v; published %q, want %q", out, err, published, c.ids)
			}
			if string(out) != "{}" {
				t.Errorf("the answer is %s", out)
			}
		})
	}
}

// What is no proper text is not mended on its way: the message fails, and is not paid.
func TestUnfaithful(t *testing.T) {
	called := false
	event := "{\"Records\":[{\"Ckafka\":{\"topic\":\"t\",\"partition\":1,\"offset\":36,\"msgBody\":\"{\\\"IdCard\\\":\\\"1\\\",\\\"Name\\\":\\\"\xd6\xd0\\\",\\\"Phone\\\":\\\"1\\\"}\"}}]}"
	_, published, err := deliver(t, event, func(ctx context.Context, r core.Request) (core.Verdict, error) {
		called = true
		return match(ctx, r)
	})
	if err != nil || called || !slices.Equal(published, []string{"t/1/36"}) {
		t.Errorf("it was sent %t, published %q, %v", called, published, err)
	}
}

// Without a place for results no message is taken.
func TestNoResults(t *testing.T) {
	for name, c := range deliveries {
		called := false
		h := handler(httpapitest.NewHandler(func(ctx context.Context, r core.Request) (core.Verdict, error) {
			called = true
			return match(ctx, r)
		}))
		if out, err := h.Invoke(t.Context(), []byte(c.event)); !errors.Is(err, events.ErrNoResults) || out != nil || called {
			t.Errorf("%s: got %s, %v", name, out, err)
		}
	}
}

func busy(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "-11"}, nil
}

// If one message is to be delivered again, all are: there is no answer for some.
func TestLeft(t *testing.T) {
	for name, c := range deliveries {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if out, _, err := deliver(t, c.event, busy); !errors.Is(err, events.ErrLeft) || out != nil {
					t.Errorf("got %s, %v", out, err)
				}
			})
		})
	}
}
