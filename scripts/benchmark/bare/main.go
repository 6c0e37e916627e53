// Bare is the least that a function on AWS Lambda can be: it answers a constant. What
// it takes, nothing in Go takes less.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

// constant is an answer like the others', so that the harness can check all alike.
const constant = `{"Response":{"Result":"0"}}`

type handler struct{}

// Invoke implements lambda.Handler, which gets the event as it is.
func (handler) Invoke(context.Context, []byte) ([]byte, error) { return []byte(constant), nil }

func main() { lambda.StartWithOptions(handler{}) }
