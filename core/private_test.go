package core_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"phoneverify/core"
)

// canary is a value that must be found nowhere.
const canary = "canary-16137688175"

// Whatever holds a private value shows none of it, however it is shown.
func TestRedaction(t *testing.T) {
	request := core.Request{IdCard: canary, Name: canary, Phone: canary,
		CiphertextBlob: canary, EncryptList: []string{canary}, Iv: canary}
	holders := map[string]any{
		"Private":          core.Private(canary),
		"pointer":          new(core.Private(canary)),
		"Request":          request,
		"Request pointer":  &request,
		"Call":             core.Call{Request: request, Key: canary},
		"Policy":           core.Policy{Secret: canary},
		"slice":            []core.Private{canary},
		"map":              map[string]core.Private{"key": canary},
		"inside an error":  fmt.Errorf("sending %v", request),
		"Verifier":         core.Verifier{Policy: core.Policy{Secret: canary}},
		"struct of struct": struct{ C core.Call }{core.Call{Request: request, Key: canary}},
	}
	for name, holder := range holders {
		t.Run(name, func(t *testing.T) {
			var shown bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
				fmt.Fprintf(&shown, verb+"\n", holder)
			}
			if encoded, err := json.Marshal(holder); err == nil {
				shown.Write(encoded)
			}
			for _, handler := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
				slog.New(handler).Info("holder", "holder", holder)
			}
			if strings.Contains(shown.String(), canary) || strings.Contains(shown.String(), fmt.Sprintf("%x", canary)) {
				t.Errorf("the canary is shown:\n%s", shown.String())
			}
		})
	}
}

func TestPrivateSaysThatItIsRedacted(t *testing.T) {
	if got := fmt.Sprintf("%v %s %#v", core.Private("x"), core.Private("y"), core.Private("z")); got != "REDACTED REDACTED REDACTED" {
		t.Errorf("got %s", got)
	}
}
