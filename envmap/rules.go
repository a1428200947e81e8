package envmap

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rule is one condition of Mattermost's own validation that a value alone can
// break; a server refuses to start on it. Conditions over two settings are in
// crossChecks.
type rule struct {
	path  string
	since Version // first release known to have it
	until Version // last one; zero: still has it
	enum  []string
	min   int64
	max   int64               // 0: none
	text  func(string) string // of a text, or of each element of a list
}

// Releases whose validation was read in full. Older ones had most of the same
// conditions, so breaking one there is a warning.
var (
	v539  = Version{Major: 5, Minor: 39, Patch: -1}
	v900  = Version{Major: 9, Minor: 0, Patch: -1}
	v1011 = Version{Major: 10, Minor: 11, Patch: -1}
	v1100 = Version{Major: 11, Minor: 0, Patch: -1}
	v1107 = Version{Major: 11, Minor: 7, Patch: -1}
)

// rules returns the condition of a setting. It is made of switches, not of a
// table, so that a check of many variables builds nothing; each kind has its own.
func rules(s Setting, v Version) (rule, bool) {
	r := rule{path: s.Path, since: v539}
	switch s.Kind {
	case KindBool:
		return boolRule(r)
	case KindInt:
		return intRule(r)
	case KindList:
		return listRule(r)
	case KindString, KindJSON:
		return enumRule(r, v)
	}
	return r, false
}

func boolRule(r rule) (rule, bool) {
	switch r.path {
	case "TeamSettings.ExperimentalViewArchivedChannels":
		r.enum, r.since = []string{"true"}, v1100
	case "ExperimentalSettings.ClientSideCertEnable":
		r.enum, r.since = []string{"false"}, v1100
	default:
		return r, false
	}
	return r, true
}

func enumRule(r rule, v Version) (rule, bool) {
	switch r.path {
	case "SqlSettings.DriverName":
		r.enum = []string{"mysql", "postgres"}
		if !before(v, v1100) {
			r.enum = []string{"postgres"}
		}
	case "FileSettings.DriverName":
		r.enum, r.until = []string{"local", "amazons3"}, Version{Major: 11, Minor: 7}
	case "ServiceSettings.ConnectionSecurity":
		r.enum = []string{"", "TLS"}
	case "EmailSettings.ConnectionSecurity":
		r.enum = []string{"", "PLAIN", "TLS", "STARTTLS"}
	case "LdapSettings.ConnectionSecurity":
		r.enum = []string{"", "TLS", "STARTTLS"}
	case "EmailSettings.EmailNotificationContentsType":
		r.enum = []string{"full", "generic"}
	case "TeamSettings.RestrictDirectMessage":
		r.enum = []string{"any", "team"}
	case "TeamSettings.TeammateNameDisplay":
		r.enum = []string{"full_name", "nickname_full_name", "username"}
	case "ServiceSettings.ExperimentalGroupUnreadChannels":
		r.enum = []string{"disabled", "default_on", "default_off"}
	case "ServiceSettings.CollapsedThreads":
		r.enum, r.since = []string{"disabled", "default_on", "always_on", "default_off"}, v900
	case "CacheSettings.CacheType":
		r.enum, r.since = []string{"lru", "redis"}, v1011
	case "ElasticsearchSettings.Backend":
		r.enum, r.since = []string{"elasticsearch", "opensearch"}, v1011
	case "FileSettings.AmazonS3StorageClass", "FileSettings.ExportAmazonS3StorageClass":
		r.since, r.enum = v1011, []string{
			"", "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
			"GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE",
		}
	default:
		return textRule(r)
	}
	return r, r.applies(v)
}

// applies is false after the last release that has the condition.
func (r rule) applies(v Version) bool { return r.until.IsZero() || !before(r.until, v) }

func intRule(r rule) (rule, bool) {
	switch r.path {
	case "TeamSettings.MaxUsersPerTeam", "TeamSettings.MaxChannelsPerTeam", "TeamSettings.MaxNotificationsPerChannel",
		"SqlSettings.MaxIdleConns", "SqlSettings.MaxOpenConns", "SqlSettings.QueryTimeout", "FileSettings.MaxFileSize",
		"EmailSettings.EmailBatchingBufferSize", "RateLimitSettings.MemoryStoreSize", "RateLimitSettings.PerSec",
		"RateLimitSettings.MaxBurst", "LdapSettings.SyncIntervalMinutes", "ServiceSettings.ReadTimeout",
		"ServiceSettings.WriteTimeout", "ServiceSettings.MaximumLoginAttempts", "ImportSettings.RetentionDays":
		r.min = 1
	case "ElasticsearchSettings.AggregatePostsAfterDays", "ElasticsearchSettings.LiveIndexingBatchSize",
		"ElasticsearchSettings.RequestTimeoutSeconds":
		r.min = 1
	case "TeamSettings.UserStatusAwayTimeout", "ExperimentalSettings.LinkMetadataTimeoutMilliseconds",
		"FileSettings.AmazonS3RequestTimeoutMilliseconds", "ServiceSettings.PersistentNotificationMaxCount",
		"ServiceSettings.PersistentNotificationMaxRecipients", "ElasticsearchSettings.BatchSize":
		r.min, r.since = 1, v900
	case "ServiceSettings.MaximumPayloadSizeBytes", "ServiceSettings.MaximumURLLength",
		"ServiceSettings.OutgoingIntegrationRequestsTimeout":
		r.min, r.since = 1, v1011
	case "ServiceSettings.PersistentNotificationIntervalMinutes":
		r.min, r.since = 2, v900
	case "SqlSettings.ConnMaxLifetimeMilliseconds", "SqlSettings.ConnMaxIdleTimeMilliseconds", "LdapSettings.MaxPageSize":
		r.min = 0
	case "DataRetentionSettings.MessageRetentionHours", "DataRetentionSettings.FileRetentionHours":
		r.min, r.since = 0, v1011
	case "DataRetentionSettings.MessageRetentionDays", "DataRetentionSettings.FileRetentionDays":
		r.min = 0
	case "EmailSettings.EmailBatchingInterval":
		r.min = 30
	case "ServiceSettings.TimeBetweenUserTypingUpdatesMilliseconds":
		r.min = 1000
	case "PasswordSettings.MinimumLength":
		r.min, r.max = 5, 72
	case "FileSettings.MaxImageDecoderConcurrency":
		r.since = v900
		r.text = func(s string) string {
			if n, err := strconv.Atoi(s); err == nil && (n == 0 || n < -1) {
				return "must be -1 or at least 1"
			}
			return ""
		}
	default:
		return r, false
	}
	return r, true
}

func textRule(r rule) (rule, bool) {
	switch r.path {
	case "TeamSettings.SiteName":
		r.text = func(s string) string {
			if len(s) > 30 {
				return "must not be longer than 30 bytes"
			}
			return ""
		}
	case "SqlSettings.AtRestEncryptKey", "FileSettings.PublicLinkSalt":
		r.text = func(s string) string {
			if s != "" && len(s) < 32 {
				return "must be empty or at least 32 characters"
			}
			return ""
		}
	case "SqlSettings.DataSource", "ImportSettings.Directory":
		r.text = func(s string) string {
			if s == "" {
				return "must not be empty"
			}
			return ""
		}
	case "FileSettings.Directory":
		r.text = directory
	case "FileSettings.ExportDirectory", "FileSettings.AmazonS3PathPrefix", "FileSettings.ExportAmazonS3PathPrefix":
		r.text, r.since = noBlanks, v1011
	case "ServiceSettings.SiteURL", "ServiceSettings.WebsocketURL":
		r.text = absoluteURL
	case "ServiceSettings.ListenAddress":
		r.text = listenAddress
	case "ElasticsearchSettings.PostsAggregatorJobStartTime", "DataRetentionSettings.DeletionJobStartTime":
		r.text = clock
	case "NativeAppSettings.AppDownloadLink", "NativeAppSettings.AndroidAppDownloadLink", "NativeAppSettings.IosAppDownloadLink":
		r.text, r.since = downloadLink, v1107
	case "ServiceSettings.MinimumDesktopAppVersion":
		r.text, r.since = threeNumbers, v1107
	case "ElasticsearchSettings.IgnoredPurgeIndexes":
		r.text = noDash
	case "LogSettings.AdvancedLoggingJSON", "ExperimentalAuditSettings.AdvancedLoggingJSON":
		r.text, r.since = jsonObject, v1011
	default:
		return r, false
	}
	return r, true
}

// breaks says in words how a value that was read breaks the rule; "" is fine.
func (r rule) breaks(value any) string {
	switch x := value.(type) {
	case string:
		switch {
		case r.enum != nil && !slices.Contains(r.enum, x):
			return "must be one of " + quoted(r.enum)
		case r.text != nil:
			return r.text(x)
		}
	case []string:
		for _, element := range x {
			if why := r.breaks(element); why != "" {
				return "has an element that " + why
			}
		}
	case json.RawMessage:
		if r.text != nil {
			return r.text(string(x))
		}
	case bool:
		if r.enum != nil && !slices.Contains(r.enum, strconv.FormatBool(x)) {
			return "must be " + r.enum[0]
		}
	case int64:
		switch {
		case r.text != nil:
			return r.text(strconv.FormatInt(x, 10))
		case x < r.min:
			return fmt.Sprintf("must be at least %d", r.min)
		case r.max != 0 && x > r.max:
			return fmt.Sprintf("must be at most %d", r.max)
		}
	}
	return ""
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}
