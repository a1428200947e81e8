## GitLab configuration settings of gitlab.example.com
##
## This file is the input of "make run". It is shaped like one that has grown
## over some years: comments of the shipped template, settings that changed
## names, a heredoc, a local variable.

##! URL on which GitLab will be reachable.
external_url 'https://gitlab.example.com'

# roles ['application_role']

################################################################################
## gitlab.yml configuration
################################################################################

gitlab_rails['time_zone'] = 'Europe/Amsterdam'
gitlab_rails['gitlab_email_from'] = 'gitlab@example.com'
# gitlab_rails['gitlab_email_display_name'] = 'Example'

gitlab_rails['ldap_enabled'] = true
gitlab_rails['ldap_servers'] = YAML.load <<-'EOS'
  main:
    label: 'LDAP'
    host: 'ldap.example.com'
    port: 636
    uid: 'uid'
    encryption: 'simple_tls'
EOS

################################################################################
## GitLab NGINX
################################################################################

nginx['redirect_http_to_https'] = true
nginx['ssl_certificate'] = '/etc/ssl/private/example.com.pem'
nginx['ssl_certificate_key'] = '/etc/ssl/private/example.com.key'
nginx['hsts_max_age'] = 31536000

################################################################################
## GitLab Mattermost
################################################################################

mattermost_external_url 'https://mattermost.example.com/'

mattermost['enable'] = true
# mattermost['username'] = 'mattermost'
# mattermost['group'] = 'mattermost'
mattermost['uid'] = 1234
mattermost['gid'] = 1234
mattermost['home'] = '/var/opt/gitlab/mattermost'

proxy = 'http://proxy.example.com:3128'
no_proxy = %w(localhost 127.0.0.1 .example.com)

mattermost['env'] = {
  'HTTP_PROXY' => proxy,
  'HTTPS_PROXY' => proxy,
  'NO_PROXY' => no_proxy.join(','),
  # mail goes through the local relay
  'MM_EMAILSETTINGS_SMTPSERVER' => '127.0.0.1',
  'MM_EMAILSETTINGS_SMTPPORT' => 25,
  'MM_EMAILSETTINGS_SENDEMAILNOTIFICATIONS' => true,
  'MM_FILESETTINGS_MAXFILESIZE' => 104_857_600,
}

mattermost['service_allowed_untrusted_internal_connections'] = 'ci.example.com'
mattermost['team_site_name'] = "Example's Mattermost"

# An older server had this; 11.0 and later do not read it any more.
mattermost['email_enable_batching'] = true

mattermost_nginx['redirect_http_to_https'] = true
mattermost_nginx['ssl_certificate'] = '/etc/ssl/private/example.com.pem'
mattermost_nginx['ssl_certificate_key'] = '/etc/ssl/private/example.com.key'
mattermost_nginx['client_max_body_size'] = '100m'
mattermost_nginx['proxy_set_headers'] = {
  'X-Forwarded-Proto' => 'https',
  'X-Request-Start' => 't=${msec}'
}
mattermost_nginx['custom_gitlab_mattermost_server_config'] = <<~NGINX
  location = /robots.txt {
    return 200 "User-agent: *\\nDisallow: /\\n";
  }
NGINX
