//go:build !amd64

package manysha

import "unsafe"

const lanes = 16

func available() bool { return false }

func blocks16(*[8][lanes]uint32, *[lanes]unsafe.Pointer, *[64]uint32, int) {
	panic("manysha: there is no kernel for this processor")
}
