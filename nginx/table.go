package nginx

import (
	"strconv"
	"strings"
)

// Contexts in which a directive may stand.
const (
	inMain     = 'M'
	inEvents   = 'E'
	inHTTP     = 'H'
	inServer   = 'S'
	inLocation = 'L'
	inIf       = 'I' // "if" inside server or location
	inUpstream = 'U'
	inStream   = 'T'
	inStreamS  = 'R' // server inside stream
	inStreamU  = 'V' // upstream inside stream
	inAnything = '*' // blocks whose content is data: map, geo, types
)

// rule is what nginx demands of a directive.
type rule struct {
	contexts string
	min, max int    // arguments; max -1 is any number
	block    string // context of its content, "" for a simple directive
	value    string // flag, size, time, number or ""
	multi    bool   // may be repeated in one block
	since    string // first nginx version, "" for all
	until    string // first version without it
}

// directiveTable lists every directive that this package writes, that the
// vhosts it imports hold, or that people commonly add to them:
// name, contexts, arguments, then options.
const directiveTable = `
user M 1-2
worker_processes M 1
worker_rlimit_nofile M 1 number
pid M 1
daemon M 1 flag
load_module M 1 multi
events M 0 block=E
worker_connections E 1 number
use E 1
multi_accept E 1 flag
http M 0 block=H
stream M 0 block=T
include MEHSLIUTRV* 1 multi
server H 0 block=S multi
upstream H 1 block=U multi
map H 2 block=* multi
geo H 1-2 block=* multi
split_clients H 2 block=* multi
types HSL 0 block=* multi
location SL 1-2 block=L multi
if SL 1+ block=I multi
limit_except L 1+ block=L multi
listen S 1+ multi
server_name S 1+ multi
server_tokens HSL 1
server_names_hash_bucket_size H 1 size
server_names_hash_max_size H 1 number
default_type HSL 1
root HSLI 1
alias L 1
index HSL 1+ multi
try_files SL 2+
return SLI 1-2 multi
rewrite SLI 2-3 multi
rewrite_log HSLI 1 flag
set SLI 2 multi
break SLI 0 multi
internal L 0
error_page HSLI 2+ multi
resolver HSL 1+
resolver_timeout HSL 1 time
sendfile HSLI 1 flag
tcp_nopush HSL 1 flag
tcp_nodelay HSL 1 flag
types_hash_max_size HSL 1 number
types_hash_bucket_size HSL 1 size
keepalive_timeout HSLU 1-2
keepalive_requests HSLU 1 number
keepalive_time HSLU 1 time since=1.19.10
keepalive U 1-2 number
zone U 1-2
least_conn U 0
ip_hash U 0
random U 0-2
hash U 1-2
server U 1+ multi
max_fails U 1
access_log HSLI 1+ multi
error_log MHSLTR 1-2 multi
log_format HT 2+ multi
log_not_found HSL 1 flag
log_subrequest HSL 1 flag
add_header HSLI 2-3 multi
expires HSLI 1-2
etag HSL 1 flag
client_max_body_size HSL 1 size
client_body_timeout HSL 1 time
client_body_buffer_size HSL 1 size
client_body_temp_path HSL 1-4
client_header_timeout HS 1 time
client_header_buffer_size HS 1 size
large_client_header_buffers HS 2
send_timeout HSL 1 time
lingering_close HSL 1
lingering_time HSL 1 time
lingering_timeout HSL 1 time
reset_timedout_connection HSL 1 flag
merge_slashes HS 1 flag
underscores_in_headers HS 1 flag
gzip HSLI 1 flag
gzip_vary HSL 1 flag
gzip_proxied HSL 1+
gzip_comp_level HSL 1 number
gzip_buffers HSL 2
gzip_http_version HSL 1
gzip_min_length HSL 1 size
gzip_types HSL 1+
gzip_disable HSL 1+
gzip_static HSL 1
gunzip HSL 1 flag
http2 HS 1 flag since=1.25.1
http2_push_preload HSL 1 flag until=1.25.1
http2_max_concurrent_streams HS 1 number
http3 HS 1 flag since=1.25.0
quic_retry HS 1 flag since=1.25.0
quic_gso HS 1 flag since=1.25.0
ssl HS 1 flag until=1.25.1
ssl_certificate HSR 1 multi
ssl_certificate_key HSR 1 multi
ssl_password_file HSR 1
ssl_client_certificate HS 1
ssl_trusted_certificate HS 1
ssl_verify_client HS 1
ssl_verify_depth HS 1 number
ssl_crl HS 1
ssl_ciphers HSR 1
ssl_prefer_server_ciphers HSR 1 flag
ssl_protocols HSR 1+
ssl_ecdh_curve HSR 1
ssl_dhparam HSR 1
ssl_session_cache HSR 1-2
ssl_session_timeout HSR 1 time
ssl_session_tickets HSR 1 flag
ssl_session_ticket_key HSR 1 multi
ssl_buffer_size HS 1 size
ssl_early_data HS 1 flag since=1.15.3
ssl_conf_command HSR 2 multi since=1.19.4
ssl_reject_handshake HS 1 flag since=1.19.4
ssl_stapling HS 1 flag
ssl_stapling_verify HS 1 flag
ssl_stapling_file HS 1
ssl_stapling_responder HS 1
real_ip_header HSL 1
real_ip_recursive HSL 1 flag
set_real_ip_from HSL 1 multi
proxy_pass LIR 1
proxy_http_version HSL 1
proxy_set_header HSL 2 multi
proxy_hide_header HSL 1 multi
proxy_pass_header HSL 1 multi
proxy_ignore_headers HSL 1+
proxy_redirect HSL 1-2 multi
proxy_buffering HSL 1 flag
proxy_request_buffering HSL 1 flag
proxy_buffers HSL 2
proxy_buffer_size HSLR 1 size
proxy_busy_buffers_size HSL 1 size
proxy_max_temp_file_size HSL 1 size
proxy_temp_path HSL 1-4
proxy_temp_file_write_size HSL 1 size
proxy_connect_timeout HSLR 1 time
proxy_send_timeout HSL 1 time
proxy_read_timeout HSL 1 time
proxy_timeout TR 1 time
proxy_responses TR 1 number
proxy_socket_keepalive HSL 1 flag
proxy_intercept_errors HSL 1 flag
proxy_next_upstream HSL 1+
proxy_next_upstream_tries HSL 1 number
proxy_next_upstream_timeout HSL 1 time
proxy_cache HSL 1
proxy_cache_path H 2+ multi
proxy_cache_key HSL 1
proxy_cache_valid HSL 1+ multi
proxy_cache_revalidate HSL 1 flag
proxy_cache_min_uses HSL 1 number
proxy_cache_use_stale HSL 1+
proxy_cache_lock HSL 1 flag
proxy_cache_lock_timeout HSL 1 time
proxy_cache_background_update HSL 1 flag
proxy_cache_bypass HSL 1+
proxy_no_cache HSL 1+
proxy_cache_methods HSL 1+
proxy_ssl_verify HSL 1 flag
proxy_ssl_server_name HSL 1 flag
proxy_ssl_name HSL 1
proxy_ssl_trusted_certificate HSL 1
proxy_cookie_path HSL 1-2 multi
proxy_cookie_domain HSL 1-2 multi
proxy_cookie_flags HSL 1+ multi
allow HSL 1 multi
deny HSL 1 multi
satisfy HSL 1
auth_basic HSL 1
auth_basic_user_file HSL 1
auth_request HSL 1
limit_req_zone H 2-4 multi
limit_req HSL 1-3 multi
limit_req_status HSL 1 number
limit_conn_zone H 2 multi
limit_conn HSL 2 multi
limit_conn_status HSL 1 number
limit_rate HSLI 1 size
sub_filter HSL 2 multi
sub_filter_once HSL 1 flag
stub_status SL 0-1
vhost_traffic_status_zone H 0-1
hide_server_tokens HSL 1
fastcgi_temp_path HSL 1-4
uwsgi_temp_path HSL 1-4
scgi_temp_path HSL 1-4
`

// streamTable holds what has the same name as an http directive and other
// rules inside stream.
const streamTable = `
server T 0 block=R multi
upstream T 1 block=V multi
server V 1+ multi
listen R 1+ multi
`

// directiveRules reads the table: several rules for a name that means
// different things in different contexts.
func directiveRules() map[string][]rule {
	rules := make(map[string][]rule, 256)
	for line := range strings.Lines(directiveTable + streamTable) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		r := rule{contexts: f[1]}
		low, high, ranged := strings.Cut(f[2], "-")
		r.min, _ = strconv.Atoi(strings.TrimSuffix(low, "+"))
		switch {
		case strings.HasSuffix(low, "+"):
			r.max = -1
		case ranged:
			r.max, _ = strconv.Atoi(high)
		default:
			r.max = r.min
		}
		for _, option := range f[3:] {
			key, value, _ := strings.Cut(option, "=")
			switch key {
			case "block":
				r.block = value
			case "multi":
				r.multi = true
			case "since":
				r.since = value
			case "until":
				r.until = value
			default:
				r.value = key
			}
		}
		rules[f[0]] = append(rules[f[0]], r)
	}
	return rules
}
