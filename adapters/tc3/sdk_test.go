package tc3_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"phoneverify/adapters/tc3"
	"phoneverify/core"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// What Tencent's own client signs is taken: every scheme, method, and a token.
func TestSDK(t *testing.T) {
	const token = "session token/+="
	var got error
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, got = verifier("faceid", tc3.Key{Secret: exampleSecret, Token: token}).Verify(r, body)
		w.Write([]byte(`{"Response":{}}`))
	}))
	defer server.Close()
	for _, scheme := range []string{"TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256"} {
		for _, method := range []string{"GET", "POST"} {
			for _, unsigned := range []bool{false, true} {
				for sent, code := range map[string]string{token: "", "another": "AuthFailure.TokenFailure", "": "AuthFailure.TokenFailure"} {
					p := profile.NewClientProfile()
					p.SignMethod, p.UnsignedPayload = scheme, unsigned
					p.HttpProfile.ReqMethod, p.HttpProfile.Scheme = method, "HTTP"
					p.HttpProfile.Endpoint = strings.TrimPrefix(server.URL, "http://") + "/release/verify"
					client := common.NewCommonClient(common.NewTokenCredential(exampleID, exampleSecret, sent), "ap-singapore", p)
					request := &struct {
						*tchttp.BaseRequest
						Name *string `json:"Name" name:"Name"`
					}{&tchttp.BaseRequest{}, new("Wei Xiaobao & 韦小宝 +%/=?")}
					request.Init().WithApiInfo("faceid", "2018-03-01", "PhoneVerification")
					got = errors.New("not called")
					if err := client.Send(request, tchttp.NewCommonResponse()); err != nil {
						t.Fatal(err)
					}
					wantCode(t, got, code)
				}
			}
		}
	}
}

// A wrong key is refused, whatever signs.
func TestSDKWithAnotherKey(t *testing.T) {
	var got error
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, got = verifier("faceid", tc3.Key{Secret: exampleSecret}).Verify(r, body)
		w.Write([]byte(`{"Response":{}}`))
	}))
	defer server.Close()
	for _, scheme := range []string{"TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256"} {
		p := profile.NewClientProfile()
		p.SignMethod, p.HttpProfile.Scheme = scheme, "HTTP"
		p.HttpProfile.Endpoint = strings.TrimPrefix(server.URL, "http://")
		request := tchttp.NewCommonRequest("faceid", "2018-03-01", "PhoneVerification")
		common.NewCommonClient(common.NewCredential(exampleID, "another"), "", p).Send(request, tchttp.NewCommonResponse())
		if !errors.Is(got, core.Unauthenticated) {
			t.Errorf("%s: got %v", scheme, got)
		}
		wantCode(t, got, "AuthFailure.SignatureFailure")
	}
}
