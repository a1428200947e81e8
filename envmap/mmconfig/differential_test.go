package mmconfig_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/envmap/mmconfig"
)

// reference reads one variable into a configuration as Mattermost 11.7 does. It
// is written from the description of that reader and shares nothing with
// envmap: it knows no table, only the model. It reports whether a value was
// set, and panics where the server would.
func reference(cfg *model.Config, name, value string) (set bool) {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "MM") {
		return false
	}
	return walk(strings.TrimPrefix(name, "MM_"), value, reflect.ValueOf(cfg))
}

func walk(key, value string, v reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return false
		}
		// Two defaults of the model share their memory (LdapSettings.IdAttribute
		// and LoginIdAttribute) and one points at a variable of the package; in
		// a server that has saved its file once none does.
		if v.CanSet() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			v.Set(own)
		}
		return walk(key, value, v.Elem())
	}
	switch v.Kind() {
	case reflect.Struct:
		head, rest, _ := strings.Cut(key, "_")
		field := v.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, head) })
		return field.IsValid() && walk(rest, value, field)
	case reflect.String:
		v.SetString(value)
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return false
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return false
		}
		v.SetInt(n)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(value))
			return true
		}
		v.Set(reflect.ValueOf(strings.Split(value, " "))) // panics for a slice of anything else
	case reflect.Map:
		fresh := reflect.New(v.Type())
		if json.Unmarshal([]byte(value), fresh.Interface()) != nil {
			return false
		}
		v.Set(fresh.Elem())
	default:
		return false
	}
	return true
}

// cases is how many variables one run compares; the promise is 10,000.
const cases = 10_500

// corpus holds values that the readers disagree on when one of them is wrong.
func corpus(r *rand.Rand) string {
	fixed := []string{
		"", " ", "true", "True", "tRuE", "t", "T", "yes", "on", "1", "0", "-1", "+7", "007", "0x10", "1_000", "1.5", " 7", "7 ", "١",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "a b", "a,b", "a  b", " a", "a ", "a\tb", "a\nb",
		"{}", "null", "[]", `["a"]`, `{"a":{}}`, `{"a":null}`, `{"a":{"Enable":true}}`, `{"a":{"enable":1}}`, `{"a":"b"}`, `{"a":["x"]}`,
		`{"a":["x",1]}`, `{"assigned":["reviewers"]}`, `{"a":{"b":{"c":[1]}}}`, "{", "{} x", `{"a":{},"a":1}`, "https://mm.example.com/",
		"postgres://u:p%20w@h/db?sslmode=disable", "über", "\x00", "invalid \xff", "false", "FALSE", "False", "f", "F", "NaN", "1e3", "--1",
	}
	switch r.IntN(4) {
	case 0:
		return strconv.FormatInt(r.Int64()-r.Int64(), 10)
	case 1:
		const letters = `ab ,1{}[]":_-.`
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	return fixed[r.IntN(len(fixed))]
}

// variable returns a name: mostly real ones in all spellings, else near misses.
func variable(r *rand.Rand, paths []string) string {
	path := paths[r.IntN(len(paths))]
	name := "MM_" + strings.ReplaceAll(path, ".", "_")
	switch r.IntN(12) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return name // as in the source, mixed case
	case 2:
		return strings.ToUpper(name[:len(name)-1])
	case 3:
		return strings.ToUpper(name) + "X"
	case 4:
		i := 3 + r.IntN(len(name)-3)
		return strings.ToUpper(name[:i] + "_" + name[i:])
	case 5:
		section, _, _ := strings.Cut(path, ".")
		return "MM_" + strings.ToUpper(section)
	}
	return strings.ToUpper(name)
}

func TestCheckAgreesWithAnIndependentReaderOnTheModel(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 4))
	var paths []string
	for _, l := range leaves(reflect.ValueOf(blank()), "") {
		paths = append(paths, l.path)
	}
	honoured, fails := 0, 0
	var c comparer
	for range cases {
		name, value := variable(r, paths), corpus(r)
		if why := c.disagreement(name, value); why != "" {
			t.Errorf("seed %d: %s=%q: %s", seed, name, value, why)
			if fails++; fails > 10 {
				t.FailNow()
			}
		}
		env := envmap.New()
		env.Set(name, value)
		if report, err := envmap.Check(env, pinned); err == nil && report.Verdicts[0].Value() != nil {
			honoured++
		}
	}
	if honoured < cases/5 {
		t.Errorf("only %d of %d cases are honoured: the campaign tests too little", honoured, cases)
	}
	t.Logf("compared %d variables, %d of them honoured", cases, honoured)
}

// disagreement compares the checker, and Apply on the model, with the
// reference for one variable.
func (c *comparer) disagreement(name, value string) string {
	env := envmap.New()
	env.Set(name, value)
	report, err := envmap.Check(env, pinned)
	if err != nil {
		return err.Error()
	}
	verdict := report.Verdicts[0]
	theirs := c.fresh()
	set, died := attempt(theirs, name, value)
	if !set && !died {
		c.unchanged = theirs
	}
	switch crash := len(report.Findings) > 0 && report.Findings[0].ID == "env.crashes-server"; {
	case crash != died:
		return fmt.Sprintf("we say it crashes the server %v, it does %v", crash, died)
	case superseded(verdict.Path): // read by the walk, then not looked at by the server
		return ""
	case verdict.Role == envmap.RoleSetting && verdict.Honoured != set,
		verdict.Role != envmap.RoleSetting && set:
		return fmt.Sprintf("we say honoured %v as %q, the reader %v", verdict.Honoured, verdict.Path, set)
	}
	if !set {
		return ""
	}
	ours := mmconfig.Defaults()
	if err := mmconfig.Apply(ours, env); err != nil {
		return err.Error()
	}
	if reflect.DeepEqual(theirs, ours) {
		return ""
	}
	return "the model differs:\n" + cmp.Diff(theirs, ours)
}

// comparer keeps a default configuration that no case has written to, because
// making one is the slow part.
type comparer struct{ unchanged *model.Config }

// fresh returns a default configuration for one case.
func (c *comparer) fresh() *model.Config {
	if cfg := c.unchanged; cfg != nil {
		c.unchanged = nil
		return cfg
	}
	return mmconfig.Defaults()
}

// superseded are the settings that the walk sets and the server then ignores in
// favour of the ones in hours.
func superseded(path string) bool {
	return strings.HasPrefix(path, "ServiceSettings.SessionLength") && strings.HasSuffix(path, "InDays")
}

func attempt(cfg *model.Config, name, value string) (set, died bool) {
	defer func() { died = recover() != nil }()
	return reference(cfg, name, value), false
}

func FuzzCheckAgainstTheModel(f *testing.F) {
	f.Add("MM_SERVICESETTINGS_SITEURL", "https://mm.example.com/") // a plain string
	f.Add("mm_servicesettings_enabledeveloper", "T")               // any case, short boolean
	f.Add("MM_PLUGINSETTINGS_PLUGINSTATES", `{"a":{"Enable":1}}`)  // JSON of another shape
	f.Add("MM_SQLSETTINGS_REPLICALAGSETTINGS", "x")                // kills the server
	f.Add("MM_FEATUREFLAGS_TESTFEATURE", "")                       // nested pointer
	f.Fuzz(func(t *testing.T, name, value string) {
		var c comparer
		if why := c.disagreement(name, value); why != "" {
			t.Errorf("%q=%q: %s", name, value, why)
		}
	})
}
