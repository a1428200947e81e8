package mmsample

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
)

// words invents chat text: a Zipf-distributed vocabulary (as in every natural
// language), word pairs that recur, URLs, log excerpts and code. It compresses
// to about 0.4 with gzip -6, as real chat does.
type words struct {
	pcg   *rand.PCG
	rnd   *rand.Rand
	zipf  *rand.Zipf
	vocab []string
}

const vocabulary = 30000

func newWords(seed uint64) *words {
	w := &words{pcg: rand.NewPCG(seed, 1), vocab: make([]string, vocabulary)}
	w.rnd = rand.New(w.pcg)
	w.zipf = rand.NewZipf(w.rnd, 1.2, 6, vocabulary-1)
	heads := []string{"b", "d", "f", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w", "z", "sch", ""}
	vowels := []string{"a", "e", "i", "o", "u", "ä", "ei", "ou"}
	tails := []string{"", "n", "r", "s", "t", "l", "ng", "ck"}
	for i := range w.vocab {
		var b strings.Builder
		for n := 1 + w.rnd.IntN(3); n >= 0; n-- {
			b.WriteString(heads[w.rnd.IntN(len(heads))])
			b.WriteString(vowels[min(w.rnd.IntN(14), 13)%len(vowels)])
			b.WriteString(tails[w.rnd.IntN(len(tails))])
		}
		w.vocab[i] = b.String()
	}
	return w
}

// at makes what follows depend on (stream, i) only, so that row i can be made
// without the rows before it.
func (w *words) at(seed, stream uint64, i int) *rand.Rand {
	w.pcg.Seed(seed^stream<<56, uint64(i)*0x9e3779b97f4a7c15+stream)
	return w.rnd
}

func (w *words) sentence(b *strings.Builder, n int) {
	for j := 0; j < n; j++ {
		if j > 0 {
			b.WriteByte(' ')
		}
		k := w.zipf.Uint64()
		b.WriteString(w.vocab[k])
		if k%7 == 3 { // a recurring pair
			b.WriteByte(' ')
			b.WriteString(w.vocab[(k*31+7)%vocabulary])
		}
	}
}

// awkward are messages that broke somebody's tool: COPY's end mark, quoting,
// control characters, wide characters, an empty text.
var awkward = []string{
	`\.`, "", `it's "quoted" and \back\slashed\n`, "tab\there\r\nand a second line", "emoji 🎉👩‍👩‍👧 and 漢字 and עברית",
	`$$; DROP TABLE posts; --`, "\u0001\u001f control \u007f", strings.Repeat("long ", 2000), `{"json": "[\"in\"] text"}`, "trailing space ",
}

// message makes one post's text, about 190 bytes on average.
func (w *words) message() string {
	var b strings.Builder
	switch p := w.rnd.IntN(1000); {
	case p < 3:
		return awkward[w.rnd.IntN(len(awkward))]
	case p < 120: // a link
		w.sentence(&b, 2+w.rnd.IntN(8))
		fmt.Fprintf(&b, " https://gitlab.example.com/%s/%s/-/merge_requests/%d", w.vocab[w.rnd.IntN(50)], w.vocab[w.rnd.IntN(300)], w.rnd.IntN(20000))
	case p < 170: // a log excerpt
		b.WriteString("```\n")
		for n := 2 + w.rnd.IntN(5); n > 0; n-- {
			fmt.Fprintf(&b, "2026-%02d-%02dT%02d:%02d:%02d.%03dZ INFO worker[%d]: ", 1+w.rnd.IntN(12), 1+w.rnd.IntN(28),
				w.rnd.IntN(24), w.rnd.IntN(60), w.rnd.IntN(60), w.rnd.IntN(1000), w.rnd.IntN(32))
			w.sentence(&b, 4+w.rnd.IntN(6))
			fmt.Fprintf(&b, " duration_ms=%d\n", w.rnd.IntN(5000))
		}
		b.WriteString("```")
	default:
		w.sentence(&b, 3+int(w.rnd.ExpFloat64()*12))
	}
	return b.String()
}

// encoding is Mattermost's alphabet for ids: 26 characters for 16 bytes.
var encoding = base32.NewEncoding("ybndrfg8ejkmcpqxot1uwisza345h769").WithPadding(base32.NoPadding)

// id is the i-th id of a kind; equal seeds give equal ids.
func id(seed uint64, kind string, i int) string {
	var b [16]byte
	h := seed ^ 0x6a09e667f3bcc908
	for _, c := range []byte(kind) {
		h = mix(h ^ uint64(c))
	}
	binary.BigEndian.PutUint64(b[:], mix(h+uint64(i)))
	binary.BigEndian.PutUint64(b[8:], mix(h^mix(uint64(i)+0x3c6ef372fe94f82b)))
	return encoding.EncodeToString(b[:])
}

// mix is the finaliser of SplitMix64, a bijection.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
