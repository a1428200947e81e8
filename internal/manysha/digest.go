package manysha

import (
	"crypto/sha256"
	"encoding/binary"
)

// room is the capacity of a chunk: a message's last one has padding, of at
// most a block and nine bytes rounded up to whole blocks.
const room = chunk + 2*sha256.BlockSize

// digest is a hash that joins a Pool.
type digest struct {
	pool *Pool
	most int    // chunks that may wait
	n    uint64 // bytes written
	fill []byte // the chunk being filled, nil before the first byte

	// These are the pool's, under its lock; state is the batch's while busy.
	state [8]uint32
	queue [][]byte // chunks to hash, oldest first
	busy  bool     // the first of them is in a batch
}

func (d *digest) Size() int      { return sha256.Size }
func (d *digest) BlockSize() int { return sha256.BlockSize }

func (d *digest) Reset() {
	d.pool.drain(d)
	d.state, d.n, d.fill = initial, 0, d.fill[:0]
}

// Write never fails. It copies p.
func (d *digest) Write(p []byte) (int, error) {
	d.n += uint64(len(p))
	for left := p; len(left) > 0; {
		if d.fill == nil {
			d.fill = d.pool.chunk()
		}
		n := min(len(left), chunk-len(d.fill))
		d.fill = append(d.fill, left[:n]...)
		left = left[n:]
		if len(d.fill) == chunk {
			d.pool.push(d, d.fill)
			d.fill = nil
		}
	}
	return len(p), nil
}

// Sum appends the hash of everything written so far to b.
func (d *digest) Sum(b []byte) []byte {
	d.pool.drain(d)
	tail := append(d.pool.chunk(), d.fill...)
	tail = append(tail, 0x80)
	for len(tail)%sha256.BlockSize != sha256.BlockSize-8 {
		tail = append(tail, 0)
	}
	tail = binary.BigEndian.AppendUint64(tail, d.n*8)

	state := d.state
	if len(tail) <= chunk/8 { // not worth waiting for company
		state = oneByOne(state, tail)
		d.pool.giveBack(tail)
	} else {
		end := &digest{pool: d.pool, most: waiting, state: state}
		d.pool.push(end, tail)
		d.pool.drain(end)
		state = end.state
	}
	for _, v := range state {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}
