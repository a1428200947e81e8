package manysha

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// lanes is how many messages the kernel hashes at a time.
const lanes = 16

// available tells whether hashing several messages together is faster here
// than one after the other: the processor has 512-bit vectors, but no
// instructions for SHA-256, which are faster still and need no company.
func available() bool {
	return cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW) && !cpuid.CPU.Supports(cpuid.SHA)
}

// blocks16 hashes n blocks, at least one, of each of sixteen messages.
//
//go:noescape
func blocks16(state *[8][lanes]uint32, data *[lanes]unsafe.Pointer, k *[64]uint32, n int)
