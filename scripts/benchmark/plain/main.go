// Plain is what a team would write that has read the introductions of AWS and Tencent
// Cloud: a typed handler which calls FaceID by the SDK's client, once for each
// invocation. It has none of the product's promises, and imports none of its code.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
)

// event is the person to verify.
type event struct {
	IdCard string
	Name   string
	Phone  string
}

// request is the API's, as the SDK's generated packages declare one.
type request struct {
	*tchttp.BaseRequest
	IdCard *string `json:"IdCard,omitempty" name:"IdCard"`
	Name   *string `json:"Name,omitempty" name:"Name"`
	Phone  *string `json:"Phone,omitempty" name:"Phone"`
}

// response is the API's, and the function's own answer.
type response struct {
	*tchttp.BaseResponse `json:"-"`
	Response             *struct {
		Result      *string `json:"Result,omitempty"`
		Description *string `json:"Description,omitempty"`
		Isp         *string `json:"Isp,omitempty"`
		RequestId   *string `json:"RequestId,omitempty"`
	}
}

func main() {
	credential := common.NewCredential(os.Getenv("TENCENTCLOUD_SECRETID"), os.Getenv("TENCENTCLOUD_SECRETKEY"))
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme = "HTTP" // the harness's upstream is on loopback
	p.HttpProfile.Endpoint = os.Getenv("FACEID")
	client := common.NewCommonClient(credential, "", p)

	lambda.Start(func(ctx context.Context, e event) (*response, error) {
		r := &request{BaseRequest: &tchttp.BaseRequest{}, IdCard: &e.IdCard, Name: &e.Name, Phone: &e.Phone}
		r.Init().WithApiInfo("faceid", "2018-03-01", "PhoneVerification")
		r.SetContext(ctx)
		answer := &response{BaseResponse: &tchttp.BaseResponse{}}
		err := client.Send(r, answer)
		return answer, err
	})
}
