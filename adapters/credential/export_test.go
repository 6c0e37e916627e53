package credential

import "time"

// SetClockBack is to the cache as if the wall clock were set back by d.
func (c *Cache) SetClockBack(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked, c.renew = c.asked.Add(d), c.renew.Add(d)
}
