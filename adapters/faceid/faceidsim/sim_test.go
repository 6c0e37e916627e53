package faceidsim_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"phoneverify/adapters/faceid/faceidsim"
)

// call sends parameters as Tencent's common client does, and returns the answer as
// its Response or the code of its Error.
func call(t *testing.T, sim http.RoundTripper, params map[string]any) (map[string]any, string) {
	t.Helper()
	request := tchttp.NewCommonRequest("faceid", "2018-03-01", "PhoneVerification")
	request.SetActionParameters(params)
	return send(t, sim, common.NewCredential(faceidsim.SecretID, faceidsim.SecretKey), request)
}

func send(t *testing.T, sim http.RoundTripper, keys common.CredentialIface, request tchttp.Request) (map[string]any, string) {
	t.Helper()
	client := common.NewCommonClient(keys, "", profile.NewClientProfile()).WithHttpTransport(sim)
	response := tchttp.NewCommonResponse()
	if err := client.Send(request, response); err != nil {
		e, ok := errors.AsType[*tcerr.TencentCloudSDKError](err)
		if !ok {
			t.Fatal(err)
		}
		return nil, e.Code
	}
	var envelope struct{ Response map[string]any }
	if err := json.Unmarshal(response.GetBody(), &envelope); err != nil {
		t.Fatal(err)
	}
	return envelope.Response, ""
}

func person(phone string) map[string]any {
	return map[string]any{"IdCard": "11204416541220243X", "Name": "Wei Xiaobao", "Phone": phone}
}

// The specification's examples.
func TestExamples(t *testing.T) {
	for phone, want := range map[string][3]string{
		"16137688175": {"0", "Authentication passed", "Telecom"},
		"16137688176": {"-4", "Information inconsistency", "China Unicom"},
	} {
		got, code := call(t, new(faceidsim.Simulator), person(phone))
		if code != "" || got["Result"] != want[0] || got["Description"] != want[1] || got["Isp"] != want[2] {
			t.Errorf("%s: got %v %s, want %v", phone, got, code, want)
		}
		if id, _ := got["RequestId"].(string); len(id) != 36 {
			t.Errorf("the request id is %q", id)
		}
	}
}

func TestPeople(t *testing.T) {
	sim := new(faceidsim.Simulator)
	for name, c := range map[string]struct {
		idCard, name, phone string
		want                string
	}{
		"a match":            {"11204416541220243X", "韦小宝", "16137688175", "0"},
		"another name":       {"11204416541220243X", "Shuang Er", "16137688175", "-4"},
		"another card":       {"110101199003070134", "Wei Xiaobao", "16137688175", "-4"},
		"the neighbour":      {"110101199003070134", "双儿", "16137688176", "0"},
		"an unknown number":  {"11204416541220243X", "Wei Xiaobao", "16137688177", "-9"},
		"not a number":       {"11204416541220243X", "Wei Xiaobao", "1613768817", "-6"},
		"not a card":         {"11204416541220243", "Wei Xiaobao", "16137688175", "-7"},
		"not a name":         {"11204416541220243X", "Wei 2", "16137688175", "-8"},
		"anyone with magic":  {"x", "2", "16100000000", "0"},
		"magic with results": {"x", "2", "16100000013", "-13"},
	} {
		got, code := call(t, sim, map[string]any{"IdCard": c.idCard, "Name": c.name, "Phone": c.phone})
		if got["Result"] != c.want || code != "" {
			t.Errorf("%s: got %v %s, want %s", name, got, code, c.want)
		}
	}
}

// vector is the encryption of one person under the demo key, computed by others.
var vector = map[string]string{
	"韦小宝":                "l1fcWIY8foUmIBFnBv7/+w==",
	"11204416541220243X": "d6aNcq3NVeVAN4nA64hKc9MQZdihBxc/D248EOnGriA=",
	"16137688175":        "Blxdifmm8v3IP8dTiaVtsg==",
	"张三":                 "f+c5CMBQP7NOajy91bkg9g==",
}

const vectorIV = "aabbccddeeffgghh"

func TestEncryption(t *testing.T) {
	good := func() map[string]any {
		return map[string]any{"IdCard": vector["11204416541220243X"], "Name": vector["韦小宝"], "Phone": vector["16137688175"],
			"CiphertextBlob": faceidsim.CiphertextBlob, "Iv": vectorIV, "EncryptList": []string{"IdCard", "Name", "Phone"}}
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		result string
		code   string
	}{
		"all encrypted":        {func(map[string]any) {}, "0", ""},
		"the vector in base64": {func(p map[string]any) { p["Iv"] = base64.StdEncoding.EncodeToString([]byte(vectorIV)) }, "0", ""},
		"one encrypted": {func(p map[string]any) {
			p["EncryptList"] = []string{"Name"}
			p["IdCard"], p["Phone"] = "11204416541220243X", "16137688175"
		}, "0", ""},
		"another person":      {func(p map[string]any) { p["Name"] = vector["张三"] }, "-4", ""},
		"a plain field":       {func(p map[string]any) { p["Phone"] = "16137688175" }, "", "InvalidParameter.UnsupportEncryptField"},
		"a field that isn't":  {func(p map[string]any) { p["EncryptList"] = []string{"Isp"} }, "", "InvalidParameter.UnsupportEncryptField"},
		"an unknown data key": {func(p map[string]any) { p["CiphertextBlob"] = "another" }, "", "FailedOperation.DecryptSystemError"},
		"a short vector":      {func(p map[string]any) { p["Iv"] = "aabb" }, "", "FailedOperation.DecryptSystemError"},
		"another ciphertext": {func(p map[string]any) {
			p["Phone"] = base64.StdEncoding.EncodeToString(make([]byte, 16))
		}, "", "FailedOperation.DecryptSystemError"},
		"no blob":   {func(p map[string]any) { delete(p, "CiphertextBlob") }, "", "MissingParameter"},
		"no vector": {func(p map[string]any) { delete(p, "Iv") }, "", "MissingParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			params := good()
			c.change(params)
			got, code := call(t, new(faceidsim.Simulator), params)
			if code != c.code || c.result != "" && got["Result"] != c.result {
				t.Errorf("got %v %s, want %s%s", got, code, c.result, c.code)
			}
		})
	}
}

// Magic numbers are magic encrypted too.
func TestEncryptedMagic(t *testing.T) {
	params := person(encrypt(t, "16100000107"))
	params["EncryptList"], params["CiphertextBlob"], params["Iv"] = []string{"Phone"}, faceidsim.CiphertextBlob, vectorIV
	if got, code := call(t, new(faceidsim.Simulator), params); code != "UnauthorizedOperation.Arrears" {
		t.Errorf("got %v %s", got, code)
	}
}

func encrypt(t *testing.T, text string) string {
	block, err := aes.NewCipher([]byte(faceidsim.DataKey))
	if err != nil {
		t.Fatal(err)
	}
	padding := aes.BlockSize - len(text)%aes.BlockSize
	padded := append([]byte(text), slices.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, []byte(vectorIV)).CryptBlocks(padded, padded)
	return base64.StdEncoding.EncodeToString(padded)
}

// What is wrong with a request is told by the API's codes, and nothing is charged.
func TestBadRequests(t *testing.T) {
	keys := common.NewCredential(faceidsim.SecretID, faceidsim.SecretKey)
	with := func(service, version, action string, params map[string]any) func(*testing.T, *faceidsim.Simulator) string {
		return func(t *testing.T, sim *faceidsim.Simulator) string {
			request := tchttp.NewCommonRequest(service, version, action)
			request.SetActionParameters(params)
			_, code := send(t, sim, keys, request)
			return code
		}
	}
	as := func(keys common.CredentialIface) func(*testing.T, *faceidsim.Simulator) string {
		return func(t *testing.T, sim *faceidsim.Simulator) string {
			request := tchttp.NewCommonRequest("faceid", "2018-03-01", "PhoneVerification")
			request.SetActionParameters(person("16137688175"))
			_, code := send(t, sim, keys, request)
			return code
		}
	}
	without := func(name string) map[string]any {
		params := person("16137688175")
		delete(params, name)
		return params
	}
	plus := func(name string, value any) map[string]any {
		params := person("16137688175")
		params[name] = value
		return params
	}
	for name, c := range map[string]struct {
		send func(*testing.T, *faceidsim.Simulator) string
		want string
	}{
		"another action":    {with("faceid", "2018-03-01", "DetectAuth", person("1")), "InvalidAction"},
		"another version":   {with("faceid", "2017-01-01", "PhoneVerification", person("1")), "NoSuchVersion"},
		"another service":   {with("cvm", "2018-03-01", "PhoneVerification", person("1")), "AuthFailure.SignatureFailure"},
		"no IdCard":         {with("faceid", "2018-03-01", "PhoneVerification", without("IdCard")), "MissingParameter"},
		"no Name":           {with("faceid", "2018-03-01", "PhoneVerification", without("Name")), "MissingParameter"},
		"no Phone":          {with("faceid", "2018-03-01", "PhoneVerification", without("Phone")), "MissingParameter"},
		"an unknown name":   {with("faceid", "2018-03-01", "PhoneVerification", plus("VerifyMode", "1")), "UnknownParameter"},
		"a number":          {with("faceid", "2018-03-01", "PhoneVerification", plus("Name", 1)), "InvalidParameter"},
		"a list as text":    {with("faceid", "2018-03-01", "PhoneVerification", plus("EncryptList", "Name")), "InvalidParameter"},
		"a list of numbers": {with("faceid", "2018-03-01", "PhoneVerification", plus("EncryptList", []int{1})), "InvalidParameter"},
		"another key":       {as(common.NewCredential(faceidsim.SecretID, "another")), "AuthFailure.SignatureFailure"},
		"an unknown key":    {as(common.NewCredential("AKIDnobody", "another")), "AuthFailure.SecretIdNotFound"},
		"a needless token":  {as(common.NewTokenCredential(faceidsim.SecretID, faceidsim.SecretKey, "t")), "AuthFailure.TokenFailure"},
		"no token":          {as(common.NewCredential(faceidsim.TempSecretID, faceidsim.TempSecretKey)), "AuthFailure.TokenFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			sim := new(faceidsim.Simulator)
			if got := c.send(t, sim); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if n := sim.Charges(); n != 0 {
				t.Errorf("%d charges", n)
			}
		})
	}
}

// Bare requests, which no SDK would send.
func TestBareRequests(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, contentType, body string
		want                              string
	}{
		"PUT":              {"PUT", "/", "application/json", "{}", "UnsupportedProtocol"},
		"no action":        {"POST", "/", "application/json", "{}", "MissingParameter"},
		"no version":       {"GET", "/?Action=PhoneVerification", "", "", "MissingParameter"},
		"no signature":     {"GET", "/?Action=PhoneVerification&Version=2018-03-01", "", "", "AuthFailure.InvalidAuthorization"},
		"plain text":       {"POST", "/", "text/plain", "x", "InvalidRequest"},
		"not JSON":         {"POST", "/", "application/json", "x", "InvalidParameter"},
		"badly encoded":    {"GET", "/?%zz", "", "", "InvalidParameter"},
		"an unnumbered":    {"GET", "/?EncryptList.x=Name", "", "", "InvalidParameter"},
		"a query too long": {"GET", "/?Name=" + strings.Repeat("x", 33<<10), "", "", "RequestSizeLimitExceeded"},
		"a body too long":  {"POST", "/", "application/json", strings.Repeat(" ", 11<<20), "RequestSizeLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			w := httptest.NewRecorder()
			new(faceidsim.Simulator).ServeHTTP(w, r)
			var got struct {
				Response struct {
					Error     struct{ Code, Message string }
					RequestId string
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != 200 || got.Response.Error.Code != c.want || got.Response.RequestId == "" {
				t.Errorf("got %d %+v, want %s", w.Code, got, c.want)
			}
		})
	}
}

// Over no second are more than 20 taken, and those refused do not count.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := new(faceidsim.Simulator)
		taken := func(n int) (taken int) {
			for range n {
				got, code := call(t, sim, person("16137688175"))
				if got["Result"] == "0" {
					taken++
				} else if code != "RequestLimitExceeded" {
					t.Fatalf("got %v %s", got, code)
				}
			}
			return taken
		}
		for _, step := range []struct {
			after      time.Duration
			sent, want int
		}{
			{0, 10, 10},
			{900 * time.Millisecond, 30, 10},
			{99 * time.Millisecond, 5, 0},
			{time.Millisecond, 30, 10}, // the first ten have left the window
			{899 * time.Millisecond, 5, 0},
			{time.Millisecond, 30, 10},
			{time.Second, 30, 20},
		} {
			time.Sleep(step.after)
			if got := taken(step.sent); got != step.want {
				t.Errorf("%v later %d of %d were taken, want %d", step.after, got, step.sent, step.want)
			}
		}
		if got, refused := sim.Charges(), sim.Throttled(); got != 60 || refused != 80 {
			t.Errorf("%d charges and %d refused, want 60 and 80", got, refused)
		}
	})
}

// Trouble is the same over a network and over none.
func TestTrouble(t *testing.T) {
	for phone, c := range map[string]struct {
		code    string
		charged int
		takes   time.Duration
	}{
		"16100000201": {"", 1, 2 * time.Second},
		"16100000202": {"ClientError.ParseJsonError", 0, 0},
		"16100000203": {"ClientError.NetworkError", 1, 0},
		"16100000204": {"ClientError.NetworkError", 1, 3 * time.Second},
	} {
		attempt := func(t *testing.T, carrier http.RoundTripper, sim *faceidsim.Simulator) {
			began := time.Now()
			got, code := call(t, carrier, person(phone))
			if code != c.code || code == "" && got["Result"] != "0" {
				t.Errorf("got %v %s, want %s", got, code, c.code)
			}
			if took := time.Since(began); took < c.takes {
				t.Errorf("it took %v, want %v", took, c.takes)
			}
			if n := sim.Charges(); n != c.charged {
				t.Errorf("%d charges, want %d", n, c.charged)
			}
		}
		t.Run(phone+" in memory", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := new(faceidsim.Simulator)
				attempt(t, impatient{sim}, sim)
			})
		})
		t.Run(phone+" over a network", func(t *testing.T) {
			if c.takes > 0 {
				t.Parallel()
			}
			sim := new(faceidsim.Simulator)
			server := httptest.NewServer(sim)
			defer server.Close()
			attempt(t, impatient{to(server.URL)}, sim)
		})
	}
}

func TestBusyTwice(t *testing.T) {
	sim := new(faceidsim.Simulator)
	var got []string
	for range 6 {
		response, _ := call(t, sim, person("16100000205"))
		got = append(got, response["Result"].(string))
	}
	if want := "-11 -11 0 -11 -11 0"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if n := sim.Charges(); n != 2 {
		t.Errorf("%d charges, want 2", n)
	}
}

func TestScript(t *testing.T) {
	sim := new(faceidsim.Simulator)
	sim.Script(faceidsim.Trouble{Result: "-11"}, faceidsim.Trouble{}, faceidsim.Trouble{Code: "InternalError"})
	for i, want := range []string{"-11", "0", "InternalError", "0"} {
		got, code := call(t, sim, person("16137688175"))
		if got["Result"] != want && code != want {
			t.Errorf("call %d: got %v %s, want %s", i, got, code, want)
		}
	}
	calls := sim.Calls()
	if len(calls) != 4 || calls[2].Code != "InternalError" || calls[2].Charged || !calls[3].Charged || calls[3].Result != "0" {
		t.Errorf("the calls are %+v", calls)
	}
}
