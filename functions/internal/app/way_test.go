package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/core"
	"phoneverify/functions/internal/app"
)

// way is the whole way of a request but for the network: the API, the core, the SDK's
// client, and the simulator.
type way struct {
	http.Handler
	sim *faceidsim.Simulator
	log *bytes.Buffer
}

func newWay(t *testing.T, settings ...string) *way {
	t.Helper()
	s, err := app.ReadSettings(append(settings, app.Prefix+"LOG_LEVEL=debug", app.Prefix+"CALLER_AUTH=none"), justEnv)
	if err != nil {
		t.Fatal(err)
	}
	w := &way{sim: new(faceidsim.Simulator), log: new(bytes.Buffer)}
	w.Handler = app.New(s, app.Options{
		Log:         slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Credentials: credential.Static{SecretID: faceidsim.SecretID, SecretKey: faceidsim.SecretKey},
		Transport:   w.sim,
	}).HTTP
	return w
}

type response struct {
	Result, Description, Isp, RequestId string
	Outcome                             string
	Billed, Replayed                    bool
	Error                               struct{ Code, Message string }
}

// post sends a person, by their parameters, under a key unless that is "".
func (w *way) post(t *testing.T, params map[string]any, key string) (int, response) {
	t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	var envelope struct{ Response response }
	if err := json.Unmarshal(recorder.Body.Bytes(), &envelope); err != nil {
		t.Fatal(err)
	}
	return recorder.Code, envelope.Response
}

func person(phone string) map[string]any {
	return map[string]any{"IdCard": "11204416541220243X", "Name": "Wei Xiaobao", "Phone": phone}
}

// Every result and error code of the specification, brought out by a magic number.
func TestEveryCode(t *testing.T) {
	for phone, want := range map[string]struct {
		status  int
		result  string
		outcome string
		billed  bool
		code    string
	}{
		"16100000000": {200, "0", "match", true, ""},
		"16100000004": {200, "-4", "mismatch", true, ""},
		"16100000005": {200, "-5", "unknown", true, ""},
		"16100000006": {200, "-6", "invalid_phone", false, ""},
		"16100000007": {200, "-7", "invalid_id_card", false, ""},
		"16100000008": {200, "-8", "invalid_name", false, ""},
		"16100000009": {200, "-9", "no_record", false, ""},
		"16100000011": {200, "-11", "busy", false, ""},
		"16100000012": {200, "-12", "daily_limit", false, ""},
		"16100000013": {200, "-13", "unsupported_segment", false, ""},
		"16100000101": {400, "", "", false, "FailedOperation.DecryptSystemError"},
		"16100000102": {502, "", "", false, "FailedOperation.StsUnAuthErrError"},
		"16100000103": {503, "", "", false, "FailedOperation.UnKnown"},
		"16100000104": {400, "", "", false, "InvalidParameter"},
		"16100000105": {400, "", "", false, "InvalidParameter.UnsupportEncryptField"},
		"16100000106": {400, "", "", false, "InvalidParameterValue"},
		"16100000107": {502, "", "", false, "UnauthorizedOperation.Arrears"},
		"16100000108": {502, "", "", false, "UnauthorizedOperation.ChargeStatusException"},
		"16100000109": {502, "", "", false, "UnauthorizedOperation.NonAuthorize"},
		"16100000110": {502, "", "", false, "UnauthorizedOperation.Nonactivated"},
	} {
		t.Run(phone+" "+want.result+want.code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWay(t)
				status, got := w.post(t, person(phone), "")
				if status != want.status || got.Result != want.result || got.Outcome != want.outcome ||
					got.Billed != want.billed || got.Error.Code != want.code || got.RequestId == "" {
					t.Errorf("got %d %+v", status, got)
				}
				if got.Result != "" && (got.Description == "" || got.Isp == "") {
					t.Errorf("a field is missing: %+v", got)
				}
				charges := 0
				if want.billed {
					charges = 1
				}
				if n := w.sim.Charges(); n != charges {
					t.Errorf("%d charges, want %d", n, charges)
				}
			})
		})
	}
}

// Trouble on the way, brought out by a magic number.
func TestTrouble(t *testing.T) {
	for phone, want := range map[string]struct {
		status  int
		code    string
		charges int
		calls   int
	}{
		"16100000201": {200, "", 1, 1},
		"16100000202": {504, "FailedOperation.OutcomeUnknown", 0, 0}, // it never reached the API
		"16100000203": {504, "FailedOperation.OutcomeUnknown", 1, 1},
		"16100000204": {504, "FailedOperation.OutcomeUnknown", 1, 1},
		"16100000205": {200, "", 1, 3},
	} {
		t.Run(phone, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWay(t)
				for _, replayed := range []bool{false, true} { // the second time nothing is sent
					status, got := w.post(t, person(phone), "k")
					if status != want.status || got.Error.Code != want.code || want.code == "" && got.Replayed != replayed {
						t.Errorf("got %d %+v", status, got)
					}
					if n, charges := len(w.sim.Calls()), w.sim.Charges(); n != want.calls || charges != want.charges {
						t.Errorf("%d calls, %d charges; want %d, %d", n, charges, want.calls, want.charges)
					}
				}
			})
		})
	}
}

func TestFiftyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		w.sim.Script(faceidsim.Trouble{Delay: time.Second})
		answers := make([]response, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				status, got := w.post(t, person("16137688175"), "k")
				if status != 200 {
					t.Errorf("answer %d is %d %+v", i, status, got)
				}
				got.Replayed = false
				answers[i] = got
			})
		}
		all.Wait()
		for i, got := range answers {
			if got != answers[0] {
				t.Errorf("answer %d is %+v, want %+v", i, got, answers[0])
			}
		}
		if n := w.sim.Charges(); n != 1 {
			t.Errorf("%d charges, want 1", n)
		}
	})
}

func TestKeyOfAnotherPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		if status, got := w.post(t, person("16137688175"), "k"); status != 200 {
			t.Fatalf("got %d %+v", status, got)
		}
		status, got := w.post(t, person("16137688176"), "k")
		if status != 422 || got.Error.Code != "InvalidParameterValue" {
			t.Errorf("got %d %+v", status, got)
		}
	})
}

// A crowd is served inside the quota: the API refuses nobody, and 95 % is used.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		began := time.Now()
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				who := person("16100000000")
				who["Name"] = strings.Repeat("n", i+1)
				if status, got := w.post(t, who, ""); status != 200 {
					t.Errorf("got %d %+v", status, got)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 10*time.Second*100/95 {
			t.Errorf("200 took %v", took)
		}
		if n := len(w.sim.Calls()); n != 200 {
			t.Errorf("%d calls, want 200", n)
		}
		if strings.Contains(w.log.String(), "RequestLimitExceeded") {
			t.Error("the API saw too many requests")
		}
	})
}

// A crowd that does not fit before the deadline is told so, and when to come again.
func TestCrowdTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t, app.Prefix+"RATE_LIMIT=1")
		var mu sync.Mutex
		statuses := map[int]int{}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				who := person("16100000000")
				who["Name"] = strings.Repeat("n", i+1)
				status, _ := w.post(t, who, "")
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
			})
		}
		all.Wait()
		if statuses[200] < 18 || statuses[200]+statuses[429] != 40 || w.sim.Charges() != statuses[200] {
			t.Errorf("statuses %v, %d charges", statuses, w.sim.Charges())
		}
	})
}

// The person of the published vector, encrypted, is a match.
func TestEncryptedPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		status, got := w.post(t, map[string]any{
			"IdCard": "d6aNcq3NVeVAN4nA64hKc9MQZdihBxc/D248EOnGriA=", "Name": "l1fcWIY8foUmIBFnBv7/+w==", "Phone": "Blxdifmm8v3IP8dTiaVtsg==",
			"CiphertextBlob": faceidsim.CiphertextBlob, "Iv": "aabbccddeeffgghh", "EncryptList": []string{"IdCard", "Name", "Phone"},
		}, "")
		if status != 200 || got.Result != "0" {
			t.Errorf("got %d %+v", status, got)
		}
	})
}

// Whatever text the fields hold, it arrives upstream byte for byte.
func TestFieldsArriveAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		for n := range 300 {
			sent := map[string]any{"EncryptList": []string{"Phone", "IdCard", "Name"}[:1+n%3]}
			for _, name := range []string{"IdCard", "Name", "Phone", "CiphertextBlob", "Iv"} {
				sent[name] = randomText()
			}
			w.sim.Script(faceidsim.Trouble{Result: "-9"})
			if status, got := w.post(t, sent, ""); status != 200 {
				t.Fatalf("%q: got %d %+v", sent, status, got)
			}
			calls := w.sim.Calls()
			arrived := calls[len(calls)-1].Request
			if string(arrived.IdCard) != sent["IdCard"] || string(arrived.Name) != sent["Name"] || string(arrived.Phone) != sent["Phone"] ||
				string(arrived.CiphertextBlob) != sent["CiphertextBlob"] || string(arrived.Iv) != sent["Iv"] ||
				strings.Join(arrived.EncryptList, ",") != strings.Join(sent["EncryptList"].([]string), ",") {
				t.Fatalf("%q was changed", sent)
			}
		}
	})
}

// randomText is up to 60 characters of any kind but control characters.
func randomText() string {
	kinds := []func() rune{
		func() rune { return rune(' ' + rand.N('~'-' '+1)) },
		func() rune { return []rune(`"\<>&+%/='` + "`\u2028\ufeff\ufffd-k-")[rand.N(17)] },
		func() rune { return 0x4e00 + rand.N(rune(0x5000)) },
		func() rune { return rand.N(rune(utf8.MaxRune)) },
	}
	var text strings.Builder
	for text.Len() == 0 || rand.N(60) > 0 {
		if r := kinds[rand.N(len(kinds))](); utf8.ValidRune(r) && !unicode.IsControl(r) {
			text.WriteRune(r)
		}
	}
	return text.String()
}

// Keys that have gone stale are dropped, and the attempt is made once more: one charge,
// and the caller sees nothing of it.
func TestStaleKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		s, err := app.ReadSettings([]string{app.Prefix + "CALLER_AUTH=none"}, justEnv)
		if err != nil {
			t.Fatal(err)
		}
		keys := &renewing{token: "of an hour ago"}
		w.Handler = app.New(s, app.Options{Credentials: keys, Transport: w.sim}).HTTP
		status, got := w.post(t, person("16137688175"), "k")
		if status != 200 || got.Result != "0" || got.Replayed || keys.dropped != 1 || w.sim.Charges() != 1 {
			t.Errorf("got %d %+v, %d drops, %d charges", status, got, keys.dropped, w.sim.Charges())
		}
	})
}

// renewing is credentials that hold once they were dropped.
type renewing struct {
	token   core.Private
	dropped int
}

func (k *renewing) Keys(context.Context) (string, core.Private, core.Private, error) {
	return faceidsim.TempSecretID, faceidsim.TempSecretKey, k.token, nil
}

func (k *renewing) Drop(string) bool {
	k.dropped++
	k.token = faceidsim.TempToken
	return true
}
