//go:build sqs

package main

import (
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"phoneverify/adapters/queue"
	"phoneverify/adapters/sink/sqs"
)

func init() { build.Sinks["sqs"] = openSQS }

// openSQS opens sqs://QUEUE, in the function's region and account.
func openSQS(address string) (queue.Sink, error) {
	return sqs.Open(sqs.Config{
		Region:      os.Getenv("AWS_REGION"),
		Endpoint:    awsEndpoint("SQS"),
		Credentials: aws.CredentialsProviderFunc(role),
	}, strings.TrimPrefix(address, "sqs://"))
}
