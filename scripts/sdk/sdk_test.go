// Package sdk shows that what others have made works with us: Tencent's own generated
// FaceID client with nothing but the address changed, and the libraries of CloudEvents and
// Standard Webhooks on our results as they come.
//
// It is a module of its own because of what it needs: that client was last published
// in a 2021 version of the SDK's root module, which can't share a build with the
// current common package that the product is made with, and has no place in its go.mod.
// So the product's programs are run, and none of its packages is imported.
package sdk

import (
	"errors"
	"strings"
	"testing"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	faceid "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/faceid/v20180301"
)

const (
	callerID  = "AKIDcaller"
	callerKey = "caller-secret"

	// The specification's example, and phones that the simulator answers otherwise.
	exampleIDCard = "11204416541220243X"
	exampleName   = "韦小宝"
	examplePhone  = "16137688175"
	otherPhone    = "16137688176"
	arrearsPhone  = "16100000107"
)

// Every signature and every method that the client has, with every kind of answer.
func TestGeneratedClient(t *testing.T) {
	address := startLocal(t)
	for _, sign := range []string{"TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"} {
		for _, method := range []string{"POST", "GET"} {
			t.Run(sign+" "+method, func(t *testing.T) {
				client := newClient(t, address, sign, method, callerKey)
				wantResult(t, client, examplePhone, "0")
				wantResult(t, client, otherPhone, "-4")
				wantCode(t, client, arrearsPhone, "UnauthorizedOperation.Arrears")
				stranger := newClient(t, address, sign, method, "another-secret")
				wantCode(t, stranger, examplePhone, "AuthFailure.SignatureFailure")
			})
		}
	}
}

// startLocal starts functions/local, which lets in callers who sign, until the test
// ends. It returns the API's host and port.
func startLocal(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(start(t, build(t, "local"), []string{ // and nothing of whoever runs the test
		"PHONEVERIFY_CALLER_AUTH=tc3",
		`PHONEVERIFY_CALLER_KEYS={"` + callerID + `":"` + callerKey + `"}`,
	}, "-addr", "127.0.0.1:0", "-faceid-addr", "127.0.0.1:0")["api"], "http://")
}

func newClient(t *testing.T, address, sign, method, key string) *faceid.Client {
	t.Helper()
	p := profile.NewClientProfile()
	p.SignMethod = sign
	p.HttpProfile.ReqMethod = method
	p.HttpProfile.Scheme = "HTTP"
	p.HttpProfile.Endpoint = address
	client, err := faceid.NewClient(common.NewCredential(callerID, key), "", p)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func verify(client *faceid.Client, phone string) (*faceid.PhoneVerificationResponse, error) {
	request := faceid.NewPhoneVerificationRequest()
	request.IdCard = common.StringPtr(exampleIDCard)
	request.Name = common.StringPtr(exampleName)
	request.Phone = common.StringPtr(phone)
	return client.PhoneVerification(request)
}

func wantResult(t *testing.T, client *faceid.Client, phone, want string) {
	t.Helper()
	response, err := verify(client, phone)
	if err != nil {
		t.Errorf("%s: %v, want the result %s", phone, err, want)
		return
	}
	got := response.Response
	if got.Result == nil || *got.Result != want {
		t.Errorf("%s: got %s, want the result %s", phone, response.ToJsonString(), want)
	}
	if got.Description == nil || *got.Description == "" || got.RequestId == nil || *got.RequestId == "" {
		t.Errorf("%s: a field is missing: %s", phone, response.ToJsonString())
	}
}

func wantCode(t *testing.T, client *faceid.Client, phone, want string) {
	t.Helper()
	_, err := verify(client, phone)
	if e, ok := errors.AsType[*tcerr.TencentCloudSDKError](err); !ok || e.GetCode() != want || e.GetRequestId() == "" {
		t.Errorf("%s: got %v, want the code %s and a request id", phone, err, want)
	}
}
