package redact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/redact"
)

func TestSecretIsMaskedByEveryWayOfPrinting(t *testing.T) {
	const text = "s3cr3t-value"
	holder := struct {
		Name  string
		Token redact.Secret
	}{"n", text}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "token", holder.Token)
	js, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{"json": string(js), "slog": log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		outputs[verb] = fmt.Sprintf(verb, holder.Token)
		outputs["struct "+verb] = fmt.Sprintf(verb, holder)
	}
	for how, out := range outputs {
		if strings.Contains(out, text) || strings.Contains(out, fmt.Sprintf("%x", text)) {
			t.Errorf("%s shows the secret: %s", how, out)
		}
	}
	if got := holder.Token.Reveal(); got != text {
		t.Errorf("Reveal() = %q, want the text", got)
	}
	if got := fmt.Sprint(redact.Secret("")); got != "" {
		t.Errorf("an unset secret prints %q, want it empty", got)
	}
}
