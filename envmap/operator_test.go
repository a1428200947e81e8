package envmap_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/gitlab-mattermost/sdk/envmap"
)

// operatorSchema are the rules of the operator's published resource definition
// (installation.mattermost.com/v1beta1) for everything that Operator writes:
// path to type, "[]" an item of a list, a pattern where the definition has one.
var operatorSchema = map[string]string{
	"apiVersion": "string", "kind": "string", "metadata": "object", "metadata.name": "string", "metadata.namespace": "string",
	"spec": "object", "spec.size": "string", "spec.image": "string", "spec.version": "string",
	"spec.ingress": "object", "spec.ingress.enabled": "boolean", "spec.ingress.host": "string",
	"spec.ingress.ingressClass": "string", "spec.ingress.tlsSecret": "string",
	"spec.database": "object", "spec.database.external": "object", "spec.database.external.secret": "string",
	"spec.fileStore": "object", "spec.fileStore.external": "object", "spec.fileStore.external.url": "string",
	"spec.fileStore.external.bucket": "string", "spec.fileStore.external.secret": "string", "spec.fileStore.external.useServiceAccount": "boolean",
	"spec.fileStore.externalVolume": "object", "spec.fileStore.externalVolume.volumeClaimName": "string",
	"spec.fileStore.local": "object", "spec.fileStore.local.enabled": "boolean",
	"spec.fileStore.local.storageSize": `string ^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$`,
	"spec.mattermostEnv":               "array", "spec.mattermostEnv[]": "object", "spec.mattermostEnv[].name": "string",
	"spec.mattermostEnv[].value": "string", "spec.mattermostEnv[].valueFrom": "object",
	"spec.mattermostEnv[].valueFrom.secretKeyRef": "object", "spec.mattermostEnv[].valueFrom.secretKeyRef.name": "string",
	"spec.mattermostEnv[].valueFrom.secretKeyRef.key": "string",
}

// operatorRequired are its required fields, where their parent exists.
var operatorRequired = []string{"metadata.name", "spec.ingress.enabled", "spec.fileStore.local.enabled", "spec.mattermostEnv[].name", "spec.mattermostEnv[].valueFrom.secretKeyRef.key"}

func validate(node any, path string) []string {
	want, known := operatorSchema[path]
	if path != "" && !known {
		return []string{path + ": no such field"}
	}
	typ, pattern, _ := strings.Cut(want, " ")
	var out []string
	switch x := node.(type) {
	case map[string]any:
		if path != "" && typ != "object" {
			return []string{path + ": is an object, want " + typ}
		}
		for key, value := range x {
			out = append(out, validate(value, strings.TrimPrefix(path+"."+key, "."))...)
		}
		for _, required := range operatorRequired {
			parent, field := required[:strings.LastIndexByte(required, '.')], required[strings.LastIndexByte(required, '.')+1:]
			if _, ok := x[field]; parent == path && !ok {
				out = append(out, required+": is missing")
			}
		}
	case []any:
		if typ != "array" {
			return []string{path + ": is a list, want " + typ}
		}
		for _, item := range x {
			out = append(out, validate(item, path+"[]")...)
		}
	case string:
		if typ != "string" || !regexp.MustCompile(pattern).MatchString(x) {
			return []string{fmt.Sprintf("%s: %q, want %s", path, x, want)}
		}
	case bool:
		if typ != "boolean" {
			return []string{path + ": is a boolean, want " + typ}
		}
	default:
		return []string{fmt.Sprintf("%s: is %T", path, node)}
	}
	return out
}

// documents reads a manifest and splits it into the resource and the Secrets.
func documents(t *testing.T, text []byte) (resource map[string]any, secrets map[string]map[string]string) {
	t.Helper()
	secrets = map[string]map[string]string{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc map[string]any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return resource, secrets
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if doc["kind"] == "Mattermost" {
			resource = doc
			continue
		}
		data := map[string]string{}
		for key, value := range doc["data"].(map[string]any) {
			raw, err := base64.StdEncoding.DecodeString(value.(string))
			if err != nil {
				t.Fatal(err)
			}
			data[key] = string(raw)
		}
		secrets[doc["metadata"].(map[string]any)["name"].(string)] = data
	}
}

func moved() *envmap.Environment {
	e := envmap.FromInstallation(resolved(nil))
	e.Set("MM_EMAILSETTINGS_SMTPPASSWORD", "p$(x)w")
	e.Set("MM_EMAILSETTINGS_FEEDBACKNAME", "costs $5, $(USER), 100% \"ok\"")
	e.Set("HTTP_PROXY", "http://user:pw@proxy:3128")
	return e
}

func TestOperatorWritesAValidResourceOfTheSameSettings(t *testing.T) {
	m, err := envmap.Operator(moved(), envmap.OperatorOptions{Database: "postgres://mm:pw@db.example.com/mattermost?sslmode=require"})
	if err != nil {
		t.Fatal(err)
	}
	resource, secrets := documents(t, m.Text)
	if wrong := validate(resource, ""); len(wrong) > 0 {
		t.Errorf("against the operator's schema: %v", wrong)
	}
	spec := resource["spec"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"enabled": true, "host": "mattermost.example.com"}, spec["ingress"]); diff != "" {
		t.Errorf("ingress: %s", diff)
	}
	if got := secrets["mattermost-database"]["DB_CONNECTION_STRING"]; got != "postgres://mm:pw@db.example.com/mattermost?sslmode=require" {
		t.Errorf("database %q", got)
	}
	env := map[string]string{}
	for _, item := range spec["mattermostEnv"].([]any) {
		v := item.(map[string]any)
		if value, ok := v["value"]; ok {
			env[v["name"].(string)] = expand(value.(string))
			continue
		}
		ref := v["valueFrom"].(map[string]any)["secretKeyRef"].(map[string]any)
		env[v["name"].(string)] = secrets[ref["name"].(string)][ref["key"].(string)]
	}
	want := values(moved())
	for _, l := range m.NotCarried {
		delete(want, l.Key)
	}
	for _, part := range []string{"MM_SERVICESETTINGS_SITEURL", "MM_SQLSETTINGS_DATASOURCE"} {
		delete(want, part) // ingress and database
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("what the pod sees (-want +got):\n%s", diff)
	}
	for _, secret := range []string{"p$(x)w", "the-secret", "user:pw"} {
		if bytes.Contains(m.Text, []byte(secret)) {
			t.Errorf("the secret %q stands in the clear", secret)
		}
	}
	var left []string
	for _, l := range m.NotCarried {
		left = append(left, l.Key)
	}
	if diff := cmp.Diff([]string{"MM_FILESETTINGS_DIRECTORY", "MM_SERVICESETTINGS_LISTENADDRESS", "MM_LOGSETTINGS_FILELOCATION", "MM_PLUGINSETTINGS_DIRECTORY", "MM_PLUGINSETTINGS_CLIENTDIRECTORY", "MM_INSTALL_TYPE", "SSL_CERT_DIR", "GODEBUG"}, left); diff != "" {
		t.Errorf("not carried (-want +got):\n%s", diff)
	}
}

// expand is Kubernetes' reading of a variable's value: $$ is one dollar sign,
// $(NAME) of an unknown name stays.
func expand(s string) string { return strings.ReplaceAll(s, "$$", "$") }

func TestOperatorKnowsEveryFileStore(t *testing.T) {
	s3 := func(kv ...string) *envmap.Environment {
		e := moved()
		e.Set("MM_SQLSETTINGS_DATASOURCE", "user=mm password='p w' host=db port=5433 dbname=mm sslmode=require")
		e.Set("MM_FILESETTINGS_DRIVERNAME", "amazons3")
		for i := 0; i < len(kv); i += 2 {
			e.Set(kv[i], kv[i+1])
		}
		return e
	}
	for _, tc := range []struct {
		reason string
		env    *envmap.Environment
		opts   envmap.OperatorOptions
		want   map[string]any
	}{
		{"S3 with keys", s3("MM_FILESETTINGS_AMAZONS3BUCKET", "b", "MM_FILESETTINGS_AMAZONS3ENDPOINT", "minio:9000", "MM_FILESETTINGS_AMAZONS3ACCESSKEYID", "id", "MM_FILESETTINGS_AMAZONS3SECRETACCESSKEY", "key"), envmap.OperatorOptions{},
			map[string]any{"external": map[string]any{"url": "minio:9000", "bucket": "b", "secret": "mattermost-filestore"}}},
		{"S3 by the machine's role", s3("MM_FILESETTINGS_AMAZONS3BUCKET", "b"), envmap.OperatorOptions{},
			map[string]any{"external": map[string]any{"url": "s3.amazonaws.com", "bucket": "b", "useServiceAccount": true}}},
		{"a claim that exists", s3("MM_FILESETTINGS_DRIVERNAME", "local"), envmap.OperatorOptions{VolumeClaim: "files"},
			map[string]any{"externalVolume": map[string]any{"volumeClaimName": "files"}}},
		{"a claim that the operator makes", s3("MM_FILESETTINGS_DRIVERNAME", "local"), envmap.OperatorOptions{StorageSize: "100Gi"},
			map[string]any{"local": map[string]any{"enabled": true, "storageSize": "100Gi"}}},
	} {
		m, err := envmap.Operator(tc.env, tc.opts)
		if err != nil {
			t.Fatalf("%s: %v", tc.reason, err)
		}
		resource, secrets := documents(t, m.Text)
		if wrong := validate(resource, ""); len(wrong) > 0 {
			t.Errorf("%s: %v", tc.reason, wrong)
		}
		if diff := cmp.Diff(tc.want, resource["spec"].(map[string]any)["fileStore"]); diff != "" {
			t.Errorf("%s: %s", tc.reason, diff)
		}
		if got := secrets["mattermost-database"]["DB_CONNECTION_STRING"]; got != "postgres://mm:p%20w@db:5433/mm?sslmode=require" {
			t.Errorf("%s: database %q", tc.reason, got)
		}
	}
}

func TestOperatorRefusesWhatWouldNotRun(t *testing.T) {
	url := envmap.Secret("postgres://h/db")
	for _, tc := range []struct {
		reason, name, value string
		opts                envmap.OperatorOptions
		want                string
	}{
		{"a socket of one machine", "A", "b", envmap.OperatorOptions{}, "Unix socket"},
		{"no site URL", "MM_SERVICESETTINGS_SITEURL", "", envmap.OperatorOptions{Database: url}, "SITEURL"},
		{"an address without a name", "MM_SERVICESETTINGS_SITEURL", "https://[::1]", envmap.OperatorOptions{Database: url}, "DNS name"},
		{"MySQL", "MM_SQLSETTINGS_DRIVERNAME", "mysql", envmap.OperatorOptions{}, "MySQL"},
		{"a name that injects", "A", "b", envmap.OperatorOptions{Database: url, Name: "x\nspec: {}"}, "name"},
		{"a size that is none", "A", "b", envmap.OperatorOptions{Database: url, Size: "huge"}, "size"},
		{"a variable that is none", "A B", "b", envmap.OperatorOptions{Database: url}, "name is letters"},
	} {
		e := moved()
		e.Set(tc.name, tc.value)
		if m, err := envmap.Operator(e, tc.opts); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, %v; want an error with %q", tc.reason, m != nil, err, tc.want)
		}
	}
}
