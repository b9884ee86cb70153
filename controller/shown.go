package controller

import "time"

// showIntents puts what was asked for by hand into statuses: it is in force from when it was asked, not from the next pass.
func (c *Controller) showIntents(objects []ObjectStatus) {
	now := time.Now()
	for i := range objects {
		asked := c.intents.get(objects[i].Key(), now)
		objects[i].Status.Hold, objects[i].Status.Stopped = asked.Hold, asked.Stopped
	}
}

// poke tells those who wait for a change of a status that something about it has changed that is not in the store.
func (s *store) poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell()
}
