//go:build redis

package main

import "phoneverify/adapters/store/redis"

func init() {
	build.Stores["redis"] = redis.Open
	build.Stores["rediss"] = redis.Open
}
