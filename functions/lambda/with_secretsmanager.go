//go:build secretsmanager

package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"phoneverify/adapters/credential/secretsmanager"
	"phoneverify/adapters/faceid"
	"phoneverify/functions/internal/app"
)

func init() {
	build.Credentials = append(build.Credentials, "secretsmanager")
	sources["secretsmanager"] = func(s app.Settings, log *slog.Logger) faceid.Credentials {
		return secretsmanager.New(secretsmanager.Config{
			SecretID:       s.SecretID,
			AWSRegion:      os.Getenv("AWS_REGION"),
			AWSEndpoint:    awsEndpoint("SECRETS_MANAGER"),
			AWSCredentials: aws.CredentialsProviderFunc(role),
			Log:            log,
		})
	}
}
