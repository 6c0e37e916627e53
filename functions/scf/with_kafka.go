//go:build kafka

package main

import (
	"phoneverify/adapters/queue"
	"phoneverify/adapters/sink/kafka"
)

func init() {
	build.Sinks["kafka"] = func(address string) (queue.Sink, error) { return kafka.Open(address) }
}
