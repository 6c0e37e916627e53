package core

// Success is an answer as the API's envelope holds it, with what we add to it. The names
// are the specification's.
type Success struct {
	Result      string
	Description string
	Isp         string
	RequestId   string // the API's
	Outcome     Outcome
	Billed      bool
	Replayed    bool
}

// Failure is an error as the API's envelope holds it.
type Failure struct {
	Error     FailureError
	RequestId string
}

// FailureError is what a Failure tells of its error.
type FailureError struct {
	Code    string
	Message string
}

// Success returns a as the envelope holds it.
func (a Answer) Success() Success {
	return Success{
		Result:      a.Result,
		Description: a.Description,
		Isp:         a.Isp,
		RequestId:   a.RequestID,
		Outcome:     a.Outcome(),
		Billed:      a.Billed(),
		Replayed:    a.Replayed,
	}
}

// Failure returns e as the envelope holds it: with its code and message, and of what is
// beneath them nothing. Its id is the API's, or requestID if the API gave none.
func (e *Error) Failure(requestID string) Failure {
	if e.RequestID != "" {
		requestID = e.RequestID
	}
	return Failure{FailureError{e.Code, e.Message}, requestID}
}
