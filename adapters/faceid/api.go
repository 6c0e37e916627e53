package faceid

import (
	"fmt"
	"log/slog"

	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
)

// The API, as the SDK's generated packages declare one. The faceid package itself
// can't be had in a version that has Isp and goes with a current common package.
const (
	service = "faceid"
	version = "2018-03-01"
	action  = "PhoneVerification"
)

// PhoneVerificationRequest is the API's request. Like all that holds a person's data
// it does not show it in fmt and log/slog; its JSON is what is sent.
type PhoneVerificationRequest struct {
	*tchttp.BaseRequest

	IdCard         *string   `json:"IdCard,omitempty" name:"IdCard"`
	Name           *string   `json:"Name,omitempty" name:"Name"`
	Phone          *string   `json:"Phone,omitempty" name:"Phone"`
	CiphertextBlob *string   `json:"CiphertextBlob,omitempty" name:"CiphertextBlob"`
	EncryptList    []*string `json:"EncryptList,omitempty" name:"EncryptList"`
	Iv             *string   `json:"Iv,omitempty" name:"Iv"`
}

// NewPhoneVerificationRequest returns a request with no parameters.
func NewPhoneVerificationRequest() *PhoneVerificationRequest {
	r := &PhoneVerificationRequest{BaseRequest: &tchttp.BaseRequest{}}
	r.Init().WithApiInfo(service, version, action)
	return r
}

// Format writes REDACTED for every verb.
func (*PhoneVerificationRequest) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "PhoneVerificationRequest(REDACTED)")
}

// LogValue is REDACTED, for log/slog.
func (r *PhoneVerificationRequest) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprint(r))
}

// PhoneVerificationResponseParams are the parameters of the API's answer.
type PhoneVerificationResponseParams struct {
	Result      *string `json:"Result,omitempty" name:"Result"`
	Description *string `json:"Description,omitempty" name:"Description"`
	Isp         *string `json:"Isp,omitempty" name:"Isp"`
	RequestId   *string `json:"RequestId,omitempty" name:"RequestId"`
}

// PhoneVerificationResponse is the API's answer.
type PhoneVerificationResponse struct {
	*tchttp.BaseResponse

	Response *PhoneVerificationResponseParams `json:"Response"`
}

// NewPhoneVerificationResponse returns an empty answer.
func NewPhoneVerificationResponse() *PhoneVerificationResponse {
	return &PhoneVerificationResponse{BaseResponse: &tchttp.BaseResponse{}}
}
