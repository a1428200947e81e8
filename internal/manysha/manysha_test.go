package manysha

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// portable is the kernel in Go, for processors without the vectors.
func portable(state *[8][lanes]uint32, data *[lanes]unsafe.Pointer, _ *[64]uint32, n int) {
	for i := range lanes {
		var one [8]uint32
		for j := range one {
			one[j] = state[j][i]
		}
		one = oneByOne(one, unsafe.Slice((*byte)(data[i]), n*sha256.BlockSize))
		for j := range one {
			state[j][i] = one[j]
		}
	}
}

// pools are those to test here: with the portable kernel always, with the
// vectors where the processor has them, and what New gives.
func pools() map[string]*Pool {
	list := map[string]*Pool{"portable": newPool(portable), "chosen": New()}
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW) {
		list["vectors"] = newPool(blocks16)
	}
	return list
}

func message(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// lengths are those where padding, chunks and the number of blocks change.
var lengths = []int{0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 4000, 4090, 4096, chunk - 65, chunk - 64, chunk - 9, chunk - 8, chunk - 1, chunk, chunk + 1,
	2*chunk - 1, 2 * chunk, 3*chunk + 77, 5 * chunk, 6*chunk + 4097, 300_001}

func TestHashesOfEveryLengthAreThoseOfTheStandardLibrary(t *testing.T) {
	for name, p := range pools() {
		t.Run(name, func(t *testing.T) {
			h := p.Hash()
			for _, n := range lengths {
				m := message(n, 1)
				h.Reset()
				h.Write(m)
				if got, want := h.Sum(nil), sha256.Sum256(m); !bytes.Equal(got, want[:]) {
					t.Errorf("%d bytes: %x, want %x", n, got, want)
				}
			}
		})
	}
}

func TestManyStreamsAtOnceDoNotMixUp(t *testing.T) {
	for name, p := range pools() {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			for g := range 40 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(g), 7))
					h := p.Hash()
					for range 12 {
						m := message(lengths[r.IntN(len(lengths))]+r.IntN(500), uint64(g))
						h.Reset()
						for left := m; len(left) > 0; {
							n := min(len(left), 1+r.IntN(50_000))
							h.Write(left[:n])
							left = left[n:]
						}
						if got, want := h.Sum(nil), sha256.Sum256(m); !bytes.Equal(got, want[:]) {
							t.Errorf("stream %d, %d bytes: %x, want %x", g, len(m), got, want)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestWriteKeepsNothingOfTheCallersBuffer(t *testing.T) {
	for name, p := range pools() {
		t.Run(name, func(t *testing.T) {
			h, buf := p.Hash(), make([]byte, 10_000)
			want := sha256.New()
			for i := range 40 {
				copy(buf, message(len(buf), uint64(i)))
				h.Write(buf)
				want.Write(buf)
				clear(buf)
			}
			if got, want := h.Sum(nil), want.Sum(nil); !bytes.Equal(got, want) {
				t.Errorf("%x, want %x", got, want)
			}
		})
	}
}

func TestSumDoesNotEndTheHash(t *testing.T) {
	for name, p := range pools() {
		t.Run(name, func(t *testing.T) {
			h, m := p.Hash(), message(3*chunk, 3)
			for _, end := range []int{10, 5000, chunk, chunk + 5000, 2 * chunk, 3 * chunk} {
				h.Reset()
				h.Write(m[:end/2])
				h.Sum(nil)
				h.Write(m[end/2 : end])
				want := sha256.Sum256(m[:end])
				if got := h.Sum([]byte("prefix")); !bytes.Equal(got, append([]byte("prefix"), want[:]...)) {
					t.Errorf("%d bytes: %x, want the prefix and %x", end, got, want)
				}
			}
		})
	}
}

func TestAnAbandonedHashHoldsUpNobody(t *testing.T) {
	p := newPool(portable)
	for range 3 {
		p.Hash().Write(make([]byte, 2*chunk))
	}
	m := message(10*chunk, 4)
	h := p.Hash()
	h.Write(m)
	if got, want := h.Sum(nil), sha256.Sum256(m); !bytes.Equal(got, want[:]) {
		t.Errorf("%x, want %x", got, want)
	}
}

// BenchmarkHash compares streams side by side with the standard library.
func BenchmarkHash(b *testing.B) {
	m := message(1<<20, 5)
	for _, streams := range []int{1, 4, 8, 16, 32} {
		for _, which := range []string{"std", "pool"} {
			b.Run(fmt.Sprintf("%s/streams=%d", which, streams), func(b *testing.B) {
				p := &Pool{}
				if which == "pool" {
					p = New()
				}
				b.SetBytes(int64(streams * len(m)))
				for b.Loop() {
					var wg sync.WaitGroup
					for range streams {
						wg.Go(func() {
							h := p.Hash()
							h.Write(m)
							h.Sum(nil)
						})
					}
					wg.Wait()
				}
			})
		}
	}
}
