package faceidsim

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"phoneverify/adapters/tc3"
	"phoneverify/core"
)

// The keys that the simulator accepts signatures of: one that lasts, and one of
// temporary credentials with its token. They are good for nothing else.
const (
	SecretID  = "AKIDdemoPhoneVerifySimulator"
	SecretKey = "demo-secret-key-of-the-simulator"

	TempSecretID  = "AKIDtempPhoneVerifySimulator"
	TempSecretKey = "temp-secret-key-of-the-simulator"
	TempToken     = "demo-session-token-of-the-simulator"
)

// RequestsPerSecond is what the API takes, over any second.
const RequestsPerSecond = 20

// maxCalls is how many calls are remembered; then the older half is forgotten.
const maxCalls = 100_000

// maxBody is the API's limit on a POST signed with TC3.
const maxBody = 10 << 20

// Simulator is the API. It is an http.Handler, and an http.RoundTripper that needs no
// network. The zero value is ready for use, and safe for concurrent use.
type Simulator struct {
	Quota int                        // requests it takes over any second; 0 means RequestsPerSecond
	On    func(core.Request) Trouble // of a request that no script is for; nil: none

	mu      sync.Mutex
	calls   []Call
	script  []Trouble
	recent  []time.Time // of the requests taken in the last second
	refused int         // as too many
	busy    int         // how often busyTwice was answered busy since its last match
}

// Call is one request that was properly signed and inside the quota.
type Call struct {
	Time      time.Time
	RequestID string
	Request   core.Request // as it came; it redacts itself
	Result    string       // "" if it came to an error
	Code      string       // of the error, "" if it came to a result
	Charged   bool
}

// Calls returns what has been called so far.
func (s *Simulator) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Charges returns how many calls have been charged so far.
func (s *Simulator) Charges() int {
	n := 0
	for _, call := range s.Calls() {
		if call.Charged {
			n++
		}
	}
	return n
}

// Throttled returns how many requests have been refused as too many so far.
func (s *Simulator) Throttled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// ServeHTTP answers one request, always with status 200 unless trouble says otherwise.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := Call{Time: time.Now(), RequestID: newRequestID()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.answer(w, call, nil, &fault{"RequestSizeLimitExceeded", "The request is larger than 10 MB."})
		return
	}
	params, bad := s.admit(r, body)
	if bad != nil {
		s.answer(w, call, nil, bad)
		return
	}
	trouble := s.nextTrouble(params)
	if !trouble.wait(r.Context()) {
		panic(http.ErrAbortHandler)
	}
	if trouble.Status != 0 {
		http.Error(w, "bad gateway", trouble.Status)
		return
	}
	found, bad := s.verify(params, trouble)
	call.Request = params.request()
	call.record(found, bad)
	s.note(call)
	trouble.afterCharge(r.Context())
	s.answer(w, call, found, bad)
}

// admit checks all that comes before the business of a request: its form, its
// action, its signature and the quota.
func (s *Simulator) admit(r *http.Request, body []byte) (parameters, *fault) {
	params, bad := readParameters(r, body)
	if bad != nil {
		return nil, bad
	}
	if bad := checkAction(r, params); bad != nil {
		return nil, bad
	}
	verifier := tc3.Verifier{Service: "faceid", Lookup: lookup}
	if _, err := verifier.Verify(r, body); err != nil {
		e := core.AsError(err)
		return nil, &fault{e.Code, e.Message}
	}
	if !s.withinQuota(time.Now()) {
		return nil, &fault{"RequestLimitExceeded", "The number of requests exceeds the frequency limit."}
	}
	return params, nil
}

func lookup(secretID string) (tc3.Key, bool) {
	switch secretID {
	case SecretID:
		return tc3.Key{Secret: SecretKey}, true
	case TempSecretID:
		return tc3.Key{Secret: TempSecretKey, Token: TempToken}, true
	}
	return tc3.Key{}, false
}

// withinQuota takes a request into the last second, unless that is full.
func (s *Simulator) withinQuota(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.recent) > 0 && now.Sub(s.recent[0]) >= time.Second {
		s.recent = s.recent[1:]
	}
	if len(s.recent) >= cmp.Or(s.Quota, RequestsPerSecond) {
		s.refused++
		return false
	}
	s.recent = append(s.recent, now)
	return true
}

func (c *Call) record(found *verdict, bad *fault) {
	if bad != nil {
		c.Code = bad.code
		return
	}
	c.Result = found.result
	c.Charged = charged[found.result]
}

func (s *Simulator) note(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) == maxCalls {
		s.calls = append(s.calls[:0], s.calls[maxCalls/2:]...)
	}
	s.calls = append(s.calls, c)
}

// fault is an error of the API's.
type fault struct {
	code    string
	message string
}

// answer writes the API's envelope.
func (s *Simulator) answer(w http.ResponseWriter, call Call, found *verdict, bad *fault) {
	response := map[string]any{"RequestId": call.RequestID}
	if bad != nil {
		response["Error"] = map[string]string{"Code": bad.code, "Message": bad.message}
	} else {
		response["Result"] = found.result
		response["Description"] = descriptions[found.result]
		response["Isp"] = found.isp
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"Response": response})
}

// newRequestID returns a random UUID, as the API's request ids are.
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
