package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/credential/webidentity"
	"phoneverify/adapters/faceid"
	"phoneverify/functions/internal/app"
)

// credentials is the source that the settings name.
func credentials(s app.Settings, log *slog.Logger) faceid.Credentials {
	if source, ok := sources[s.Credentials]; ok {
		return source(s, log)
	}
	if s.Credentials == "webidentity" {
		return webidentity.New(webidentity.Config{
			RoleARN:        s.RoleARN,
			Provider:       s.OIDCProvider,
			Audience:       s.OIDCAudience,
			Endpoint:       s.STSEndpoint,
			AWSRegion:      os.Getenv("AWS_REGION"),
			AWSEndpoint:    awsEndpoint("STS"),
			AWSCredentials: aws.CredentialsProviderFunc(role),
			Log:            log,
		})
	}
	return credential.Env{}
}

// role is the function's own, which Lambda puts into the environment. It is read there
// and not by the SDK's config package, which would be the larger half of the binary.
func role(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "Lambda",
	}, nil
}

// awsEndpoint is where a service of AWS is, if the environment says so, by the names
// that all of AWS's SDKs read.
func awsEndpoint(service string) string {
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_"+service), os.Getenv("AWS_ENDPOINT_URL"))
}
