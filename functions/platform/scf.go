package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/rpc"
	"strconv"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// SCF is a binary, and the connection over which it is invoked.
type SCF struct {
	Process
	client *rpc.Client
	n      int
}

// StartSCF starts a binary with env, which are NAME=value, and connects to it.
func StartSCF(binary string, env ...string) (*SCF, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &SCF{Process: newProcess()}
	if err := s.start(binary, append(env, "_LAMBDA_SERVER_PORT="+port, "TZ=UTC")); err != nil {
		return nil, err
	}
	if s.client, err = s.dial(port); err != nil {
		s.Process.Close()
		return nil, err
	}
	if err := s.client.Call("Function.Ping", messages.PingRequest{}, new(messages.PingResponse)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// freePort is one that nobody listened at a moment ago.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), nil
}

func (s *SCF) dial(port string) (*rpc.Client, error) {
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(time.Millisecond) {
		client, err := rpc.Dial("tcp", "localhost:"+port)
		if err == nil {
			return client, nil
		}
		select {
		case <-s.ended:
			return nil, s.errEnded()
		default:
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("platform: the process does not listen: %w", err)
		}
	}
}

// Close ends the connection and the process.
func (s *SCF) Close() {
	s.client.Close()
	s.Process.Close()
}

// Invoke hands out one event, with the environment that comes with it; nil for none.
// The deadline is the invocation's, which may be over.
func (s *SCF) Invoke(ctx context.Context, event []byte, deadline time.Time, environment map[string]string) (Result, error) {
	s.n++
	request := messages.InvokeRequest{
		Payload:      event,
		RequestId:    "request-" + strconv.Itoa(s.n),
		Deadline:     messages.InvokeRequest_Timestamp{Seconds: deadline.Unix(), Nanos: int64(deadline.Nanosecond())},
		Namespace:    "default",
		FunctionName: "phoneverify",
	}
	if environment != nil {
		text, err := json.Marshal(environment)
		if err != nil {
			return Result{}, err
		}
		request.Environment = string(text)
	}
	var response messages.InvokeResponse
	select {
	case call := <-s.client.Go("Function.Invoke", request, &response, make(chan *rpc.Call, 1)).Done:
		if call.Error != nil {
			return Result{}, call.Error
		}
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	if response.Error != nil {
		return Result{Failure: fmt.Sprintf("%s %s %v", response.Error.Type, response.Error.Message, response.Error.StackTrace)}, nil
	}
	return Result{Payload: response.Payload}, nil
}
