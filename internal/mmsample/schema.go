package mmsample

// tablesSQL has the columns of a 9.11/10.11 server's tables. Keys and indexes
// come after the rows (indexesSQL), as a dump does it.
const tablesSQL = `
CREATE TYPE public.channel_type AS ENUM ('P', 'G', 'O', 'D');
CREATE TYPE public.team_type AS ENUM ('I', 'O');
CREATE TYPE public.channel_bookmark_type AS ENUM ('link', 'file');
CREATE TABLE public.teams (
	id varchar(26) NOT NULL, createat bigint, updateat bigint, deleteat bigint, displayname varchar(64),
	name varchar(64), description varchar(255), email varchar(128), type public.team_type, companyname varchar(64),
	alloweddomains varchar(1000), inviteid varchar(32), schemeid varchar(26), allowopeninvite boolean,
	lastteamiconupdate bigint, groupconstrained boolean, cloudlimitsarchived boolean NOT NULL DEFAULT false);
CREATE TABLE public.teammembers (
	teamid varchar(26) NOT NULL, userid varchar(26) NOT NULL, roles varchar(256), deleteat bigint,
	schemeuser boolean, schemeadmin boolean, schemeguest boolean, createat bigint DEFAULT 0);
CREATE TABLE public.users (
	id varchar(26) NOT NULL, createat bigint, updateat bigint, deleteat bigint, username varchar(64), password varchar(128),
	authdata varchar(128), authservice varchar(32), email varchar(128), emailverified boolean, nickname varchar(64),
	firstname varchar(64), lastname varchar(64), roles varchar(256), allowmarketing boolean, props jsonb, notifyprops jsonb,
	lastpasswordupdate bigint, lastpictureupdate bigint, failedattempts integer, locale varchar(5), mfaactive boolean,
	mfasecret varchar(128), position varchar(128), timezone jsonb, remoteid varchar(26), lastlogin bigint NOT NULL DEFAULT 0,
	mfausedtimestamps jsonb);
CREATE TABLE public.channels (
	id varchar(26) NOT NULL, createat bigint, updateat bigint, deleteat bigint, teamid varchar(26), type public.channel_type,
	displayname varchar(64), name varchar(64), header varchar(1024), purpose varchar(250), lastpostat bigint, totalmsgcount bigint,
	extraupdateat bigint, creatorid varchar(26), schemeid varchar(26), groupconstrained boolean, shared boolean,
	totalmsgcountroot bigint, lastrootpostat bigint DEFAULT 0);
CREATE TABLE public.channelmembers (
	channelid varchar(26) NOT NULL, userid varchar(26) NOT NULL, roles varchar(256), lastviewedat bigint, msgcount bigint,
	mentioncount bigint, notifyprops jsonb, lastupdateat bigint, schemeuser boolean, schemeadmin boolean, schemeguest boolean,
	mentioncountroot bigint, msgcountroot bigint, urgentmentioncount bigint);
CREATE TABLE public.posts (
	id varchar(26) NOT NULL, createat bigint, updateat bigint, deleteat bigint, userid varchar(26), channelid varchar(26),
	rootid varchar(26), originalid varchar(26), message varchar(65535), type varchar(26), props jsonb, hashtags varchar(1000),
	filenames varchar(4000), fileids varchar(300), hasreactions boolean, editat bigint, ispinned boolean, remoteid varchar(26))
	WITH (autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05);
CREATE TABLE public.fileinfo (
	id varchar(26) NOT NULL, creatorid varchar(26), postid varchar(26), createat bigint, updateat bigint, deleteat bigint,
	path varchar(512), thumbnailpath varchar(512), previewpath varchar(512), name varchar(256), extension varchar(64), size bigint,
	mimetype varchar(256), width integer, height integer, haspreviewimage boolean, minipreview bytea, content text,
	remoteid varchar(26), archived boolean NOT NULL DEFAULT false, channelid varchar(26));
CREATE TABLE public.reactions (
	userid varchar(26) NOT NULL, postid varchar(26) NOT NULL, emojiname varchar(64) NOT NULL, createat bigint, updateat bigint,
	deleteat bigint, remoteid varchar(26), channelid varchar(26) NOT NULL DEFAULT '');
CREATE TABLE public.threads (
	postid varchar(26) NOT NULL, replycount bigint, lastreplyat bigint, participants jsonb, channelid varchar(26),
	threaddeleteat bigint, threadteamid varchar(26));
CREATE TABLE public.preferences (
	userid varchar(26) NOT NULL, category varchar(32) NOT NULL, name varchar(32) NOT NULL, value text);
CREATE TABLE public.systems (name varchar(64) NOT NULL, value varchar(1024));
CREATE TABLE public.configurations (
	id varchar(26) NOT NULL, value text NOT NULL, createat bigint NOT NULL, active boolean, sha char(64) DEFAULT '');
CREATE TABLE public.configurationfiles (
	name varchar(64) NOT NULL, data text NOT NULL, createat bigint NOT NULL, updateat bigint NOT NULL);
CREATE TABLE public.db_migrations (version bigint NOT NULL, name varchar NOT NULL);
CREATE TABLE public.db_lock (id varchar(64) NOT NULL PRIMARY KEY, expireat bigint);
CREATE TABLE public.db_config_migrations (version bigint NOT NULL PRIMARY KEY, name varchar NOT NULL);
`

const indexesSQL = `
ALTER TABLE public.teams ADD PRIMARY KEY (id), ADD CONSTRAINT teams_name_key UNIQUE (name);
CREATE INDEX idx_teams_invite_id ON public.teams (inviteid);
CREATE INDEX idx_teams_update_at ON public.teams (updateat);
CREATE INDEX idx_teams_create_at ON public.teams (createat);
CREATE INDEX idx_teams_delete_at ON public.teams (deleteat);
ALTER TABLE public.teammembers ADD PRIMARY KEY (teamid, userid);
CREATE INDEX idx_teammembers_user_id ON public.teammembers (userid);
ALTER TABLE public.users ADD PRIMARY KEY (id), ADD CONSTRAINT users_username_key UNIQUE (username),
	ADD CONSTRAINT users_authdata_key UNIQUE (authdata), ADD CONSTRAINT users_email_key UNIQUE (email);
CREATE INDEX idx_users_update_at ON public.users (updateat);
CREATE INDEX idx_users_create_at ON public.users (createat);
CREATE INDEX idx_users_email_lower_textpattern ON public.users (lower(email) text_pattern_ops);
CREATE INDEX idx_users_username_lower_textpattern ON public.users (lower(username) text_pattern_ops);
CREATE INDEX idx_users_all_txt ON public.users USING gin (to_tsvector('english',
	username || ' ' || firstname || ' ' || lastname || ' ' || nickname || ' ' || email));
ALTER TABLE public.channels ADD PRIMARY KEY (id), ADD CONSTRAINT channels_name_teamid_key UNIQUE (name, teamid);
CREATE INDEX idx_channels_team_id_display_name ON public.channels (teamid, displayname);
CREATE INDEX idx_channels_team_id_type ON public.channels (teamid, type);
CREATE INDEX idx_channels_update_at ON public.channels (updateat);
CREATE INDEX idx_channel_search_txt ON public.channels USING gin (to_tsvector('english', name || ' ' || displayname || ' ' || purpose));
ALTER TABLE public.channelmembers ADD PRIMARY KEY (channelid, userid);
CREATE INDEX idx_channelmembers_user_id_channel_id_last_viewed_at ON public.channelmembers (userid, channelid, lastviewedat);
CREATE INDEX idx_channelmembers_channel_id_scheme_guest_user_id ON public.channelmembers (channelid, schemeguest, userid);
ALTER TABLE public.posts ADD PRIMARY KEY (id);
CREATE INDEX idx_posts_create_at ON public.posts (createat);
CREATE INDEX idx_posts_update_at ON public.posts (updateat);
CREATE INDEX idx_posts_user_id ON public.posts (userid);
CREATE INDEX idx_posts_is_pinned ON public.posts (ispinned);
CREATE INDEX idx_posts_original_id ON public.posts (originalid);
CREATE INDEX idx_posts_root_id_delete_at ON public.posts (rootid, deleteat);
CREATE INDEX idx_posts_create_at_id ON public.posts (createat, id);
CREATE INDEX idx_posts_channel_id_update_at ON public.posts (channelid, updateat);
CREATE INDEX idx_posts_channel_id_delete_at_create_at ON public.posts (channelid, deleteat, createat);
CREATE INDEX idx_posts_message_txt ON public.posts USING gin (to_tsvector('english', message));
CREATE INDEX idx_posts_hashtags_txt ON public.posts USING gin (to_tsvector('english', hashtags));
ALTER TABLE public.fileinfo ADD PRIMARY KEY (id);
CREATE INDEX idx_fileinfo_create_at ON public.fileinfo (createat);
CREATE INDEX idx_fileinfo_postid_at ON public.fileinfo (postid);
CREATE INDEX idx_fileinfo_extension_at ON public.fileinfo (extension);
CREATE INDEX idx_fileinfo_channel_id_create_at ON public.fileinfo (channelid, createat);
CREATE INDEX idx_fileinfo_name_txt ON public.fileinfo USING gin (to_tsvector('english', name));
CREATE INDEX idx_fileinfo_content_txt ON public.fileinfo USING gin (to_tsvector('english', content));
ALTER TABLE public.reactions ADD PRIMARY KEY (postid, userid, emojiname);
CREATE INDEX idx_reactions_channel_id ON public.reactions (channelid);
ALTER TABLE public.threads ADD PRIMARY KEY (postid);
CREATE INDEX idx_threads_channel_id_last_reply_at ON public.threads (channelid, lastreplyat);
ALTER TABLE public.preferences ADD PRIMARY KEY (userid, category, name);
CREATE INDEX idx_preferences_category ON public.preferences (category);
CREATE INDEX idx_preferences_name ON public.preferences (name);
ALTER TABLE public.systems ADD PRIMARY KEY (name);
ALTER TABLE public.configurations ADD PRIMARY KEY (id), ADD CONSTRAINT configurations_active_key UNIQUE (active);
ALTER TABLE public.configurationfiles ADD PRIMARY KEY (name);
ALTER TABLE public.db_migrations ADD PRIMARY KEY (version);
`

// viewsSQL are the statistics views that came with 10.6. The server refreshes
// them daily, which only their owner may do.
const viewsSQL = `
CREATE MATERIALIZED VIEW public.posts_by_team_day AS
	SELECT to_timestamp((p.createat / 1000)::double precision)::date AS day, count(*) AS num, c.teamid
	FROM public.posts p JOIN public.channels c ON p.channelid = c.id GROUP BY 1, c.teamid;
CREATE MATERIALIZED VIEW public.bot_posts_by_team_day AS
	SELECT to_timestamp((p.createat / 1000)::double precision)::date AS day, count(*) AS num, c.teamid
	FROM public.posts p JOIN public.channels c ON p.channelid = c.id
	WHERE p.props->>'from_webhook' = 'true' GROUP BY 1, c.teamid;
CREATE MATERIALIZED VIEW public.file_stats AS
	SELECT count(*) AS num, coalesce(sum(size), 0) AS usage FROM public.fileinfo WHERE deleteat = 0;
`

// migrations are the names that db_migrations holds, in order of their number.
// Number 110 was withdrawn; the gap is normal.
var migrations = [...]string{
	1: "create_teams", "create_team_members", "create_cluster_discovery", "create_command_webhooks", "create_compliances",
	"create_emojis", "create_user_groups", "create_group_members", "create_group_teams", "create_group_channels",
	"create_link_metadata", "create_commands", "create_incoming_webhooks", "create_outgoing_webhooks", "create_systems",
	"create_reactions", "create_roles", "create_schemes", "create_licenses", "create_posts", "create_product_notice_view_state",
	"create_sessions", "create_terms_of_service", "create_audits", "create_oauth_access_data", "create_preferences",
	"create_status", "create_tokens", "create_bots", "create_user_access_tokens", "create_remote_clusters",
	"create_sharedchannels", "create_sidebar_channels", "create_oauthauthdata", "create_sharedchannelattachments",
	"create_sharedchannelusers", "create_sharedchannelremotes", "create_jobs", "create_channel_member_history",
	"create_sidebar_categories", "create_upload_sessions", "create_threads", "thread_memberships",
	"create_user_terms_of_service", "create_plugin_key_value_store", "create_users", "create_file_info", "create_oauth_apps",
	"create_channels", "create_channelmembers", "create_msg_root_count", "create_public_channels",
	"create_retention_policies", "create_crt_channelmembership_count", "create_crt_thread_count_and_unreads",
	"upgrade_channels_v6.0", "upgrade_command_webhooks_v6.0", "upgrade_channelmembers_v6.0", "upgrade_users_v6.0",
	"upgrade_jobs_v6.0", "upgrade_link_metadata_v6.0", "upgrade_sessions_v6.0", "upgrade_threads_v6.0", "upgrade_status_v6.0",
	"upgrade_groupchannels_v6.0", "upgrade_posts_v6.0", "upgrade_channelmembers_v6.1", "upgrade_teammembers_v6.1",
	"upgrade_jobs_v6.1", "upgrade_cte_v6.1", "upgrade_sessions_v6.1", "upgrade_schemes_v6.3",
	"upgrade_plugin_key_value_store_v6.3", "upgrade_users_v6.3", "alter_upload_sessions_index", "upgrade_lastrootpostat",
	"upgrade_users_v6.5", "create_oauth_mattermost_app_id", "usergroups_displayname_index", "posts_createat_id",
	"threads_deleteat", "upgrade_oauth_mattermost_app_id", "threads_threaddeleteat", "recent_searches",
	"fileinfo_add_archived_column", "add_cloud_limits_archived", "sidebar_categories_index", "remaining_migrations",
	"add-channelid-to-reaction", "create_enums", "create_post_reminder", "add_createat_to_teammembers", "notify_admin",
	"threads_teamid", "remove_posts_parentid", "threads_threadteamid", "create_posts_priority",
	"create_post_acknowledgements", "create_drafts", "add_draft_priority_column", "create_true_up_review_history",
	"posts_originalid_index", "add_sentat_to_notifyadmin", "upgrade_notifyadmin", "remove_tokens", "fileinfo_channelid",
	"threadmemberships_cleanup", "remove_orphaned_oauth_preferences", "create_persistent_notifications", "",
	"update_vacuuming", "rework_desktop_tokens", "create_retentionidsfordeletion_table",
	"sharedchannelremotes_drop_nextsyncat_description", "user_reporting_changes", "create_outgoing_oauth_connections",
	"msteams_shared_channels", "create_index_poststats", "msteams_shared_channels_opts", "create_channelbookmarks_table",
	"remove_true_up_review_history", "preferences_value_length", "remove_upload_file_permission",
	"remove_manage_team_permission", "remoteclusters_add_default_team_id", "sharedchannels_remotes_add_deleteat",
	"add_mfa_used_ts_to_users", "create_scheduled_posts", "add_property_system_architecture", "system_console_stats",
	"create_index_pagination_on_property_values", "create_index_pagination_on_property_fields", "add_channel_banner_fields",
	"create_access_control_policies", "sidebarchannels_categoryid", "create_attribute_view", "update_attribute_view",
	"add_default_category_name_to_channel", "remoteclusters_add_last_global_user_sync_at",
	"add_lastmemberssyncat_to_sharedchannelremotes", "add_remoteid_channelid_to_post_acknowledgements",
}

// lastMigration is the highest number that a version has run.
func lastMigration(version string) int {
	if version == "9.11" {
		return 125
	}
	return len(migrations) - 1 // 141 for 10.11.0 to 10.11.15
}
