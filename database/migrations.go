package database

import (
	"context"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// MigrationState says how far Mattermost's own schema changes are.
type MigrationState struct {
	// Engine is what records them: "none", "systems" (row Version in table
	// Systems, up to 6.3), "schema_migrations" (5.3x) or "db_migrations" (6.4 on).
	Engine string `json:"engine"`
	// SystemsVersion is the row Version of table Systems. From 7.4 on it stays
	// at its last 6.x value and says nothing.
	SystemsVersion string `json:"systemsVersion,omitempty"`
	Applied        int    `json:"applied"` // rows of db_migrations
	Highest        int    `json:"highest"` // highest number, which does not identify a release
	// AtLeast is the oldest release that has the newest known migration that
	// is applied ("10.10"); empty when it cannot be told.
	AtLeast string `json:"atLeast,omitempty"`
	// Renumber tells that 10.11.16 or newer of the 10.11 line has put its
	// migrations under numbers that 11.0 to 11.7.2 use for others.
	Renumber bool `json:"renumber,omitempty"`
	// Missing are numbers below the highest that are not applied, without
	// those that were never published.
	Missing []int `json:"missing,omitempty"`
}

// markers are migrations that tell a release, oldest first. Names count;
// numbers were used twice.
var markers = []struct{ name, release string }{
	{"alter_upload_sessions_index", "6.4"}, {"upgrade_users_v6.5", "6.5"}, {"posts_createat_id", "6.6"},
	{"add-channelid-to-reaction", "7.1"}, {"create_enums", "7.2"}, {"remove_posts_parentid", "7.5"}, {"create_posts_priority", "7.7"},
	{"posts_originalid_index", "7.9"}, {"create_persistent_notifications", "8.0"}, {"create_retentionidsfordeletion_table", "8.1"},
	{"create_channelbookmarks_table", "9.9"}, {"add_property_system_architecture", "10.5"}, {"system_console_stats", "10.6"},
	{"add_channel_banner_fields", "10.7"}, {"create_access_control_policies", "10.8"}, {"update_attribute_view", "10.9"},
	{"add_remoteid_channelid_to_post_acknowledgements", "10.10"}, {"create_content_flagging_tables", "11.1"}, {"create_views", "11.7"},
}

// migrationState reads what is recorded.
func (c *checker) migrationState(ctx context.Context) (s MigrationState, err error) {
	s.Engine = "none"
	have := map[string]bool{}
	for _, name := range []string{"systems", "schema_migrations", "db_migrations", "db_lock"} {
		if have[name], err = c.table(ctx, name); err != nil {
			return s, err
		}
	}
	if have["systems"] {
		err := c.tx.QueryRow(ctx, "SELECT value FROM public.systems WHERE name = 'Version'").Scan(&s.SystemsVersion)
		if ok, err := found(err); err != nil {
			return s, err
		} else if ok {
			s.Engine = "systems"
		}
	}
	if have["schema_migrations"] {
		s.Engine = "schema_migrations"
	}
	if !have["db_migrations"] {
		return s, nil
	}
	rows, err := c.tx.Query(ctx, "SELECT version, name FROM public.db_migrations")
	if err != nil {
		return s, err
	}
	defer rows.Close()
	names, numbers := map[string]int{}, map[int]bool{}
	for rows.Next() {
		var number int
		var name string
		if err := rows.Scan(&number, &name); err != nil {
			return s, err
		}
		names[name], numbers[number] = number, true
		s.Highest = max(s.Highest, number)
	}
	if s.Applied = len(numbers); s.Applied > 0 {
		s.Engine = "db_migrations"
	}
	s.derive(names, numbers)
	return s, rows.Err()
}

// derive tells the release, the gaps and the trap from what is applied.
func (s *MigrationState) derive(names map[string]int, numbers map[int]bool) {
	for _, m := range markers {
		if _, ok := names[m.name]; ok {
			s.AtLeast = m.release
		}
	}
	backport := names["add_schemeid_to_roles"] == 142
	if backport {
		s.Renumber, s.AtLeast = true, "10.11.16"
		if names["threadmemberships_cleanup_v2"] == 195 {
			s.AtLeast = "10.11.21"
		}
	}
	for n := 1; n < min(s.Highest, 100000); n++ {
		// 110 was withdrawn; 10.11.21 jumps from 144 to 195.
		if !numbers[n] && n != 110 && (!backport || n < 145 || n > 194) {
			s.Missing = append(s.Missing, n)
		}
	}
}

// acceptsRenumbered tells whether a release puts the migrations of 10.11.16 and
// newer into order by itself.
func acceptsRenumbered(v version.Version) bool {
	if v.Compare(version.MustParse("11.0")) < 0 {
		return true // the same line
	}
	switch v.Minor {
	case 6:
		return v.Major > 11 || v.Patch >= 5
	case 7:
		return v.Major > 11 || v.Patch >= 3
	case 8:
		return v.Major > 11 || v.Patch >= 1
	}
	return v.Major > 11 || v.Minor >= 9
}

func (c *checker) migrations(ctx context.Context) error {
	if c.empty {
		c.r.Migrations.Engine = "none"
		return nil
	}
	s, err := c.migrationState(ctx)
	if err != nil {
		return err
	}
	c.r.Migrations = s
	c.judge(s)
	return c.interrupted(ctx, s)
}

// judge compares the state with the Mattermost version that is to run.
func (c *checker) judge(s MigrationState) {
	shown := "no record of migrations"
	switch {
	case s.Engine == "db_migrations":
		shown = fmt.Sprintf("%d migrations are applied, the highest number is %d; the schema is that of Mattermost %s or newer", s.Applied, s.Highest, orUnknown(s.AtLeast))
	case s.SystemsVersion != "":
		shown = "the schema is that of Mattermost " + s.SystemsVersion + " (table Systems)"
	}
	c.add("db-migrations", "info", shown, "")
	old, oldErr := version.Parse(s.SystemsVersion)
	if s.Engine == "systems" && oldErr == nil && old.Compare(version.MustParse("3.0")) < 0 {
		c.add("db-schema-too-old", "error", "the schema is older than 3.0.0, which no Mattermost upgrades by itself", "go through the 3.0 upgrade (GitLab 8.9) first")
	}
	if c.o.Mattermost == "" {
		return
	}
	v := version.MustParse(c.o.Mattermost) // checked at the start
	schema, err := version.Parse(s.AtLeast)
	if s.Engine == "systems" {
		schema, err = old, oldErr
	}
	if err == nil && !v.AtLeast(version.Version{Major: schema.Major, Minor: schema.Minor, Patch: -1}) {
		c.add("db-schema-newer", "error", fmt.Sprintf("the schema is that of Mattermost %s, newer than %s: an older server starts on it without a word, and loses settings", schema, v), "run the newer Mattermost, or restore a backup from before the upgrade")
	}
	if s.Renumber && !acceptsRenumbered(v) {
		c.add("db-migration-trap", "error", fmt.Sprintf("Mattermost 10.11.16 or newer has used migration numbers that %s uses for others: its start fails on a duplicate key in db_migrations", v),
			"go to 11.6.5, 11.7.3, 11.8.1, 11.9 or newer, or run 'database repair migration-numbers' first")
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "6.4"
	}
	return s
}

// interrupted finds the traces of a migration that did not end.
func (c *checker) interrupted(ctx context.Context, s MigrationState) error {
	if s.Engine == "schema_migrations" {
		var dirty bool
		err := c.tx.QueryRow(ctx, "SELECT coalesce(bool_or(dirty), false) FROM public.schema_migrations").Scan(&dirty)
		if err != nil && code(err) != "42703" {
			return err
		}
		if dirty {
			c.add("db-migration-dirty", "error", "table schema_migrations says that a migration was interrupted", "restore the backup from before the upgrade, or finish the migration by hand")
		}
	}
	if ok, err := c.table(ctx, "db_lock"); err != nil {
		return err
	} else if ok {
		var n int
		if err := c.tx.QueryRow(ctx, "SELECT count(*) FROM public.db_lock").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			c.add("db-migration-lock", "warning", "table db_lock is taken: a server migrates right now, or one was killed while it did", "wait until it has ended; the lock of a killed one runs out after 15 seconds, the next start goes on")
		}
	}
	if len(s.Missing) > 0 {
		c.add("db-migration-gap", "warning", "migrations are missing below the highest: "+strings.Trim(strings.Join(strings.Fields(fmt.Sprint(s.Missing)), ", "), "[]"), "start Mattermost, which applies what is missing, and check again")
	}
	half, err := halfMigrated(ctx, c.tx)
	if err == nil && half {
		c.add("db-migration-half", "error", "table TeamMembers has no column DeleteAt: an upgrade from 3.2 to 3.4 left out a step", "'database repair systems-version-3.4', then restart Mattermost")
	}
	return err
}
