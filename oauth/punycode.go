package oauth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// asciiHost gives the form of a host name that travels in DNS, TLS and
// redirect URIs: lower case, international labels as xn--. Characters that
// would need Unicode normalisation first (combining marks, compatibility
// forms) are refused rather than guessed.
func asciiHost(host string) (string, error) {
	if len(host) > 1000 || !utf8.ValidString(host) {
		return "", fmt.Errorf("has a host that is too long or not UTF-8")
	}
	labels := strings.Split(strings.ToLower(host), ".")
	for i, label := range labels {
		ascii, err := asciiLabel(label)
		if err != nil {
			return "", err
		}
		labels[i] = ascii
	}
	ascii := strings.Join(labels, ".")
	if len(ascii) > 253 {
		return "", fmt.Errorf("has a host name of more than 253 characters")
	}
	return ascii, nil
}

func asciiLabel(label string) (string, error) {
	plain := true
	for _, r := range label {
		switch {
		case r < utf8.RuneSelf:
			if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
				return "", fmt.Errorf("has %q in its host name", r)
			}
		case !unicode.IsLetter(r) && !unicode.IsDigit(r), compatibility(r):
			return "", fmt.Errorf("has %q in its host name; write the host in its xn-- form", r)
		default:
			plain = false
		}
	}
	if !plain {
		label = "xn--" + punycode([]rune(label))
	}
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return "", fmt.Errorf("has the host name part %q, want 1 to 63 letters, digits or inner hyphens", shorten(label))
	}
	return label, nil
}

// compatibility names the blocks whose letters are only other forms of common
// ones, which IDNA maps away.
func compatibility(r rune) bool {
	return r >= 0xF900 && r <= 0xFAFF || r >= 0xFB00 && r <= 0xFDFF ||
		r >= 0xFE70 && r <= 0xFEFF || r >= 0xFF00 && r <= 0xFFEF || r >= 0x1D400 && r <= 0x1D7FF
}

// punycode is the encoder of RFC 3492, section 6.3.
func punycode(input []rune) string {
	const base, tMin, tMax = 36, 1, 26
	var out strings.Builder
	for _, r := range input {
		if r < utf8.RuneSelf {
			out.WriteRune(r)
		}
	}
	basic := out.Len()
	if basic > 0 {
		out.WriteByte('-')
	}
	n, delta, bias := rune(128), 0, 72
	for done := basic; done < len(input); {
		next := rune(unicode.MaxRune)
		for _, r := range input {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range input {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					break
				}
				out.WriteByte(punycodeDigit(t + (q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out.WriteByte(punycodeDigit(q))
			bias = punycodeAdapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return out.String()
}

func punycodeDigit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

func punycodeAdapt(delta, points int, first bool) int {
	if first {
		delta /= 700
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > 35*26/2; k += 36 {
		delta /= 35
	}
	return k + 36*delta/(delta+38)
}
