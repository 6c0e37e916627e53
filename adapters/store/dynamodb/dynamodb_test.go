package dynamodb_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"phoneverify/adapters/store/dynamodb"
	"phoneverify/core"
	"phoneverify/core/coretest"
)

const (
	keyID   = "AKIACANARYCANARYCAN"
	secret  = "canary-secret-access-key"
	session = "canary-session-token"
)

func config(endpoint string) dynamodb.Config {
	return dynamodb.Config{
		Region:   "us-east-1",
		Endpoint: endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: session}, nil
		}),
	}
}

var tables atomic.Int64

// moto returns a client of the DynamoDB that scripts/check starts, and a new table in it,
// set up as the package says.
func moto(t *testing.T) (*dynamodb.Client, *awsdynamodb.Client, string) {
	t.Helper()
	endpoint := os.Getenv("MOTO_ENDPOINT")
	if endpoint == "" {
		t.Skip("MOTO_ENDPOINT is not set: scripts/check sets it")
	}
	c := config(endpoint)
	c.Transport = again{&http.Transport{DisableKeepAlives: true}}
	admin := awsdynamodb.New(awsdynamodb.Options{Region: c.Region, BaseEndpoint: &endpoint, Credentials: c.Credentials})
	table := fmt.Sprintf("phoneverify-%d-%d", time.Now().UnixNano(), tables.Add(1))
	_, err := admin.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin.DeleteTable(context.Background(), &awsdynamodb.DeleteTableInput{TableName: &table})
	})
	_, err = admin.UpdateTimeToLive(t.Context(), &awsdynamodb.UpdateTimeToLiveInput{TableName: &table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}})
	if err != nil {
		t.Fatal(err)
	}
	return dynamodb.Open(c), admin, table
}

// again sends a request once more whose answer broke off: moto's is a server for
// development, which under load now and then resets a connection before it is read.
type again struct{ http.RoundTripper }

func (a again) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		r.Body = io.NopCloser(bytes.NewReader(body))
		response, err := a.RoundTripper.RoundTrip(r)
		if err == nil {
			var answer []byte
			answer, err = io.ReadAll(response.Body)
			response.Body.Close()
			response.Body = io.NopCloser(bytes.NewReader(answer))
		}
		if err == nil || n == 2 || r.Context().Err() != nil {
			return response, err
		}
	}
}

// hand is a clock that goes on when it is told to.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// late returns the clock as an instance has it whose own is late by d.
func (h *hand) late(d time.Duration) func() time.Time {
	return func() time.Time { return h.now().Add(-d) }
}

func newHand() *hand { return &hand{at: time.Now().Round(0)} }

func TestLedger(t *testing.T) {
	coretest.Ledger(t, func(t *testing.T, check func(*testing.T, coretest.LedgerHarness)) {
		client, _, table := moto(t)
		clock := newHand()
		ledger := dynamodb.NewLedger(client, table)
		ledger.SetClock(clock.now)
		check(t, coretest.LedgerHarness{Ledger: ledger, Unit: 4 * dynamodb.Skew, Pass: clock.pass})
	})
}

// A service that does not say what was there when a condition failed is asked.
func TestLedgerWithoutOldItems(t *testing.T) {
	coretest.Ledger(t, func(t *testing.T, check func(*testing.T, coretest.LedgerHarness)) {
		client, _, table := moto(t)
		clock := newHand()
		ledger := dynamodb.NewLedger(silent{client}, table)
		ledger.SetClock(clock.now)
		check(t, coretest.LedgerHarness{Ledger: ledger, Unit: 4 * dynamodb.Skew, Pass: clock.pass})
	})
}

// silent is a DynamoDB as it was before 2023.
type silent struct{ dynamodb.API }

func (s silent) PutItem(ctx context.Context, in *awsdynamodb.PutItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.PutItemOutput, error) {
	in.ReturnValuesOnConditionCheckFailure = ""
	return s.API.PutItem(ctx, in, o...)
}

func (s silent) UpdateItem(ctx context.Context, in *awsdynamodb.UpdateItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error) {
	in.ReturnValuesOnConditionCheckFailure = ""
	return s.API.UpdateItem(ctx, in, o...)
}

func TestLimiter(t *testing.T) {
	coretest.Limiter(t, func(t *testing.T, check func(*testing.T, coretest.LimiterHarness)) {
		client, _, table := moto(t)
		clock := newHand()
		client.SetClock(clock.now, true)
		slack := time.Millisecond
		if strings.Contains(t.Name(), "64") { // which looks at the clock on the wall
			client.SetClock(time.Now, true)
			slack = 45 * time.Millisecond
		}
		check(t, coretest.LimiterHarness{Limiter: dynamodb.NewLimiter(client, table, 20), Pace: core.PaceOf(20), Pass: clock.pass, Slack: slack})
	})
}

// On real time, with what moto's answers tell of it: instances that know nothing yet
// keep the quota between them.
func TestLimiterListens(t *testing.T) {
	_, _, table := moto(t)
	var g grants
	var all sync.WaitGroup
	for _, skew := range []time.Duration{-700 * time.Millisecond, 0, 0, 900 * time.Millisecond} {
		client := dynamodb.Open(config(os.Getenv("MOTO_ENDPOINT")))
		client.SetClock(func() time.Time { return time.Now().Add(skew) }, false)
		limiter := dynamodb.NewLimiter(client, table, 20)
		for range 2 {
			all.Go(func() {
				for range 8 {
					wait, err := limiter.Reserve(t.Context(), time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(wait)
					g.used()
				}
			})
		}
	}
	all.Wait()
	g.wantSeconds(t, 50*time.Millisecond) // which the machine may take to wake them
}

// Instances' clocks may be a second apart: a lease that runs is not taken for run out.
func TestLedgerSkew(t *testing.T) {
	client, _, table := moto(t)
	clock := newHand()
	slow, fast := dynamodb.NewLedger(client, table), dynamodb.NewLedger(client, table)
	slow.SetClock(clock.late(dynamodb.Skew))
	fast.SetClock(clock.now)
	claim := core.Claim{Key: core.Digest{1}, Lease: 2 * time.Second, Retain: time.Minute}
	granted, err := slow.Begin(t.Context(), claim)
	if err != nil || granted.State != core.Fresh {
		t.Fatal(granted, err)
	}
	for _, c := range []struct {
		pass time.Duration
		want core.State
	}{
		{0, core.Held},
		{claim.Lease - time.Millisecond, core.Held},
		{2 * time.Millisecond, core.AbandonedBeforeSending},
	} {
		clock.pass(c.pass)
		if s, err := fast.Begin(t.Context(), claim); err != nil || s.State != c.want {
			t.Errorf("after %v more: state %d, %v; want %d", c.pass, s.State, err, c.want)
		}
	}
}

// A step whose answer was lost may be taken again.
func TestLedgerStepsTwice(t *testing.T) {
	client, _, table := moto(t)
	ledger := dynamodb.NewLedger(client, table)
	claim := core.Claim{Key: core.Digest{1}, Lease: time.Minute, Retain: time.Minute}
	s, err := ledger.Begin(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	claim.Token = s.Token
	for range 2 {
		if err := ledger.Finish(t.Context(), claim, core.Verdict{Result: "0"}); err != nil {
			t.Error(err)
		}
	}
	if err := ledger.Finish(t.Context(), claim, core.Verdict{Result: "-4"}); err != core.ErrClaimLost {
		t.Error(err)
	}
}

// counting counts a client's operations.
type counting struct {
	dynamodb.API
	n atomic.Int64
}

func (c *counting) GetItem(ctx context.Context, in *awsdynamodb.GetItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.GetItemOutput, error) {
	c.n.Add(1)
	return c.API.GetItem(ctx, in, o...)
}

func (c *counting) PutItem(ctx context.Context, in *awsdynamodb.PutItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.PutItemOutput, error) {
	c.n.Add(1)
	return c.API.PutItem(ctx, in, o...)
}

func (c *counting) UpdateItem(ctx context.Context, in *awsdynamodb.UpdateItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error) {
	c.n.Add(1)
	return c.API.UpdateItem(ctx, in, o...)
}

func (c *counting) DeleteItem(ctx context.Context, in *awsdynamodb.DeleteItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.DeleteItemOutput, error) {
	c.n.Add(1)
	return c.API.DeleteItem(ctx, in, o...)
}

// answers is an API that answers without a network.
type answers struct{}

func (answers) Verify(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "0", Description: "认证通过", Isp: "移动", RequestID: "a5fdb909-5ee6-4d4c-a1c4-eb1e2c8b6f4a"}, nil
}

// One verification costs four operations, its replay one, and what they leave holds
// nothing of the person.
func TestOneVerification(t *testing.T) {
	plain, admin, table := moto(t)
	api := &counting{API: plain}
	client := dynamodb.Wrap(api)
	client.SetClock(newHand().now, true) // so that no answer is late: TestFirstOfTheFleet has the clock's part
	v := &core.Verifier{
		Upstream: answers{},
		Ledger:   dynamodb.NewLedger(client, table),
		Limiter:  dynamodb.NewLimiter(client, table, 20),
		Policy:   core.Policy{Secret: core.Private(strings.Repeat("s", 32))},
	}
	call := core.Call{
		Request: core.Request{IdCard: "11204416541220243X", Name: "Canary Canarian", Phone: "13900001111"},
		Key:     "canary-order-17",
		Caller:  "canary-caller",
	}
	for _, want := range []int64{4, 1} {
		api.n.Store(0)
		answer, err := v.Verify(t.Context(), call)
		if err != nil || answer.Result != "0" {
			t.Fatal(answer, err)
		}
		if got := api.n.Load(); got != want {
			t.Errorf("%d operations, want %d", got, want)
		}
	}

	out, err := admin.Scan(t.Context(), &awsdynamodb.ScanInput{TableName: &table})
	if err != nil || len(out.Items) != 2 {
		t.Fatal(len(out.Items), err)
	}
	allowed := map[string]bool{"id": true, "holder": true, "stands": true, "payload": true, "lease": true, "forget": true, "verdict": true, "ttl": true, "slot": true}
	for _, item := range out.Items {
		size := 0
		for name, value := range item {
			var held string
			switch v := value.(type) {
			case *types.AttributeValueMemberS:
				held = v.Value
			case *types.AttributeValueMemberN:
				held = v.Value
			case *types.AttributeValueMemberB:
				held = string(v.Value)
			default:
				t.Errorf("%s is a %T", name, value)
			}
			if !allowed[name] {
				t.Errorf("there is an attribute %s", name)
			}
			size += len(name) + len(held)
			for _, private := range []string{"11204416541220243X", "0243X", "Canary", "canary", "13900001111", "1111"} {
				if strings.Contains(held, private) {
					t.Errorf("%s holds %q", name, private)
				}
			}
		}
		t.Logf("an item of %d bytes", size)
		if size > 500 {
			t.Errorf("an item has %d bytes", size)
		}
	}
}

// What can't be reached is an error soon, and says no secret.
func TestUnreachable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	quoting := roundTripper(func(r *http.Request) (*http.Response, error) {
		body := `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token ` + session + ` is invalid"}`
		return &http.Response{StatusCode: 400, Body: reader{strings.NewReader(body)}, Request: r,
			Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}}, nil
	})
	forging := roundTripper(func(r *http.Request) (*http.Response, error) {
		body := `{"__type":"` + session + `","message":"` + secret + `"}`
		return &http.Response{StatusCode: 500, Body: reader{strings.NewReader(body)}, Request: r, Header: http.Header{}}, nil
	})
	for _, c := range []struct {
		name, address string
		transport     http.RoundTripper
		want          string
	}{
		{"refused", closed.Addr().String(), nil, "connection refused"},
		{"mute", mute.Addr().String(), nil, "deadline exceeded"},
		{"an error that quotes a token", "127.0.0.1:1", quoting, "AWS answered UnrecognizedClientException"},
		{"an error that is one", "127.0.0.1:1", forging, "HTTP status 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config("http://" + c.address)
			cfg.Transport = c.transport
			client := dynamodb.Open(cfg)
			ledger, limiter := dynamodb.NewLedger(client, "t"), dynamodb.NewLimiter(client, "t", 20)
			var all sync.WaitGroup
			for step, take := range map[string]func(context.Context) error{
				"begin":   func(ctx context.Context) error { _, err := ledger.Begin(ctx, core.Claim{}); return err },
				"sending": func(ctx context.Context) error { return ledger.Sending(ctx, core.Claim{}, true) },
				"finish":  func(ctx context.Context) error { return ledger.Finish(ctx, core.Claim{}, core.Verdict{}) },
				"release": func(ctx context.Context) error { return ledger.Release(ctx, core.Claim{}, false) },
				"reserve": func(ctx context.Context) error { _, err := limiter.Reserve(ctx, time.Minute); return err },
				"pause":   func(ctx context.Context) error { return limiter.Pause(ctx, time.Second) },
			} {
				all.Go(func() {
					began := time.Now()
					err := take(t.Context())
					if took := time.Since(began); took > 1500*time.Millisecond {
						t.Errorf("%s took %v", step, took)
					}
					if err == nil {
						t.Errorf("%s: no error", step)
						return
					}
					said := err.Error()
					if !strings.HasPrefix(said, "dynamodb: "+step+": ") || !strings.Contains(said, c.want) {
						t.Errorf("%s: got %q, want %q", step, said, c.want)
					}
					for _, private := range []string{keyID, secret, session} {
						if strings.Contains(said, private) {
							t.Errorf("%s: %q holds a secret", step, said)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type reader struct{ *strings.Reader }

func (reader) Close() error { return nil }
