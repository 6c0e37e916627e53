package sqs_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// peer is what is used of SQS, with one queue.
type peer struct {
	t     *testing.T
	queue string // its name

	mu       sync.Mutex
	url      string // of the queue
	asked    int    // how often the URL was asked for
	refusal  string
	messages []message
}

// message is what SendMessage brings.
type message struct {
	QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId string
}

func newPeer(t *testing.T, queue string) *peer {
	return &peer{t: t, queue: queue, url: "https://sqs.us-east-1.amazonaws.com/123456789012/" + queue}
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it broke off
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checkSigned(r)
	switch target := r.Header.Get("X-Amz-Target"); {
	case p.refusal != "":
		fail(w, "com.amazonaws.sqs#OverLimit", p.refusal)
	case target == "AmazonSQS.GetQueueUrl":
		p.find(w, body)
	case target == "AmazonSQS.SendMessage":
		p.take(w, body)
	default:
		p.t.Errorf("asked for %q", target)
	}
}

func (p *peer) checkSigned(r *http.Request) {
	signature := r.Header.Get("Authorization")
	if !strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential="+keyID+"/") || !strings.Contains(signature, "/us-east-1/sqs/aws4_request") {
		p.t.Errorf("it is signed as %q", signature)
	}
	if got := r.Header.Get("X-Amz-Security-Token"); got != session {
		p.t.Errorf("the session token is %q", got)
	}
	if _, ok := r.Header["Idempotency-Key"]; ok {
		p.t.Errorf("an empty header is sent: %v", r.Header)
	}
}

func (p *peer) find(w http.ResponseWriter, body []byte) {
	var in struct{ QueueName string }
	p.read(body, &in)
	p.asked++
	if in.QueueName != p.queue {
		fail(w, "com.amazonaws.sqs#QueueDoesNotExist", "sesame")
		return
	}
	answer(w, map[string]string{"QueueUrl": p.url})
}

func (p *peer) take(w http.ResponseWriter, body []byte) {
	var in message
	p.read(body, &in)
	if in.QueueUrl != p.url {
		fail(w, "com.amazonaws.sqs#QueueDoesNotExist", "sesame")
		return
	}
	p.messages = append(p.messages, in)
	sum := md5.Sum([]byte(in.MessageBody))
	answer(w, map[string]string{"MessageId": "5fea7756-0ea4-451a-a703-a558b933e274", "MD5OfMessageBody": hex.EncodeToString(sum[:])})
}

func (p *peer) read(body []byte, in any) {
	if err := json.Unmarshal(body, in); err != nil {
		p.t.Error(err)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, code, text string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": text})
}

func (p *peer) refuse(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal = text
}

func (p *peer) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var events []string
	for _, m := range p.messages {
		events = append(events, m.MessageBody)
	}
	return events
}
