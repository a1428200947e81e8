package mmconfig_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/envmap/mmconfig"
)

var pinned = envmap.Version{Major: 11, Minor: 7, Patch: -1}

// leaf is one settable field of the model, found by reflection.
type leaf struct {
	path  string
	value reflect.Value
}

// leaves walks a configuration down to what a variable can name: everything
// that is not a struct.
func leaves(v reflect.Value, path string) []leaf {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return []leaf{{path, v}}
	}
	var out []leaf
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if path != "" {
			name = path + "." + name
		}
		if field := v.Type().Field(i); field.Anonymous { // promoted fields have no name of their own
			name = path
		}
		out = append(out, leaves(v.Field(i), name)...)
	}
	return out
}

// blank is what SetDefaults makes of nothing, which is what the table was
// sampled from.
func blank() *model.Config {
	cfg := &model.Config{}
	cfg.SetDefaults()
	return cfg
}

func kindOf(t reflect.Type) envmap.Kind {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return envmap.KindJSON
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return envmap.KindList
	case t.Kind() == reflect.Slice:
		return envmap.KindStructs
	}
	return map[reflect.Kind]envmap.Kind{
		reflect.String: envmap.KindString, reflect.Bool: envmap.KindBool, reflect.Map: envmap.KindMap,
		reflect.Int: envmap.KindInt, reflect.Int64: envmap.KindInt,
	}[t.Kind()]
}

func TestThePinnedModelIsTheVersionTheTestsSay(t *testing.T) {
	if got := model.CurrentVersion; !strings.HasPrefix(got, mmconfig.Version+".") {
		t.Errorf("the model is of %s, want %s", got, mmconfig.Version)
	}
}

func TestTheSchemaAgreesWithTheModelFieldByField(t *testing.T) {
	fromModel := map[string]string{}
	for _, l := range leaves(reflect.ValueOf(blank()), "") {
		def, err := json.Marshal(l.value.Interface())
		if err != nil {
			t.Fatal(err)
		}
		fromModel[l.path] = fmt.Sprintf("%s default %s", kindOf(l.value.Type()), canonical(def))
	}
	fromTable := map[string]string{}
	for s := range envmap.Settings() {
		if s.In(pinned) != envmap.Present {
			continue
		}
		def, _ := s.Default(pinned)
		fromTable[s.Path] = fmt.Sprintf("%s default %s", s.Kind, canonical([]byte(def)))
		delete(fromTable, "")
	}
	if len(fromModel) < 600 {
		t.Fatalf("only %d fields found in the model", len(fromModel))
	}
	if diff := cmp.Diff(fromModel, fromTable); diff != "" {
		t.Errorf("model against table (-model +table):\n%s", diff)
	}
	t.Logf("%d fields compared", len(fromModel))
}

// canonical makes equal JSON texts equal.
func canonical(text []byte) string {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return string(text)
	}
	if list, ok := v.([]any); ok && len(list) == 0 {
		return "[]"
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(text)
	}
	return string(out)
}

func TestEverySettingOfThePinnedVersionIsFoundByItsVariable(t *testing.T) {
	var paths []string
	for _, l := range leaves(reflect.ValueOf(blank()), "") {
		paths = append(paths, l.path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		s, ok := envmap.Lookup("MM_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_")))
		if !ok || s.Path != path {
			t.Errorf("%s: found %q", path, s.Path)
		}
	}
}
