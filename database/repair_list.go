package database

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

const notes = "Mattermost, important upgrade notes"

// repairList is a function, so that nothing can change the list.
func repairList() []Repair {
	return append([]Repair{
		{ID: "systems-version-3.4", Title: "run the schema step of 3.2 again", Source: "GitLab Mattermost documentation, upgrading to 3.4",
			Applies: "an upgrade from 3.2 to 3.4 left out 3.3: TeamMembers has no column DeleteAt while Systems says 3.2 or newer",
			Locks:   "one row of Systems, for an instant; restart Mattermost afterwards",
			check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
				half, err := halfMigrated(ctx, tx)
				return half, either(half, "TeamMembers lacks DeleteAt", "TeamMembers has DeleteAt, or the schema is older than 3.2 or newer than 6.3"), err
			},
			statements: fixed("UPDATE public.systems SET value = '3.1.0' WHERE name = 'Version'")},
		{ID: "json-null-6.0", Title: "remove \\u0000 before texts become jsonb", Source: notes + " of 6.0",
			Applies: "before an upgrade across 6.0: columns that become jsonb hold \\u0000, which stops it with 'Failed to alter column type'",
			Locks:   "the changed rows until the end; it reads the tables whole", Backup: "it removes the characters from the data",
			check:      nullBytesApply,
			statements: nullBytes},
		{ID: "jsonb-6.0", Title: "turn text columns into jsonb ahead of time", Source: notes + " of 6.0",
			Applies: "before an upgrade across 6.0, to shorten it (posts.props took about 11 minutes for 10 million posts)",
			Locks:   "each table exclusively while it is rewritten: Mattermost must be stopped; it needs free disk for a second copy of the largest table",
			check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
				list, err := textColumns(ctx, tx)
				return len(list) > 0, fmt.Sprintf("%d columns are still text", len(list)), err
			},
			statements: toJSONB},
		columnRepair("reactions-channel-7.1", "add and fill reactions.channelid ahead of time", "7.1", "reactions", "channelid",
			"ALTER TABLE public.reactions ADD COLUMN IF NOT EXISTS channelid varchar(26) NOT NULL DEFAULT ''",
			"UPDATE public.reactions SET channelid = coalesce((SELECT channelid FROM public.posts WHERE posts.id = reactions.postid), '') WHERE channelid = ''"),
		columnRepair("threads-team-7.7", "add and fill threads.threadteamid ahead of time", "7.7", "threads", "threadteamid",
			"ALTER TABLE public.threads DROP COLUMN IF EXISTS teamid", "ALTER TABLE public.threads ADD COLUMN IF NOT EXISTS threadteamid varchar(26)",
			"UPDATE public.threads SET threadteamid = channels.teamid FROM public.channels WHERE threads.threadteamid IS NULL AND channels.id = threads.channelid"),
		indexRepair("indexes-6.0", "6.0", index{"idx_posts_root_id_delete_at", "posts", "rootid, deleteat"},
			index{"idx_channels_team_id_display_name", "channels", "teamid, displayname"}, index{"idx_channels_team_id_type", "channels", "teamid, type"},
			index{"idx_threads_channel_id_last_reply_at", "threads", "channelid, lastreplyat"},
			index{"idx_channelmembers_user_id_channel_id_last_viewed_at", "channelmembers", "userid, channelid, lastviewedat"},
			index{"idx_channelmembers_channel_id_scheme_guest_user_id", "channelmembers", "channelid, schemeguest, userid"},
			index{"idx_status_status_dndendtime", "status", "status, dndendtime"}),
		indexRepair("jobs-index-6.1", "6.1", index{"idx_jobs_status_type", "jobs", "status, type"}),
		indexRepair("posts-index-6.7", "6.7", index{"idx_posts_create_at_id", "posts", "createat, id"}),
		indexRepair("reactions-index-7.1", "7.1", index{"idx_reactions_channel_id", "reactions", "channelid"}),
		indexRepair("posts-index-7.9", "7.9", index{"idx_posts_original_id", "posts", "originalid"}),
	}, stateRepairs()...)
}

func either(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}

func fixed(sql ...string) func(context.Context, pgx.Tx, RepairOptions) ([]Statement, error) {
	return func(context.Context, pgx.Tx, RepairOptions) ([]Statement, error) {
		var out []Statement
		for _, s := range sql {
			out = append(out, Statement{SQL: s})
		}
		return out, nil
	}
}

// halfMigrated finds the upgrade that left out the step of 3.2.
func halfMigrated(ctx context.Context, tx pgx.Tx) (bool, error) {
	var half bool
	err := tx.QueryRow(ctx, `SELECT to_regclass('public.systems') IS NOT NULL AND to_regclass('public.teammembers') IS NOT NULL AND to_regclass('public.db_migrations') IS NULL
		AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.teammembers') AND attname = 'deleteat' AND NOT attisdropped)`).Scan(&half)
	if err != nil || !half {
		return false, err
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM public.systems WHERE name = 'Version' AND value ~ '^\d+\.\d+' AND string_to_array(split_part(value, '.', 1) || '.' || split_part(value, '.', 2), '.')::int[] >= '{3,2}')`).Scan(&half)
	return half, err
}

// jsonColumns are the columns that 6.0 turns into jsonb.
var jsonColumns = [][2]string{{"channelmembers", "notifyprops"}, {"jobs", "data"}, {"linkmetadata", "data"}, {"posts", "props"}, {"sessions", "props"},
	{"threads", "participants"}, {"users", "props"}, {"users", "notifyprops"}, {"users", "timezone"}}

// textColumns are those of them that exist and are still text.
func textColumns(ctx context.Context, tx pgx.Tx) ([][2]string, error) {
	var out [][2]string
	for _, c := range jsonColumns {
		var n int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped
			AND atttypid IN ('text'::regtype, 'varchar'::regtype)`, "public."+c[0], c[1]).Scan(&n)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// nullPattern finds the six characters \u0000 in a text.
const nullPattern = ` LIKE '%\\u0000%'`

func nullBytesApply(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
	list, err := nullColumns(ctx, tx)
	if err != nil || len(list) == 0 {
		return false, "no text column that becomes jsonb holds \\u0000", err
	}
	var names []string
	for _, c := range list {
		names = append(names, c[0]+"."+c[1])
	}
	return true, "\\u0000 is in " + strings.Join(names, ", "), nil
}

func nullColumns(ctx context.Context, tx pgx.Tx) ([][2]string, error) {
	list, err := textColumns(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out [][2]string
	for _, c := range list {
		var found bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+ident("public", c[0])+" WHERE "+ident(c[1])+nullPattern+")").Scan(&found); err != nil {
			return nil, err
		}
		if found {
			out = append(out, c)
		}
	}
	return out, nil
}

func nullBytes(ctx context.Context, tx pgx.Tx, _ RepairOptions) ([]Statement, error) {
	list, err := nullColumns(ctx, tx)
	var out []Statement
	for _, c := range list {
		col := ident(c[1])
		out = append(out, Statement{SQL: fmt.Sprintf(`UPDATE %s SET %s = regexp_replace(%s, '\\u0000', '', 'g') WHERE %s%s`, ident("public", c[0]), col, col, col, nullPattern)})
	}
	return out, err
}

func toJSONB(ctx context.Context, tx pgx.Tx, _ RepairOptions) ([]Statement, error) {
	list, err := textColumns(ctx, tx)
	var out []Statement
	for _, table := range tablesOf(list) {
		var parts []string
		for _, c := range list {
			if c[0] == table {
				// An empty text is no JSON; the server takes it for none.
				parts = append(parts, fmt.Sprintf("ALTER COLUMN %[1]s DROP DEFAULT, ALTER COLUMN %[1]s TYPE jsonb USING nullif(%[1]s, '')::jsonb", ident(c[1])))
			}
		}
		// One statement a table, so that it is rewritten once.
		out = append(out, Statement{SQL: "ALTER TABLE " + ident("public", table) + " " + strings.Join(parts, ", ")})
	}
	return out, err
}

func tablesOf(list [][2]string) []string {
	var out []string
	for _, c := range list {
		if !slices.Contains(out, c[0]) {
			out = append(out, c[0])
		}
	}
	return out
}

// columnRepair is a column that a release adds and fills.
func columnRepair(id, title, release, table, column string, sql ...string) Repair {
	return Repair{ID: id, Title: title, Source: notes + " of " + release,
		Applies: "before an upgrade across " + release + ", to shorten it: table " + table + " exists without column " + column,
		Locks:   "table " + table + " exclusively for an instant, then its rows until the end; readers wait for nothing",
		check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
			var missing bool
			err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL AND to_regclass('public.posts') IS NOT NULL AND NOT EXISTS
				(SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped)`, "public."+table, column).Scan(&missing)
			return missing, either(missing, table+" lacks "+column, table+" has "+column+", or does not exist"), err
		}, statements: fixed(sql...)}
}

type index struct{ name, table, columns string }

// indexRepair builds indexes that a release would build under a lock.
func indexRepair(id, release string, list ...index) Repair {
	missing := func(ctx context.Context, tx pgx.Tx) ([]index, error) {
		var out []index
		for _, x := range list {
			var no bool
			// A column that does not exist yet makes the index impossible.
			err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = to_regclass($2) AND i.indisvalid)
				AND (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) AND NOT attisdropped AND attname = ANY($3)) = cardinality($3)`,
				"public."+x.table, "public."+x.name, strings.Split(x.columns, ", ")).Scan(&no)
			if err != nil {
				return nil, err
			}
			if no {
				out = append(out, x)
			}
		}
		return out, nil
	}
	return Repair{ID: id, Title: "build the index" + either(len(list) > 1, "es", "") + " of " + release + " ahead of time", Source: notes + " of " + release,
		Applies: "before an upgrade across " + release + " of a large database: the upgrade would build them while nobody can write",
		Locks:   "nobody is locked out (CREATE INDEX CONCURRENTLY); a dry run builds them with a lock that keeps writers out",
		check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
			m, err := missing(ctx, tx)
			return len(m) > 0, fmt.Sprintf("%d of %d indexes are missing", len(m), len(list)), err
		},
		statements: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) ([]Statement, error) {
			m, err := missing(ctx, tx)
			var out []Statement
			for _, x := range m {
				on := ident(x.name) + " ON " + ident("public", x.table) + " (" + x.columns + ")"
				// What an interrupted build left has the name, but is not valid.
				drop := "DROP INDEX CONCURRENTLY IF EXISTS " + ident("public", x.name)
				out = append(out, Statement{SQL: drop, Outside: true, Inside: strings.Replace(drop, " CONCURRENTLY", "", 1)},
					Statement{SQL: "CREATE INDEX CONCURRENTLY " + on, Outside: true, Inside: "CREATE INDEX " + on})
			}
			return out, err
		}}
}
