package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// motoTable is a table in moto's DynamoDB, which MOTO_ENDPOINT names. moto forgets all
// when it ends, so that what is killed is the way there: every connection breaks, and no
// new one is made.
func motoTable(ctx context.Context) (*store, error) {
	endpoint := os.Getenv("MOTO_ENDPOINT")
	if endpoint == "" {
		return nil, errors.New("MOTO_ENDPOINT is not set: start moto_server and set it")
	}
	if err := createTable(ctx, endpoint, "fleet"); err != nil {
		return nil, err
	}
	r := &relay{to: strings.TrimPrefix(endpoint, "http://"), conns: map[net.Conn]bool{}}
	if err := r.listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	address := r.listener.Addr().String()
	return &store{
		url: "dynamodb://fleet",
		env: map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "http://" + address, "AWS_REGION": "us-east-1",
			"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "test"},
		start: func(context.Context) error { return r.listen(address) },
		kill:  r.close,
		close: r.close,
	}, nil
}

func createTable(ctx context.Context, endpoint, table string) error {
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "test"}, nil
		})})
	_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !ok {
		return err
	}
	_, err = client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	return err
}

// relay passes connections on, until it is closed.
type relay struct {
	to       string
	listener net.Listener

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// listen passes on what connects to address; it does nothing if it does already.
func (r *relay) listen(address string) error {
	if r.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r.listener = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.pass(conn)
		}
	}()
	return nil
}

func (r *relay) pass(conn net.Conn) {
	onward, err := net.Dial("tcp", r.to)
	if err != nil {
		conn.Close()
		return
	}
	r.mu.Lock()
	r.conns[conn], r.conns[onward] = true, true
	r.mu.Unlock()
	go func() {
		io.Copy(onward, conn)
		onward.Close()
	}()
	io.Copy(conn, onward)
	conn.Close()
	r.mu.Lock()
	delete(r.conns, conn)
	delete(r.conns, onward)
	r.mu.Unlock()
}

// close breaks every connection and takes no more.
func (r *relay) close() {
	if r.listener == nil {
		return
	}
	r.listener.Close()
	r.listener = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		conn.Close()
	}
}
