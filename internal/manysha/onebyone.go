package manysha

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
)

// marshaled is the layout of a SHA-256 hash of crypto/sha256 in its binary
// form: a magic word, the state, the block being filled, the length.
const (
	marshaledMagic = "sha\x03"
	marshaledSize  = len(marshaledMagic) + sha256.Size + sha256.BlockSize + 8
)

// oneByOne hashes whole blocks of a single stream with crypto/sha256, whose
// state can be set and read.
func oneByOne(state [8]uint32, blocks []byte) [8]uint32 {
	h := sha256.New().(interface {
		hash.Hash
		encoding.BinaryUnmarshaler
		encoding.BinaryAppender
	})
	buf := make([]byte, 0, marshaledSize)
	buf = append(buf, marshaledMagic...)
	for _, v := range state {
		buf = binary.BigEndian.AppendUint32(buf, v)
	}
	if err := h.UnmarshalBinary(buf[:marshaledSize]); err != nil {
		panic(fmt.Sprintf("manysha: set the state of a hash: %v", err))
	}
	h.Write(blocks)
	out, err := h.AppendBinary(buf[:0])
	if err != nil {
		panic(fmt.Sprintf("manysha: read the state of a hash: %v", err))
	}
	for i := range state {
		state[i] = binary.BigEndian.Uint32(out[len(marshaledMagic)+4*i:])
	}
	return state
}
