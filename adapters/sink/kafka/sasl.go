package kafka

import (
	"context"
	"errors"
	"os"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// passwords are the mechanisms by which a user proves to have a password.
var passwords = map[string]func(user, password string) sasl.Mechanism{
	"plain": func(user, password string) sasl.Mechanism {
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	},
	"scram-sha-256": func(user, password string) sasl.Mechanism {
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	},
	"scram-sha-512": func(user, password string) sasl.Mechanism {
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	},
}

// parseSASL returns how to say who we are, nil for not at all.
func parseSASL(name, user, password string, encrypted bool) (sasl.Mechanism, error) {
	if name == "" && user == "" {
		return nil, nil
	}
	if name == "" {
		name = "plain"
	}
	if name == "aws-msk-iam" {
		if user != "" {
			return nil, errUser
		}
		if !encrypted {
			return nil, errIAM
		}
		return aws.ManagedStreamingIAM(role), nil
	}
	mechanism, ok := passwords[name]
	if !ok {
		return nil, errMechanism
	}
	if user == "" {
		return nil, errUser
	}
	return mechanism(user, password), nil
}

var errNoKeys = errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment")

// role is the function's own, whose keys its platform puts into the environment.
func role(context.Context) (aws.Auth, error) {
	a := aws.Auth{
		AccessKey:    os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretKey:    os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
		UserAgent:    "phoneverify",
	}
	if a.AccessKey == "" || a.SecretKey == "" {
		return aws.Auth{}, errNoKeys
	}
	return a, nil
}
