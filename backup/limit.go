package backup

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// limiter holds the total rate of reading to a number of bytes per second and
// counts for the progress. The zero value does not limit.
type limiter struct {
	rate  int64 // bytes per second; 0 is unlimited
	bytes atomic.Int64
	files atomic.Int64

	mu   sync.Mutex
	next time.Time // when the bytes so far are paid for
}

// wait counts n bytes and sleeps as long as they cost.
func (l *limiter) wait(ctx context.Context, n int) error {
	l.bytes.Add(int64(n))
	if l.rate <= 0 {
		return ctx.Err()
	}
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	l.next = l.next.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	pause := time.Until(l.next)
	l.mu.Unlock()
	if pause < time.Millisecond {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
