// Package dynamodb keeps a ledger and a limiter in one DynamoDB table, for a fleet that
// shares them. Every step is one conditional write.
//
// The table has the string partition key `id` and nothing else: no sort key, no index,
// no stream. Set its TTL attribute to `ttl`, its billing to on demand and point-in-time
// recovery as you like, and place it in the functions' region. A function needs
// GetItem, PutItem, UpdateItem and DeleteItem on it. Not a global table: there a
// condition holds in its own region alone.
//
// # Cost
//
// One verification makes four operations: begin, reserve, sending, finish. Each writes
// an item below 1 KB, so it is four write request units (WRU) and no read: at $0.625 per
// million WRU (us-east-1, on demand) 4 × 0.625 = $2.50 per million verifications. What it
// leaves is one item of some 320 bytes (digests, a token, times and the verdict), for which
// DynamoDB counts 420: a million of them for 14 days, at $0.25 per GB and month, are
// 0.42 × 0.25 × 14/30 = $0.05. It deletes them for nothing. A replay, and each look of a call
// that waits for another's answer, is one WRU: $0.625 per million.
//
// A slot costs a second WRU when it was guessed wrongly whether slots are queued for: next
// to never under full load or hardly any, and for two in five at half of the load. An
// instance that finds others at work before it knows the store's time reads, at 0.5 read
// request units (RRU) each: some 2 to 30 times at first, 52 at most, and then three times
// a second for some seconds. At $0.125 per million RRU a million such starts with 60 reads
// are 30 × 0.125 = $3.75.
//
// # Clocks
//
// DynamoDB has no clock that a condition could use. The ledger lives with instances'
// clocks that are up to a second apart: see [Ledger]. The limiter can't, and takes
// the time from DynamoDB's answers: see [Limiter].
package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"phoneverify/core"
)

var (
	_ API          = (*Client)(nil)
	_ core.Ledger  = (*Ledger)(nil)
	_ core.Limiter = (*Limiter)(nil)
)

const (
	// patience is how long one operation may take: a store that is away is found
	// out soon.
	patience = time.Second

	// sleepGap is after how long without a request the machine may have been frozen,
	// as functions are: connections that were idle then are dead.
	sleepGap = 15 * time.Second

	// tries is how often a step is tried again that lost a race, which a write was
	// refused for and nothing else.
	tries = 8
)

// API is what is used of DynamoDB. Of the SDK's own clients, give one that does not
// retry: who retries is core.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Config is where DynamoDB is.
type Config struct {
	Region      string
	Endpoint    string // instead of the region's, "" for that
	Credentials aws.CredentialsProvider

	Transport http.RoundTripper // carries the requests; nil for the network
}

// Client is a DynamoDB that is asked in bounded time, and whose answers tell its time. Give
// one Client to the ledger and to the limiter: what the one hears helps the other.
type Client struct {
	api   func() API
	clock *clock
}

// Open returns a client. It connects to nothing, and sets up the AWS SDK, when it is
// first used.
func Open(c Config) *Client {
	return &Client{clock: newClock(), api: sync.OnceValue(func() API {
		o := dynamodb.Options{
			Region:      c.Region,
			Credentials: c.Credentials,
			HTTPClient:  &http.Client{Transport: newTransport(c.Transport), CheckRedirect: stay},
			Retryer:     aws.NopRetryer{},
		}
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
		return dynamodb.New(o)
	})}
}

// listen returns api as a client.
func listen(api API) *Client {
	if c, ok := api.(*Client); ok {
		return c
	}
	return &Client{func() API { return api }, newClock()}
}

// GetItem implements [API].
func (c *Client) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return call(ctx, c, c.api().GetItem, in, o, func(out *dynamodb.GetItemOutput) middleware.Metadata { return out.ResultMetadata })
}

// PutItem implements [API].
func (c *Client) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return call(ctx, c, c.api().PutItem, in, o, func(out *dynamodb.PutItemOutput) middleware.Metadata { return out.ResultMetadata })
}

// UpdateItem implements [API].
func (c *Client) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return call(ctx, c, c.api().UpdateItem, in, o, func(out *dynamodb.UpdateItemOutput) middleware.Metadata { return out.ResultMetadata })
}

// DeleteItem implements [API].
func (c *Client) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return call(ctx, c, c.api().DeleteItem, in, o, func(out *dynamodb.DeleteItemOutput) middleware.Metadata { return out.ResultMetadata })
}

// call makes one operation, by patience, and listens to the time in its answer.
func call[In, Out any](ctx context.Context, c *Client,
	operation func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error),
	in *In, o []func(*dynamodb.Options), metadata func(*Out) middleware.Metadata,
) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sent := c.clock.now()
	out, err := operation(ctx, in, o...)
	received := c.clock.now()
	if err == nil {
		if date, ok := awsmiddleware.GetServerTime(metadata(out)); ok {
			c.clock.hear(sent, received, date)
		}
		return out, nil
	}
	e, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if answered && e.Response != nil && e.Response.Response != nil {
		if date, err := http.ParseTime(e.Response.Header.Get("Date")); err == nil {
			c.clock.hear(sent, received, date)
		}
	} else if ctx.Err() != nil {
		err = ctx.Err()
	}
	return nil, err
}

// refused reports whether err says that an operation's condition did not hold, and
// returns the item as it was then, nil if there was none. A service that does not tell
// the item is asked for it.
func (c *Client) refused(ctx context.Context, err error, table string, key item) (item, bool, error) {
	e, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, false, err
	}
	if len(e.Item) > 0 {
		return e.Item, true, nil
	}
	out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, false, err
	}
	return out.Item, true, nil
}

// transport carries requests over connections that are reused, but not after a gap.
type transport struct {
	http.RoundTripper

	mu   sync.Mutex
	last time.Time // of the last request, by the wall clock
}

func newTransport(base http.RoundTripper) *transport {
	if base == nil {
		base = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: patience}).DialContext,
			TLSHandshakeTimeout: patience,
			IdleConnTimeout:     30 * time.Second,
			MaxIdleConnsPerHost: 64,
			DisableCompression:  true,
		}
	}
	return &transport{RoundTripper: base}
}

// stay follows no redirect: it would carry a token to another address.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.awoke(time.Now().Round(0)) {
		if base, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
			base.CloseIdleConnections()
		}
	}
	return t.RoundTripper.RoundTrip(r)
}

func (t *transport) awoke(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	gap := now.Sub(t.last)
	t.last = now
	return gap > sleepGap || gap < 0
}

// failure is what is said of an error of the SDK's: AWS's code, or what is wrong with the
// connection, or AWS's status, but no text: AWS quotes tokens in some of its messages.
func failure(step string, err error) error {
	if err == nil {
		return nil
	}
	var otherwise error
	var coded interface{ ErrorCode() string }
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &coded) && core.IsCode(coded.ErrorCode()) {
		otherwise = fmt.Errorf("AWS answered %s", coded.ErrorCode())
	} else if errors.As(err, &status) && status.HTTPStatusCode() >= 300 {
		otherwise = fmt.Errorf("AWS answered HTTP status %d", status.HTTPStatusCode())
	}
	return fmt.Errorf("dynamodb: %s: %w", step, core.ShownCause(err, otherwise, context.DeadlineExceeded, context.Canceled))
}
