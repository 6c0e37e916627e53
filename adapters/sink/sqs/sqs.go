// Package sqs is the [queue.Sink] that sends events to a queue of Amazon SQS, by its name.
// The function's role needs sqs:GetQueueUrl and sqs:SendMessage on it.
//
// In a FIFO queue, whose name ends in .fifo, each event is a message group of its own, so
// that none waits for another, and SQS drops what is delivered twice within five minutes.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

var _ queue.Sink = (*Sink)(nil)

const (
	patience       = 5 * time.Second // for one event
	connectTimeout = 3 * time.Second

	// idleTimeout is after how long a connection is not used again. net/http sees to it
	// by the wall clock too, which goes on while a function's machine is frozen.
	idleTimeout = 15 * time.Second
)

// Config is where SQS is.
type Config struct {
	Region      string
	Endpoint    string // instead of the region's, "" for that
	Credentials aws.CredentialsProvider

	Transport http.RoundTripper // carries the requests; nil for the network
}

// Sink sends events to one queue. It is safe for concurrent use.
type Sink struct {
	api      func() *sqs.Client
	queue    string
	patience time.Duration

	asking chan struct{} // holds one who asks for the URL
	url    atomic.Pointer[string]
}

var (
	names    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	errQueue = errors.New("must be the name of a queue: at most 80 letters, digits, - and _, with .fifo at their end for a FIFO queue")
)

// Open returns a sink for the queue of that name, in the account that the credentials are
// of. It connects to nothing, and sets up the AWS SDK, when it is first used.
func Open(c Config, queue string) (*Sink, error) {
	if len(queue) > 80 || !names.MatchString(strings.TrimSuffix(queue, ".fifo")) {
		return nil, errQueue
	}
	return &Sink{
		api:      sync.OnceValue(func() *sqs.Client { return newClient(c) }),
		queue:    queue,
		patience: patience,
		asking:   make(chan struct{}, 1),
	}, nil
}

// newClient returns the SDK's, which is not to retry: the message is delivered again.
func newClient(c Config) *sqs.Client {
	o := sqs.Options{
		Region:      c.Region,
		Credentials: c.Credentials,
		HTTPClient:  carrier{c.Transport},
		Retryer:     aws.NopRetryer{},
	}
	if c.Transport == nil {
		o.HTTPClient = carrier{newTransport()}
	}
	if c.Endpoint != "" {
		o.BaseEndpoint = &c.Endpoint
	}
	return sqs.New(o)
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout: connectTimeout,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: 64,
		DisableCompression:  true,
	}
}

// Publish implements [queue.Sink].
func (s *Sink) Publish(ctx context.Context, e queue.Event) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	url, err := s.find(ctx)
	if err != nil {
		return failure(ctx, "find the queue", err)
	}
	out, err := s.api().SendMessage(ctx, s.message(*url, e))
	if err == nil && aws.ToString(out.MessageId) == "" {
		err = errNotTaken
	}
	if err != nil {
		s.url.CompareAndSwap(url, nil) // the queue may have been made anew
		return failure(ctx, "send", err)
	}
	return nil
}

var (
	errNotTaken = errors.New("AWS answered without a message id")
	errNotFound = errors.New("AWS answered without a URL")
)

// find returns the queue's URL. It asks for it if it is not known, and only once if many
// want to know.
func (s *Sink) find(ctx context.Context) (*string, error) {
	if url := s.url.Load(); url != nil {
		return url, nil
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if url := s.url.Load(); url != nil {
		return url, nil
	}
	out, err := s.api().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &s.queue})
	if err != nil {
		return nil, err
	}
	if aws.ToString(out.QueueUrl) == "" {
		return nil, errNotFound
	}
	s.url.Store(out.QueueUrl)
	return out.QueueUrl, nil
}

// message is an event as SQS takes it.
func (s *Sink) message(url string, e queue.Event) *sqs.SendMessageInput {
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(escape.Replace(string(e.JSON())))}
	if strings.HasSuffix(s.queue, ".fifo") {
		in.MessageGroupId = &e.ID
		in.MessageDeduplicationId = aws.String(e.DeliveryID())
	}
	return in
}

// escape writes the two characters that JSON may hold and SQS refuses as JSON's escapes.
var escape = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

// failure is what is said of an error of the SDK's: AWS's code, or what is wrong with the
// connection, or AWS's status, but no text: AWS quotes tokens in some of its messages.
func failure(ctx context.Context, step string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("sqs: %s: %w", step, ctx.Err())
	}
	var otherwise error
	var coded interface{ ErrorCode() string }
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &coded) && core.IsCode(coded.ErrorCode()) {
		otherwise = fmt.Errorf("AWS answered %s", coded.ErrorCode())
	} else if errors.As(err, &status) && status.HTTPStatusCode() >= 300 {
		otherwise = fmt.Errorf("AWS answered HTTP status %d", status.HTTPStatusCode())
	}
	return fmt.Errorf("sqs: %s: %w", step, core.ShownCause(err, otherwise, errNotTaken, errNotFound))
}
