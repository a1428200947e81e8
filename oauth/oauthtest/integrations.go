package oauthtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Setting returns an application setting, for example
// outbound_local_requests_whitelist.
func (g *GitLab) Setting(name string) any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settings[name]
}

// Integration returns what was set for, say, "projects/7/mattermost"; nil when
// nothing is. The webhook is in it in the clear.
func (g *GitLab) Integration(key string) map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.integrations[key]
}

func (g *GitLab) applicationSettings(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		var doc map[string]any
		if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
			g.json(w, http.StatusBadRequest, map[string]string{"error": "invalid JSON"})
			return
		}
		for k, v := range doc {
			if k == "outbound_local_requests_allowlist_raw" {
				list := []any{}
				for _, line := range strings.Fields(fmt.Sprint(v)) {
					list = append(list, line)
				}
				g.settings["outbound_local_requests_whitelist"] = list
				continue
			}
			g.settings[k] = v
		}
	}
	g.json(w, http.StatusOK, g.settings)
}

// integration serves .../integrations/NAME and the older .../services/NAME.
func (g *GitLab) integration(w http.ResponseWriter, r *http.Request) {
	// A project's path comes with its slashes escaped.
	_, escaped, _ := strings.Cut(r.URL.EscapedPath(), "/api/")
	parts := strings.Split(escaped[strings.Index(escaped, "/")+1:], "/")
	if len(parts) != 4 || parts[2] != "integrations" && parts[2] != "services" || parts[0] == "groups" && parts[2] == "services" ||
		parts[3] != "mattermost" && parts[3] != "mattermost-slash-commands" {
		g.json(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
		return
	}
	if parts[2] == "integrations" && !g.since(14, 4) {
		g.json(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
		return
	}
	project, err := url.PathUnescape(parts[1])
	if err != nil {
		g.json(w, http.StatusBadRequest, map[string]string{"error": "id is invalid"})
		return
	}
	key := parts[0] + "/" + project + "/" + parts[3]
	switch r.Method {
	case http.MethodGet:
		doc := g.integrations[key]
		if doc == nil {
			g.json(w, http.StatusNotFound, message("404 Integration Not Found"))
			return
		}
		g.json(w, http.StatusOK, map[string]any{"active": true, "slug": parts[3], "properties": doc})
	case http.MethodPut:
		doc := map[string]any{}
		if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
			g.json(w, http.StatusBadRequest, map[string]string{"error": "invalid JSON"})
			return
		}
		if text := refused(parts[3], doc); text != "" {
			g.json(w, http.StatusBadRequest, map[string]string{"error": text})
			return
		}
		g.integrations[key] = doc
		g.json(w, http.StatusOK, map[string]any{"active": true, "slug": parts[3], "properties": doc})
	case http.MethodDelete:
		if g.integrations[key] == nil {
			g.json(w, http.StatusNotFound, message("404 Integration Not Found"))
			return
		}
		delete(g.integrations, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		g.json(w, http.StatusMethodNotAllowed, map[string]string{"error": "405 Not Allowed"})
	}
}

// refused applies the required parameter and the limit of ten channels an
// event.
func refused(name string, doc map[string]any) string {
	need := "webhook"
	if name == "mattermost-slash-commands" {
		need = "token"
	}
	if text, _ := doc[need].(string); text == "" {
		return need + " is missing"
	}
	for k, v := range doc {
		if text, ok := v.(string); ok && strings.HasSuffix(k, "channel") && strings.Count(text, ",") >= 10 {
			return k + " must have at most 10 channels"
		}
	}
	return ""
}
