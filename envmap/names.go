package envmap

import (
	"fmt"
	"strings"
)

// maxValue bounds one variable: Linux refuses a longer "NAME=value" string
// (MAX_ARG_STRLEN, 32 pages of 4 KiB) when a program is started.
const maxValue = 128 << 10

// ValidName tells whether a name can be used in every format of this package:
// letters, digits and underscores, not starting with a digit. Mattermost's own
// names all are such.
func ValidName(name string) bool {
	if name == "" || len(name) > 255 || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return true
}

// checkVar refuses what no process environment can hold.
func checkVar(v Var) error {
	switch {
	case !ValidName(v.Name):
		return fmt.Errorf("variable %.60q: a name is letters, digits and underscores and does not start with a digit", v.Name)
	case v.Value == nil:
		return nil
	case strings.IndexByte(*v.Value, 0) >= 0:
		return fmt.Errorf("variable %s: a value cannot hold a NUL byte", v.Name)
	case len(v.Name)+len(*v.Value)+2 > maxValue:
		return fmt.Errorf("variable %s: %d bytes, but Linux starts no program with a variable over %d bytes", v.Name, len(*v.Value), maxValue)
	}
	return nil
}
