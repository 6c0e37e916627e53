package dynamodb

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"phoneverify/core"
)

// skew is how far the instances' clocks may be apart. A lease counts as run out only
// so long after its end, so that nobody is taken for dead by a clock that is fast. Who is
// in spite of that is shut out by the token: it costs an attempt, not a charge.
const skew = time.Second

// How a key stands, in the attribute `stands`. The first two are held.
const (
	claimed  = "claimed"  // not sent
	sending  = "sending"  // perhaps sent
	finished = "finished" // `verdict` is the answer
	unknown  = "unknown"  // sent, and never answered
)

// Ledger is a [core.Ledger]. An item has
//
//	id       "key:" and the key's digest in hex
//	holder   the fencing token
//	stands   claimed, sending, finished or unknown
//	payload  the request's digest
//	lease    the end of the lease, epoch ms
//	forget   from then on the item is as if it were not there, epoch ms
//	verdict  JSON
//	ttl      when DynamoDB may delete it, epoch s: it does so within days, so that
//	         forget is compared always
//
// on the clocks of those who wrote it, see skew.
type Ledger struct {
	client *Client
	table  string
	now    func() time.Time
}

// NewLedger returns a ledger in a table.
func NewLedger(client API, table string) *Ledger {
	return &Ledger{listen(client), table, time.Now}
}

// Begin implements [core.Ledger]. It is one write, but a second one where a key of unknown
// outcome is to be sent again.
func (l *Ledger) Begin(ctx context.Context, c core.Claim) (core.Standing, error) {
	token := rand.Text()
	var seen item // that is to be resent
	for range tries {
		now := l.now()
		put := l.claim(c, token, now)
		if seen != nil {
			overtake(put, seen)
		}
		out, err := l.client.PutItem(ctx, put)
		if err == nil {
			return core.Standing{State: l.stand(out.Attributes, c, now).State, Token: token}, nil
		}
		old, ok, err := l.client.refused(ctx, err, l.table, key(c))
		if !ok {
			return core.Standing{}, failure("begin", err)
		}
		standing := l.stand(old, c, now)
		switch {
		case textOf(old, "holder") == token: // this write came twice
			if textOf(old, "stands") == sending {
				return core.Standing{State: core.AbandonedSending, Token: token}, nil
			}
			return core.Standing{State: core.Fresh, Token: token}, nil
		case standing.State == core.AbandonedSending && c.Resend:
			seen = old
		case standing.State == core.Fresh || standing.State == core.AbandonedBeforeSending:
			seen = nil // it was not so when the write was refused
		case standing.State == 0:
			return core.Standing{}, errors.New("dynamodb: begin: the key holds something else")
		default:
			return standing, nil
		}
	}
	return core.Standing{}, errors.New("dynamodb: begin: the key changes hands all the time")
}

// claim is the write that claims a key which is fresh or was abandoned before sending.
func (l *Ledger) claim(c core.Claim, token string, now time.Time) *dynamodb.PutItemInput {
	forget := now.Add(c.Lease + c.Retain)
	i := key(c)
	i["holder"] = text(token)
	i["stands"] = text(claimed)
	i["payload"] = binary(c.Payload[:])
	i["lease"] = millis(now.Add(c.Lease))
	i["forget"] = millis(forget)
	i["ttl"] = ttl(forget)
	condition := "attribute_not_exists(id) OR forget <= :now OR (payload = :payload AND stands = :claimed AND lease <= :expired)"
	return &dynamodb.PutItemInput{
		TableName:           &l.table,
		Item:                i,
		ConditionExpression: &condition,
		ExpressionAttributeValues: item{
			":now":     millis(now),
			":payload": i["payload"],
			":claimed": text(claimed),
			":expired": millis(now.Add(-skew)),
		},
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// overtake makes put claim the key that was seen, unless it has changed since. It counts
// as sent from the start.
func overtake(put *dynamodb.PutItemInput, seen item) {
	condition := "holder = :holder AND stands = :stands AND lease = :lease"
	put.ConditionExpression = &condition
	put.ExpressionAttributeValues = item{":holder": seen["holder"], ":stands": seen["stands"], ":lease": seen["lease"]}
	put.Item["stands"] = text(sending)
}

// stand returns how the key of an item stands, with no token; state 0 for an item that
// is not one of these.
func (l *Ledger) stand(i item, c core.Claim, now time.Time) core.Standing {
	stands := textOf(i, "stands")
	switch {
	case len(i) == 0 || numberOf(i, "forget") <= now.UnixMilli():
		return core.Standing{State: core.Fresh}
	case !bytes.Equal(binaryOf(i, "payload"), c.Payload[:]):
		return core.Standing{State: core.OtherPayload}
	case stands == finished:
		var v core.Verdict
		if json.Unmarshal([]byte(textOf(i, "verdict")), &v) != nil {
			return core.Standing{}
		}
		return core.Standing{State: core.Finished, Verdict: v}
	case stands == unknown:
		return core.Standing{State: core.AbandonedSending}
	case stands != claimed && stands != sending:
		return core.Standing{}
	case numberOf(i, "lease") > now.Add(-skew).UnixMilli():
		return core.Standing{State: core.Held}
	case stands == sending:
		return core.Standing{State: core.AbandonedSending}
	}
	return core.Standing{State: core.AbandonedBeforeSending}
}

// Sending implements [core.Ledger].
func (l *Ledger) Sending(ctx context.Context, c core.Claim, on bool) error {
	now := l.now()
	stands := claimed
	if on {
		stands = sending
	}
	return l.step(ctx, "sending", c, now, now.Add(c.Lease+c.Retain), "SET stands = :to, lease = :lease, ",
		item{":to": text(stands), ":lease": millis(now.Add(c.Lease))})
}

// Finish implements [core.Ledger]. Of the same verdict it may be repeated, by who does
// not know whether it was recorded.
func (l *Ledger) Finish(ctx context.Context, c core.Claim, v core.Verdict) error {
	verdict, err := json.Marshal(v)
	if err != nil {
		return err
	}
	now := l.now()
	return l.step(ctx, "finish", c, now, now.Add(c.Retain), "SET stands = :to, verdict = :verdict, ",
		item{":to": text(finished), ":verdict": text(string(verdict))})
}

// Release implements [core.Ledger].
func (l *Ledger) Release(ctx context.Context, c core.Claim, sent bool) error {
	now := l.now()
	if sent {
		return l.step(ctx, "release", c, now, now.Add(c.Retain), "SET stands = :to, ", item{":to": text(unknown)})
	}
	condition := holds
	_, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &l.table,
		Key:                       key(c),
		ConditionExpression:       &condition,
		ExpressionAttributeValues: holder(c, now),
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return core.ErrClaimLost
	}
	return failure("release", err)
}

// holds is the condition of every step that follows a claim, on the values of holder.
const holds = "holder = :holder AND stands IN (:claimed, :sending) AND forget > :now"

func holder(c core.Claim, now time.Time) item {
	return item{":holder": text(c.Token), ":claimed": text(claimed), ":sending": text(sending), ":now": millis(now)}
}

// step takes a step of a claim that still holds, and keeps its item until forget. A
// step that ended the claim and is taken again, its first answer lost, has been taken.
func (l *Ledger) step(ctx context.Context, name string, c core.Claim, now, forget time.Time, set string, values item) error {
	condition, update := holds, set+"forget = :forget, #ttl = :ttl"
	all := holder(c, now)
	for name, v := range values {
		all[name] = v
	}
	all[":forget"], all[":ttl"] = millis(forget), ttl(forget)
	_, err := l.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &l.table,
		Key:                                 key(c),
		UpdateExpression:                    &update,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            map[string]string{"#ttl": "ttl"}, // a reserved word
		ExpressionAttributeValues:           all,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	e, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return failure(name, err)
	}
	to := textOf(values, ":to")
	if (to == finished || to == unknown) && textOf(e.Item, "holder") == c.Token &&
		textOf(e.Item, "stands") == to && textOf(e.Item, "verdict") == textOf(values, ":verdict") {
		return nil
	}
	return core.ErrClaimLost
}

func key(c core.Claim) item {
	return item{"id": text("key:" + c.Key.String())}
}

// ttl is when an item that is forgotten then may be deleted, by anybody's clock.
func ttl(forget time.Time) types.AttributeValue {
	return number(forget.Add(skew).Unix() + 1)
}
