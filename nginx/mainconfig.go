package nginx

import "cmp"

// gitlabLogFormat is GitLab's access log format: nginx's "combined", with
// filtered query strings and the compression ratio.
const gitlabLogFormat = `$remote_addr - $remote_user [$time_local] "$request_method $filtered_request_uri $server_protocol" $status ` +
	`$body_bytes_sent "$filtered_http_referer" "$http_user_agent" $gzip_ratio`

// MainConfig returns what the surrounding http block must hold for the text
// of Render to be accepted and to work on an nginx that is not GitLab's: the
// access log's format with the maps that keep tokens out of it, and the map
// that passes websocket upgrades on. It is included at http level before the
// vhost. On GitLab's own nginx all of this is there already.
//
// The standalone layout brings its own maps; its MainConfig is empty.
func MainConfig(site *Site, target Target) (string, error) {
	if err := site.Validate(); err != nil {
		return "", err
	}
	if err := target.Validate(); err != nil {
		return "", err
	}
	if site.Era == "" {
		return "", nil
	}
	e, err := parseEra(site.Era)
	if err != nil {
		return "", err
	}
	var list []*Directive
	if format := cmp.Or(site.Log.Format, e.logFormat()); format != "" {
		args := []string{eraLogFormat}
		if e.from("18.9") {
			args = append(args, "escape="+cmp.Or(site.Log.Escape, "default"))
		}
		list = append(list, filterMaps()...)
		list = append(list, gap(), d("log_format", append(args, format)...).quoted('\''))
	}
	if e.from("8.15") {
		list = append(list, gap(), upgradeMap())
	}
	return Format(list), nil
}

// filterMaps define $filtered_request_uri and $filtered_http_referer: the
// values of four query parameters that carry tokens, and the query string of
// the referring page, stay out of the log.
func filterMaps() []*Directive {
	params := []string{"private[-_]token", "authenticity[-_]token", "rss[-_]token", "token"}
	var list []*Directive
	from := "$request_uri"
	for i, p := range params {
		to := "$filtered_request_uri"
		if i < len(params)-1 {
			to = "$mattermost_uri_" + itoa(i+1)
		}
		m := block("map", []string{from, to},
			d("default", from),
			d(`~*^(?<mm_head>.*[?&]`+p+`)=[^&]*(?<mm_tail>.*)$`, "$mm_head=[FILTERED]$mm_tail"))
		if i == 0 {
			m.note("Keeps tokens in query strings out of the access log.")
		}
		list = append(list, m)
		from = to
	}
	return append(list, block("map", []string{"$http_referer", "$filtered_http_referer"},
		d("default", "$http_referer"), d(`~^(?<mm_page>[^?]*)\?`, "$mm_page")))
}
