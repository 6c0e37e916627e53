package awslambda

import (
	"encoding/json"
	"strings"
)

// caller returns whom the event shows to have been authenticated; ok is false if it
// shows nobody. What is not the mark of an authorizer is not believed.
func (e *envelope) caller() (name string, ok bool) {
	if e.kind() == kindALB {
		return "", false // an ALB says nothing that a caller could not say as well
	}
	if id := e.RequestContext.Identity; id.UserARN != "" {
		return withoutSession(id.UserARN), true
	} else if id.CognitoIdentityID != "" {
		return id.CognitoIdentityID, true
	}
	var by map[string]json.RawMessage
	if json.Unmarshal(e.RequestContext.Authorizer, &by) != nil {
		return "", false
	}
	for _, a := range authorizers {
		if a.shows(by[a.member]) {
			return a.name(by[a.member]), true
		}
	}
	return "", false
}

// authorizers are what API Gateway and function URLs tell of the authorizer that let a
// caller in: payload 2.0 has one member by its kind; payload 1.0 has what it returned,
// or nulls where there is none.
var authorizers = []struct {
	member string
	shows  func(json.RawMessage) bool
	name   func(json.RawMessage) string
}{
	{"iam", notNull, func(m json.RawMessage) string { return withoutSession(text(m, "userArn")) }},
	{"jwt", notNull, func(m json.RawMessage) string { return text(member(m, "claims"), "sub") }},
	{"lambda", present, func(m json.RawMessage) string { return text(m, "principalId") }},
	{"claims", notNull, func(m json.RawMessage) string { return text(m, "sub") }},
	{"principalId", notNull, func(m json.RawMessage) string { return text(m, "") }},
}

// present suffices for a Lambda authorizer, which need not have returned anything.
func present(m json.RawMessage) bool { return m != nil }

func notNull(m json.RawMessage) bool { return m != nil && string(m) != "null" && string(m) != `""` }

// member returns a member of an object, nil if there is none.
func member(object json.RawMessage, name string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	return members[name]
}

// text returns the text of a member of an object, or of the value itself for a name
// of ""; "" if it is no text.
func text(value json.RawMessage, name string) (s string) {
	if name != "" {
		value = member(value, name)
	}
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// withoutSession cuts the session's name off the ARN of an assumed role: the same
// caller has another one every hour, and would lose its keys with it.
func withoutSession(arn string) string {
	if !strings.Contains(arn, ":assumed-role/") {
		return arn
	}
	role, _, _ := strings.Cut(arn[strings.Index(arn, ":assumed-role/")+len(":assumed-role/"):], "/")
	return arn[:strings.Index(arn, ":assumed-role/")] + ":assumed-role/" + role
}
