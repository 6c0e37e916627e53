// Package webidentity gets keys of Tencent Cloud for the role of an AWS function, with
// no secret stored anywhere: AWS STS certifies who the function is (GetWebIdentityToken),
// and Tencent STS gives the certified one the keys of a role (AssumeRoleWithWebIdentity).
package webidentity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"phoneverify/adapters/credential"
	"phoneverify/core"
)

const (
	keysLife  = time.Hour       // of Tencent's keys; a role allows two hours at the least
	tokenLife = 5 * time.Minute // of AWS's token, which is used once
)

// Config is who asks, and for what.
type Config struct {
	RoleARN  string   // Tencent's, as qcs::cam::uin/1:roleName/phoneverify
	Provider string   // the name of the OIDC provider in CAM that stands for AWS
	Audience string   // that the provider and the role's policy expect
	Endpoint *url.URL // of Tencent STS

	AWSRegion      string                  // whose STS is asked
	AWSEndpoint    string                  // instead of the region's, "" for that
	AWSCredentials aws.CredentialsProvider // the function's role
	Log            *slog.Logger

	Transport http.RoundTripper // carries the requests; nil for the network
}

// New returns a source of keys. It connects to nothing, and sets up the AWS SDK, when
// it is first asked.
func New(c Config) *credential.Cache {
	e := &exchange{Config: c}
	e.aws = sync.OnceValue(e.awsClient)
	return &credential.Cache{Fetch: e.fetch, Log: c.Log}
}

// exchange turns the function's role into keys.
type exchange struct {
	Config
	aws func() *sts.Client
}

// fetch makes the exchange once, with a new token.
func (e *exchange) fetch(ctx context.Context) (credential.Keys, error) {
	token, err := e.token(ctx)
	if err != nil {
		return credential.Keys{}, err
	}
	return e.assume(ctx, token)
}

func (e *exchange) awsClient() *sts.Client {
	o := sts.Options{
		Region:      e.AWSRegion,
		Credentials: e.AWSCredentials,
		HTTPClient:  &http.Client{Transport: credential.Transport(e.Transport)},
	}
	if e.AWSEndpoint != "" {
		o.BaseEndpoint = &e.AWSEndpoint
	}
	return sts.New(o)
}

// token asks AWS for a token that says who the function is.
func (e *exchange) token(ctx context.Context) (core.Private, error) {
	out, err := e.aws().GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience:         []string{e.Audience},
		SigningAlgorithm: aws.String("RS256"),
		DurationSeconds:  aws.Int32(int32(tokenLife.Seconds())),
	})
	if err != nil {
		return "", credential.Failure(ctx, "webidentity: AWS STS", err)
	}
	if aws.ToString(out.WebIdentityToken) == "" {
		return "", errors.New("webidentity: AWS STS answered without a token")
	}
	return core.Private(*out.WebIdentityToken), nil
}

// assumed is Tencent's answer.
type assumed struct {
	*tchttp.BaseResponse
	Response *struct {
		Credentials *struct {
			Token        core.Private
			TmpSecretId  string
			TmpSecretKey core.Private
		}
		ExpiredTime int64 // Unix seconds
	}
}

// assume shows the token to Tencent and gets keys.
func (e *exchange) assume(ctx context.Context, token core.Private) (credential.Keys, error) {
	asked := time.Now()
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme, p.HttpProfile.Endpoint = e.Endpoint.Scheme, e.Endpoint.Host
	p.HttpProfile.ReqTimeout = 0 // the context's deadline is the only one
	request := tchttp.NewCommonRequest("sts", "2018-08-13", "AssumeRoleWithWebIdentity")
	request.SetContext(ctx)
	request.SetSkipSign(true)
	err := request.SetActionParameters(map[string]any{
		"ProviderId":       e.Provider,
		"WebIdentityToken": string(token),
		"RoleArn":          e.RoleARN,
		"RoleSessionName":  "phoneverify",
		"DurationSeconds":  int(keysLife.Seconds()),
	})
	if err != nil {
		return credential.Keys{}, errors.New("webidentity: the SDK does not take the parameters")
	}
	answer := &assumed{BaseResponse: &tchttp.BaseResponse{}}
	client := common.NewCommonClient(nil, "", p).WithHttpTransport(credential.Transport(e.Transport))
	if err := client.Send(request, answer); err != nil {
		return credential.Keys{}, credential.Failure(ctx, "webidentity: Tencent STS", err)
	}
	r := answer.Response
	if r == nil || r.Credentials == nil || r.Credentials.Token == "" {
		return credential.Keys{}, errors.New("webidentity: Tencent STS answered without credentials")
	}
	life := time.Unix(r.ExpiredTime, 0).Sub(asked)
	if life <= 0 {
		return credential.Keys{}, errors.New("webidentity: Tencent STS answered with credentials that have expired")
	}
	return credential.Keys{
		SecretID:  r.Credentials.TmpSecretId,
		SecretKey: r.Credentials.TmpSecretKey,
		Token:     r.Credentials.Token,
		Life:      min(life, keysLife), // if our clock is slow, what was asked for is the truth
	}, nil
}
