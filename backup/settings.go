package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// changeSettings sets values in a config.json by their path, for example
// "SqlSettings.DataSource". Everything else stays byte for byte; a missing
// section or setting is added.
func changeSettings(text []byte, settings map[string]any) ([]byte, error) {
	for _, name := range sortedKeys(settings) {
		path := strings.Split(name, ".")
		value, err := json.Marshal(settings[name])
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
		for _, p := range path {
			if p == "" {
				return nil, fmt.Errorf("setting %q: want Section.Name", name)
			}
		}
		if text, err = setJSON(text, path, value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	if !json.Valid(text) {
		return nil, errors.New("the changed text would not be JSON")
	}
	return text, nil
}

// setJSON replaces or adds one value in an object.
func setJSON(text []byte, path []string, value []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	tok, err := dec.Token()
	if err != nil || tok != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	first := dec.InputOffset()
	empty := !dec.More()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		end := dec.InputOffset()
		if key != path[0] {
			continue
		}
		if len(path) > 1 {
			if value, err = setJSON(raw, path[1:], value); err != nil {
				return nil, err
			}
		}
		return splice(text, end-int64(len(raw)), end, value), nil
	}
	for i := len(path) - 1; i > 0; i-- {
		name, err := json.Marshal(path[i])
		if err != nil {
			return nil, err
		}
		value = []byte("{" + string(name) + ": " + string(value) + "}")
	}
	name, err := json.Marshal(path[0])
	if err != nil {
		return nil, err
	}
	added := "\n    " + string(name) + ": " + string(value)
	if !empty {
		added += ","
	}
	return splice(text, first, first, []byte(added)), nil
}

func splice(text []byte, from, to int64, with []byte) []byte {
	out := make([]byte, 0, int64(len(text))-(to-from)+int64(len(with)))
	out = append(out, text[:from]...)
	out = append(out, with...)
	return append(out, text[to:]...)
}

// changeConfigurationRow does the same in the database, for a server that
// keeps its configuration there. Without such a row it does nothing.
func changeConfigurationRow(ctx context.Context, s *server, settings map[string]any) error {
	if len(settings) == 0 {
		return nil
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	var has, hasSHA bool
	err = conn.QueryRow(ctx, `SELECT to_regclass('public.configurations') IS NOT NULL,
		EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.configurations') AND attname = 'sha' AND NOT attisdropped)`).Scan(&has, &hasSHA)
	if err != nil || !has {
		return err
	}
	var id, text string
	err = conn.QueryRow(ctx, "SELECT coalesce(max(id), ''), coalesce(max(value), '') FROM (SELECT id, value FROM public.configurations WHERE active LIMIT 1) AS c").Scan(&id, &text)
	if err != nil || id == "" {
		return err
	}
	value, err := changeSettings([]byte(text), settings)
	if err != nil {
		return fmt.Errorf("configuration in the database: %w", err)
	}
	sum := sha256.Sum256(value)
	sql, args := "UPDATE public.configurations SET value = $1 WHERE id = $2", []any{string(value), id}
	if hasSHA {
		sql, args = "UPDATE public.configurations SET value = $1, sha = $3 WHERE id = $2", append(args, hex.EncodeToString(sum[:]))
	}
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("configuration in the database: %w", err)
	}
	return nil
}
