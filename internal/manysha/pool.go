// Package manysha computes the SHA-256 hashes of many streams at the same
// time, on processors where that is several times faster than one by one.
// [New] makes a Pool and [Pool.Hash] an ordinary hash.Hash that joins it; on
// every other processor that is the one of crypto/sha256.
//
// It stands here because crypto/sha256 hashes one stream at a time, and the
// library that does hash sixteen together, minio/sha256-simd, still reads a
// caller's buffer after Write has returned and keeps a goroutine busy for
// ever. Without the SHA instructions, which servers of Intel got in 2021,
// hashing is more than half of what saving and restoring files costs.
package manysha

import (
	"crypto/sha256"
	"hash"
	"runtime"
	"sync"
	"unsafe"
)

const (
	// chunk is what a stream hands in at a time.
	chunk = 32 << 10
	// waiting is how many chunks of an ordinary stream may wait for company.
	waiting = 4
	// alone is up to how many streams are hashed one by one: the kernel costs
	// the same for one as for sixteen.
	alone = 2
)

// Pool brings streams together. There is no goroutine behind it: a writer that
// completes a batch, or cannot wait for more company, hashes for all in it.
type Pool struct {
	kernel func(state *[8][lanes]uint32, data *[lanes]unsafe.Pointer, k *[64]uint32, n int) // nil: one by one

	mu    sync.Mutex
	moved sync.Cond // a batch is done
	ready []*digest // have a chunk waiting that is in no batch, oldest first
	free  [][]byte  // unused chunks
	blank []byte    // for lanes without a stream
}

// New makes a Pool for this processor.
func New() *Pool {
	if !available() {
		return &Pool{}
	}
	return newPool(blocks16)
}

func newPool(kernel func(*[8][lanes]uint32, *[lanes]unsafe.Pointer, *[64]uint32, int)) *Pool {
	p := &Pool{kernel: kernel, blank: make([]byte, room)}
	p.moved.L = &p.mu
	return p
}

// Width is how many goroutines that each write a stream or two make the best of
// the machine, where processors would do without hashing: while one batch is
// hashed, the next is read. They wait for each other, so all together keep no
// more processors busy than there are.
func (p *Pool) Width(processors int) int {
	if p == nil || p.kernel == nil {
		return processors
	}
	return max(processors, 2*lanes)
}

// Hash makes a SHA-256 hash. Hashes of one Pool may be used at the same time,
// each by one goroutine. Those of a nil Pool are on their own.
func (p *Pool) Hash() hash.Hash {
	if p == nil || p.kernel == nil {
		return sha256.New()
	}
	return p.waitingUpTo(waiting)
}

// Patient makes a hash like those of Hash, of which about as many bytes may
// wait for company. It is for few streams that end one after the other: who
// asks for their sums only when others have begun has company for all of them.
func (p *Pool) Patient(bytes int) hash.Hash {
	if p == nil || p.kernel == nil {
		return sha256.New()
	}
	return p.waitingUpTo(max(waiting, bytes/chunk))
}

func (p *Pool) waitingUpTo(chunks int) hash.Hash {
	d := &digest{pool: p, most: chunks}
	d.Reset()
	return d
}

// push hands in a chunk of d, waiting for room.
func (p *Pool) push(d *digest, full []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(d.queue) >= d.most {
		p.wait(d)
	}
	d.queue = append(d.queue, full)
	if len(d.queue) == 1 {
		p.ready = append(p.ready, d)
	}
	if len(p.ready) >= lanes {
		p.batch()
	}
}

// drain waits until all chunks of d are hashed.
func (p *Pool) drain(d *digest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(d.queue) > 0 {
		p.wait(d)
	}
}

// wait brings d forward: by waiting for its batch or, when others bring no more
// company, by running one. The lock is held.
func (p *Pool) wait(d *digest) {
	if d.busy {
		p.moved.Wait()
		return
	}
	before := len(d.queue)
	for {
		company := len(p.ready)
		p.mu.Unlock()
		runtime.Gosched()
		p.mu.Lock()
		if d.busy || len(d.queue) < before {
			return
		}
		if len(p.ready) <= company {
			break
		}
	}
	p.batch()
}

// batch hashes one chunk each of the oldest ready streams. The lock is held,
// but not while hashing.
func (p *Pool) batch() {
	var members [lanes]*digest
	var chunks [lanes][]byte
	n := copy(members[:], p.ready)
	p.ready = append(p.ready[:0], p.ready[n:]...)
	for i, d := range members[:n] {
		chunks[i], d.busy = d.queue[0], true
	}
	p.mu.Unlock()
	p.advance(members[:n], &chunks)
	p.mu.Lock()
	for _, d := range members[:n] {
		p.free = append(p.free, d.queue[0])
		d.queue = append(d.queue[:0], d.queue[1:]...)
		d.busy = false
		if len(d.queue) > 0 {
			p.ready = append(p.ready, d)
		}
	}
	p.moved.Broadcast()
}

// advance brings the states of the members behind their chunks. Chunks of
// different lengths are hashed as far as the shortest of them, again and
// again, until left is empty.
func (p *Pool) advance(members []*digest, left *[lanes][]byte) {
	var state [8][lanes]uint32
	var data [lanes]unsafe.Pointer
	open := len(members)
	for i, d := range members {
		for j, v := range d.state {
			state[j][i] = v
		}
	}
	for open > alone {
		n := chunk + room
		for i := range lanes {
			data[i] = unsafe.Pointer(unsafe.SliceData(p.blank))
			if len(left[i]) > 0 {
				data[i] = unsafe.Pointer(unsafe.SliceData(left[i]))
				n = min(n, len(left[i]))
			}
		}
		p.kernel(&state, &data, &constants, n/sha256.BlockSize)
		for i, d := range members {
			if len(left[i]) == 0 {
				continue
			}
			left[i] = left[i][n:]
			for j := range d.state {
				d.state[j] = state[j][i]
			}
			if len(left[i]) == 0 {
				open--
			}
		}
	}
	for i, d := range members {
		if len(left[i]) > 0 {
			d.state = oneByOne(d.state, left[i])
		}
	}
}

// chunk gives an empty chunk with room for padding.
func (p *Pool) chunk() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return c[:0]
	}
	return make([]byte, 0, room)
}

func (p *Pool) giveBack(c []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, c)
}
