package nginx_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gitlab-mattermost/sdk/nginx"
)

// The zero value plus a host name is a whole vhost.
func ExampleRender() {
	text, err := nginx.Render(&nginx.Site{Host: "chat.example.com"}, nginx.Target{Nginx: "1.22.1"})
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "listen") || strings.Contains(line, "server_name") || strings.Contains(line, "location") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// listen 80;
	// listen [::]:80;
	// server_name chat.example.com;
	// location ~ ^/api/v[0-9]+/(users/)?websocket$ {
	// location / {
}

// TLS, the redirect and what the target's nginx knows.
func ExampleRender_tls() {
	site := &nginx.Site{
		Host:     "chat.example.com",
		TLS:      &nginx.TLS{Certificate: "/etc/ssl/chat.pem", Key: "/etc/ssl/chat.key", Policy: nginx.Modern()},
		Redirect: &nginx.Redirect{},
	}
	for _, target := range []nginx.Target{{Nginx: "1.22.1", OpenSSL: "3.0.19"}, {Nginx: "1.29.4", OpenSSL: "3.5.4"}} {
		text, err := nginx.Render(site, target)
		if err != nil {
			log.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "http2") || strings.Contains(line, "ecdh") {
				fmt.Println(target.Nginx, strings.TrimSpace(line))
			}
		}
	}
	// Output:
	// 1.22.1 listen 443 ssl http2;
	// 1.22.1 listen [::]:443 ssl http2;
	// 1.22.1 ssl_ecdh_curve X25519:prime256v1:secp384r1;
	// 1.29.4 http2 on;
	// 1.29.4 ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;
}

// A value that would leave its place is refused, and the field is named.
func ExampleRender_injection() {
	_, err := nginx.Render(&nginx.Site{Host: "chat.example.com", Log: nginx.Log{Dir: "/var/log/$host"}}, nginx.Target{})
	fmt.Println(err)
	// Output: site field Log.Dir "/var/log/$host": it holds "$", which nginx would expand
}

// Check needs no nginx.
func ExampleCheck() {
	vhost := `server {
  listen 80;
  client_max_body_size 0;
  location / {
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_pass http://127.0.0.1:8065;
  }
}`
	for _, f := range nginx.Check("mattermost.conf", []byte(vhost), nginx.Target{}) {
		fmt.Printf("%s: %s: %s\n", f.Severity, f.Where, f.Message)
	}
	// Output: error: mattermost.conf:4: websockets are not upgraded: location / sends no Upgrade and Connection headers to Mattermost
}

// Import reads a vhost that exists; Diff tells what rendering it would change.
func ExampleImport() {
	list, err := nginx.Parse("mattermost.conf", []byte(`server {
  listen 80; server_name chat.example.com;
  location / { proxy_pass http://10.0.0.5:8065; limit_rate 1m; }
}`))
	if err != nil {
		log.Fatal(err)
	}
	site, findings, err := nginx.Import(list, "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(site.Host, site.Upstream.Addresses[0])
	for _, f := range findings {
		fmt.Println(f.Where, f.Message)
	}
	// Output:
	// chat.example.com 10.0.0.5:8065
	// mattermost.conf:3 limit_rate 1m in location / is not carried over
}

func ExampleDiff() {
	read := func(text string) []*nginx.Directive {
		list, err := nginx.Parse("", []byte(text))
		if err != nil {
			log.Fatal(err)
		}
		return list
	}
	first := read("server { listen *:80; server_name a; proxy_read_timeout 1h; }")
	second := read("server { server_name a; listen 80; proxy_read_timeout 3600; gzip off; }")
	for _, c := range nginx.Diff(first, second) {
		fmt.Println(c)
	}
	// Output: + server a:80: gzip off
}
