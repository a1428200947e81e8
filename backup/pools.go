package backup

import (
	"crypto/sha256"
	"hash"
	"io"
	"sync"

	"github.com/gitlab-mattermost/sdk/internal/manysha"
	"github.com/klauspost/compress/zstd"
)

// pools is what the readers of one operation share: hashes that are faster in
// company, and decoders, of which each holds one or two megabytes. A nil one
// is for a reader on its own.
type pools struct {
	sums     *manysha.Pool
	decoders sync.Pool // of *zstd.Decoder
}

func newPools() *pools {
	return &pools{sums: manysha.New()}
}

func (p *pools) hash() hash.Hash {
	if p == nil {
		return sha256.New()
	}
	return p.sums.Hash()
}

// decoder decodes r. It has no goroutine and may simply be dropped.
func (p *pools) decoder(r io.Reader) (*zstd.Decoder, error) {
	if p != nil {
		if d, ok := p.decoders.Get().(*zstd.Decoder); ok {
			return d, d.Reset(r)
		}
	}
	// 64 MiB of window is what zstd itself accepts without being asked.
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20), zstd.IgnoreChecksum(false))
}

// giveBack keeps a decoder for the next reader.
func (p *pools) giveBack(d *zstd.Decoder) {
	if p != nil && d.Reset(nil) == nil {
		p.decoders.Put(d)
	}
}
