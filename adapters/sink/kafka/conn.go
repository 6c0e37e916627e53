package kafka

import (
	"net"
	"sync"
	"time"
)

// conn is a connection that is not written to after a gap in which the machine may have
// been frozen, by the wall clock, which goes on while a frozen machine's own may not.
type conn struct {
	net.Conn
	now func() time.Time

	mu   sync.Mutex
	used time.Time // when bytes last passed
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.gap()
	}
	return n, err
}

// Write implements [net.Conn]. After a gap it closes the connection, for which the client
// makes another.
func (c *conn) Write(p []byte) (int, error) {
	if gap := c.gap(); gap > sleepGap || gap < 0 {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// gap returns how long ago bytes last passed, and that some do now.
func (c *conn) gap() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now().Round(0)
	gap := now.Sub(c.used.Round(0))
	c.used = now
	return gap
}
