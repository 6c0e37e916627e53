package faceid

import "time"

// Sleep makes the last request d longer ago by the wall clock.
func (c *Client) Sleep(d time.Duration) {
	c.carrier.mu.Lock()
	defer c.carrier.mu.Unlock()
	c.carrier.last = c.carrier.last.Add(-d)
}
