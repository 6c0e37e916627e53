//go:build dynamodb

package main

import (
	"errors"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"phoneverify/adapters/store/dynamodb"
	"phoneverify/core"
)

func init() { build.Stores["dynamodb"] = openDynamoDB }

// openDynamoDB opens dynamodb://TABLE, in the function's region.
func openDynamoDB(address string, perSecond float64) (core.Ledger, core.Limiter, error) {
	table := strings.TrimPrefix(address, "dynamodb://")
	if ok, _ := regexp.MatchString(`^[A-Za-z0-9_.-]{3,255}$`, table); !ok {
		return nil, nil, errors.New("must be dynamodb:// and the name of a table")
	}
	client := dynamodb.Open(dynamodb.Config{
		Region:      os.Getenv("AWS_REGION"),
		Endpoint:    awsEndpoint("DYNAMODB"),
		Credentials: aws.CredentialsProviderFunc(role),
	})
	return dynamodb.NewLedger(client, table), dynamodb.NewLimiter(client, table, perSecond), nil
}
