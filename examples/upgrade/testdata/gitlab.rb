external_url 'https://gitlab.example.com'
mattermost_external_url 'https://mattermost.example.com'
mattermost['team_site_name'] = 'Example Chat'
mattermost['env'] = { 'MM_EMAILSETTINGS_SMTPSERVER' => '127.0.0.1' }
