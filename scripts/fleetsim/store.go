package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// store is a real store that the fleet shares.
type store struct {
	url   string
	env   map[string]string // that the functions need for it
	onSCF bool              // whether SCF's binary has it
	start func(context.Context) error
	kill  func()
	close func()
}

func startStore(ctx context.Context, kind, dir string) (*store, error) {
	var s *store
	var err error
	switch kind {
	case "redis":
		s = redisServer(dir)
	case "dynamodb":
		s, err = motoTable(ctx)
	default:
		err = errors.New("-store must be redis or dynamodb")
	}
	if err != nil {
		return nil, err
	}
	return s, s.start(ctx)
}

// redisServer is a redis-server that loses nothing when it is killed.
func redisServer(dir string) *store {
	var server *exec.Cmd
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	listener.Close()
	data := filepath.Join(dir, "redis")
	s := &store{url: "redis://" + address, onSCF: true}
	s.start = func(ctx context.Context) error {
		if err := os.MkdirAll(data, 0o700); err != nil {
			return err
		}
		server = exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", data,
			"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
		if err := server.Start(); err != nil {
			return fmt.Errorf("redis-server is needed: %w", err)
		}
		return listens(ctx, address)
	}
	s.kill = func() {
		server.Process.Kill()
		server.Wait()
	}
	s.close = s.kill
	return s
}

// listens waits until something listens at address.
func listens(ctx context.Context, address string) error {
	for range 500 {
		if conn, err := net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
	return errors.New("nothing listens at " + address)
}
