// Package secretsmanager reads keys of Tencent Cloud from AWS Secrets Manager, with the
// function's role: a secret of the form {"SecretId":"…","SecretKey":"…"}.
package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"phoneverify/adapters/credential"
	"phoneverify/core"
)

// life is for how long a secret is not read again. One that was rotated meanwhile is
// read at once when the API calls the old one stale.
const life = time.Hour

// Config is which secret, and where.
type Config struct {
	SecretID       string // its name or ARN
	AWSRegion      string
	AWSEndpoint    string                  // instead of the region's, "" for that
	AWSCredentials aws.CredentialsProvider // the function's role
	Log            *slog.Logger

	Transport http.RoundTripper // carries the requests; nil for the network
}

// New returns a source of keys. It connects to nothing, and sets up the AWS SDK, when
// it is first asked.
func New(c Config) *credential.Cache {
	client := sync.OnceValue(func() *awssm.Client {
		o := awssm.Options{
			Region:      c.AWSRegion,
			Credentials: c.AWSCredentials,
			HTTPClient:  &http.Client{Transport: credential.Transport(c.Transport)},
		}
		if c.AWSEndpoint != "" {
			o.BaseEndpoint = &c.AWSEndpoint
		}
		return awssm.New(o)
	})
	fetch := func(ctx context.Context) (credential.Keys, error) { return read(ctx, client(), c.SecretID) }
	return &credential.Cache{Fetch: fetch, Log: c.Log}
}

func read(ctx context.Context, client *awssm.Client, id string) (credential.Keys, error) {
	out, err := client.GetSecretValue(ctx, &awssm.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return credential.Keys{}, credential.Failure(ctx, "secretsmanager: AWS Secrets Manager", err)
	}
	var secret struct {
		SecretId  string
		SecretKey core.Private
	}
	text := aws.ToString(out.SecretString)
	if json.Unmarshal([]byte(text), &secret) != nil || secret.SecretId == "" || secret.SecretKey == "" {
		return credential.Keys{}, errors.New(`secretsmanager: the secret is not of the form {"SecretId":"…","SecretKey":"…"}`)
	}
	return credential.Keys{SecretID: secret.SecretId, SecretKey: secret.SecretKey, Life: life}, nil
}
