package upgrade

import (
	"fmt"
	"time"
)

// Date is a day, counted from 1970-01-01 in UTC. Dates compare with < and >.
// The zero value means "not given"; in text and JSON a Date is "2026-08-15"
// and the zero value is "".
type Date int

// ParseDate reads "2026-08-15". Anything else is an error that quotes the text.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("date %.40q: want YEAR-MONTH-DAY, for example 2026-08-15", text)
	}
	return DateOf(t), nil
}

// DateOf returns the day of t in t's own time zone.
func DateOf(t time.Time) Date {
	return Date(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Time returns midnight UTC of the day.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String prints YEAR-MONTH-DAY, or "" for the zero Date.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDate; the empty text is the zero Date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = 0
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// day makes a Date for tables in the source.
func day(year int, month time.Month, dayOfMonth int) Date {
	return DateOf(time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC))
}
