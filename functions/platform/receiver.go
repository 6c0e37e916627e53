package platform

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Event is a result as its receiver reads it.
type Event struct {
	ID, Type string
	Data     struct {
		Id, Result       string
		Billed, Replayed bool
		Error            struct{ Code string }
	}
	Text string // as it came
}

// Receiver is a webhook that takes results whose signature is right.
type Receiver struct {
	server *httptest.Server

	mu     sync.Mutex
	events []Event
	answer http.HandlerFunc // nil: takes them
}

// receiverKey is what the results are signed with.
const receiverKey = "0123456789abcdef0123456789abcdef"

// StartReceiver starts a receiver.
func StartReceiver() *Receiver {
	r := new(Receiver)
	r.server = httptest.NewServer(r)
	return r
}

// Close ends the server.
func (r *Receiver) Close() {
	r.server.CloseClientConnections()
	r.server.Close()
}

// Env is the settings of a function whose results come here, by name.
func (r *Receiver) Env() map[string]string {
	return map[string]string{
		"PHONEVERIFY_RESULTS":        r.server.URL + "/hooks?token=of-the-receiver",
		"PHONEVERIFY_RESULTS_SECRET": "whsec_" + base64.StdEncoding.EncodeToString([]byte(receiverKey)),
	}
}

// Answer has deliveries answered by h, and not taken; nil takes them again.
func (r *Receiver) Answer(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = h
}

// Events are the results that were taken, in order.
func (r *Receiver) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// ServeHTTP implements [http.Handler].
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(w, request)
		return
	}
	e := Event{Text: string(body)}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err == nil {
		err = checkSignature(request.Header, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// checkSignature checks a delivery as Standard Webhooks says.
func checkSignature(header http.Header, body []byte) error {
	mac := hmac.New(sha256.New, []byte(receiverKey))
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); !strings.Contains(header.Get("webhook-signature"), want) {
		return fmt.Errorf("the signature is not right")
	}
	return nil
}
