package queuetest

import (
	"net"
	"sync"
	"testing"
)

// Line is the listener of a peer, on loopback, and all that can happen to its
// connections. Its address stays the same.
type Line struct {
	address  net.Addr
	accepted chan net.Conn
	closed   chan struct{}

	mu       sync.Mutex
	listener net.Listener // nil while the peer is away
	conns    map[*conn]bool
	flow     chan struct{} // closed while bytes pass
}

// NewLine returns a line that works, until the test ends.
func NewLine(t *testing.T) *Line {
	t.Helper()
	l := &Line{accepted: make(chan net.Conn), closed: make(chan struct{}), conns: map[*conn]bool{}, flow: make(chan struct{})}
	if err := l.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// listen makes bytes pass, and takes connections at address if none are taken.
func (l *Line) listen(address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !isClosed(l.flow) {
		close(l.flow)
	}
	if l.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	l.listener, l.address = listener, listener.Addr()
	go l.take(listener)
	return nil
}

// take takes a listener's connections as long as it is the line's.
func (l *Line) take(listener net.Listener) {
	for {
		accepted, err := listener.Accept()
		if err != nil {
			return
		}
		c := &conn{Conn: accepted, line: l, gone: make(chan struct{})}
		l.mu.Lock()
		current := l.listener == listener
		if current {
			l.conns[c] = true
		}
		l.mu.Unlock()
		if !current {
			accepted.Close()
			return
		}
		select {
		case l.accepted <- c:
		case <-l.closed:
			accepted.Close()
		}
	}
}

// Up brings the peer back.
func (l *Line) Up() {
	if err := l.listen(l.Addr().String()); err != nil {
		panic(err) // another process has taken the port
	}
}

// Down takes the peer away: its connections break, and no new one is made.
func (l *Line) Down() {
	l.mu.Lock()
	if l.listener != nil {
		l.listener.Close()
		l.listener = nil
	}
	l.mu.Unlock()
	l.Cut()
}

// Hang stops all bytes, on new connections too, until Up.
func (l *Line) Hang() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isClosed(l.flow) {
		l.flow = make(chan struct{})
	}
}

// Cut breaks all connections. New ones can be made.
func (l *Line) Cut() {
	for _, c := range l.all() {
		c.Close()
	}
}

// Strand leaves all connections open and lets nothing pass on them any more. New ones
// work.
func (l *Line) Strand() {
	for _, c := range l.all() {
		c.mu.Lock()
		c.stranded = make(chan struct{})
		c.mu.Unlock()
	}
}

func (l *Line) all() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*conn
	for c := range l.conns {
		all = append(all, c)
	}
	return all
}

// Accept implements [net.Listener].
func (l *Line) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *Line) Close() error {
	l.Down()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !isClosed(l.closed) {
		close(l.closed)
	}
	return nil
}

// Addr implements [net.Listener].
func (l *Line) Addr() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// conn is the peer's end of a connection.
type conn struct {
	net.Conn
	line *Line
	gone chan struct{} // closed with the connection

	mu       sync.Mutex
	stranded chan struct{} // never closed; nil if bytes may pass
}

// Read holds back what has come while nothing may pass.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.pass()
	}
	return n, err
}

// Write waits until bytes may pass.
func (c *conn) Write(p []byte) (int, error) {
	c.pass()
	return c.Conn.Write(p)
}

// pass returns when bytes may pass, or the connection has ended.
func (c *conn) pass() {
	c.line.mu.Lock()
	flow := c.line.flow
	c.line.mu.Unlock()
	c.mu.Lock()
	if c.stranded != nil {
		flow = c.stranded
	}
	c.mu.Unlock()
	select {
	case <-flow:
	case <-c.gone:
	}
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.line.mu.Lock()
	delete(c.line.conns, c)
	if !isClosed(c.gone) {
		close(c.gone)
	}
	c.line.mu.Unlock()
	return c.Conn.Close()
}
