// Lambda is the function on AWS Lambda, with runtime provided.al2023.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"phoneverify/adapters/awslambda"
	"phoneverify/functions/internal/app"
)

func main() {
	settings, err := app.ReadSettings(os.Environ(), build)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	log := settings.NewLogger(os.Stdout)
	app.TakeStandardLog(log)
	function := app.New(settings, app.Options{Log: log, Credentials: credentials(settings, log)})
	lambda.StartWithOptions(&awslambda.Handler{API: function.HTTP, Queue: function.Queue, Log: log})
}
