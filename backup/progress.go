package backup

import (
	"context"
	"time"
)

// Progress is what an operation has done so far.
type Progress struct {
	Phase string `json:"phase"` // for example "database", "files", "indexes"
	Bytes int64  `json:"bytes"` // plain bytes read or written so far
	Total int64  `json:"total"` // expected bytes; 0 when unknown
	Files int64  `json:"files"`
}

// Phase is how long one part of an operation took. Phases may overlap.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes,omitempty"` // plain bytes
}

// BytesPerSecond is the phase's throughput in plain bytes; 0 when it took no
// measurable time.
func (p Phase) BytesPerSecond() float64 {
	if p.Seconds <= 0 {
		return 0
	}
	return float64(p.Bytes) / p.Seconds
}

// report calls f about ten times a second with what get gives, and once at the
// end. All calls come from one goroutine. The function it returns ends it and
// waits for the last call.
func report(ctx context.Context, f func(Progress), get func() Progress) (stop func()) {
	if f == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				f(get())
				return
			case <-tick.C:
				f(get())
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// stopwatch turns laps into phases.
type stopwatch struct {
	last time.Time
	into *[]Phase
}

func newStopwatch(into *[]Phase) *stopwatch { return &stopwatch{last: time.Now(), into: into} }

func (s *stopwatch) lap(name string, bytes int64) {
	now := time.Now()
	*s.into = append(*s.into, Phase{Name: name, Seconds: now.Sub(s.last).Seconds(), Bytes: bytes})
	s.last = now
}
