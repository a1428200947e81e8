package mmsample

import (
	"fmt"
	"strings"
)

// start and span place the posts in time: three years up to 2026-08-01, in
// milliseconds as Mattermost stores them.
const (
	start = 1690848000000
	span  = 3 * 365 * 86400 * 1000
)

// streams keep the random numbers of the parts apart.
const (
	streamPost = iota + 1
	streamUser
	streamFile
	streamContent
	streamReaction
)

type table struct {
	name    string
	columns []string
	rows    int
	row     func(i int) []any
}

type generator struct {
	o     Options
	w     *words
	files map[int]int // post index → file index
}

func newGenerator(o Options) *generator {
	g := &generator{o: o, w: newWords(o.Seed), files: make(map[int]int, o.Files)}
	for i := 0; i < o.Files; i++ {
		g.files[g.filePost(i)] = i
	}
	return g
}

// filePost is the post that file i hangs on.
func (g *generator) filePost(i int) int { return int(int64(i) * int64(g.o.Posts) / int64(g.o.Files)) }

// place says who posted post i, where and when; Files needs only this.
func (g *generator) place(i int) (user, channel int, at int64) {
	h := mix(g.o.Seed ^ mix(uint64(i)))
	// The minimum of two gives few busy and many quiet channels.
	channel = min(int(h%uint64(g.o.Channels)), int(h>>20%uint64(g.o.Channels)))
	return int(h >> 40 % uint64(g.o.Users)), channel, start + int64(i)*span/int64(g.o.Posts)
}

func (g *generator) id(kind string, i int) string { return id(g.o.Seed, kind, i) }

func cols(s string) []string { return strings.Fields(s) }

// tables lists everything in the order of its creation.
func (g *generator) tables() []table {
	o := g.o
	last := lastMigration(o.Version)
	var numbers []int
	for n := 1; n <= last; n++ {
		if migrations[n] != "" {
			numbers = append(numbers, n)
		}
	}
	return []table{
		{"teams", cols("id createat updateat deleteat displayname name description email type companyname alloweddomains inviteid allowopeninvite"), o.Teams, g.team},
		{"users", cols("id createat updateat deleteat username password authdata authservice email emailverified nickname firstname lastname roles allowmarketing props notifyprops locale mfaactive timezone"), o.Users, g.user},
		{"teammembers", cols("teamid userid roles deleteat schemeuser schemeadmin schemeguest createat"), o.Users, g.teamMember},
		{"channels", cols("id createat updateat deleteat teamid type displayname name header purpose lastpostat totalmsgcount creatorid totalmsgcountroot"), o.Channels, g.channel},
		{"channelmembers", cols("channelid userid roles lastviewedat msgcount mentioncount notifyprops lastupdateat schemeuser schemeadmin schemeguest mentioncountroot msgcountroot urgentmentioncount"), o.Channels * min(o.Users, 25), g.channelMember},
		{"posts", cols("id createat updateat deleteat userid channelid rootid originalid message type props hashtags filenames fileids hasreactions editat ispinned"), o.Posts, g.post},
		{"fileinfo", cols("id creatorid postid createat updateat deleteat path thumbnailpath previewpath name extension size mimetype width height haspreviewimage minipreview content channelid"), o.Files, g.fileInfo},
		{"reactions", cols("userid postid emojiname createat updateat deleteat remoteid channelid"), o.Posts / 5, g.reaction},
		{"threads", cols("postid replycount lastreplyat participants channelid threaddeleteat threadteamid"), (o.Posts + 9) / 10, g.thread},
		{"preferences", cols("userid category name value"), o.Users * 4, g.preference},
		{"systems", cols("name value"), len(systems), func(i int) []any { return []any{systems[i][0], systems[i][1]} }},
		{"configurations", cols("id value createat active sha"), 1, g.configuration},
		{"db_migrations", cols("version name"), len(numbers), func(i int) []any { return []any{numbers[i], migrations[numbers[i]]} }},
	}
}

func (g *generator) team(i int) []any {
	kind := []string{"O", "I"}[i%2]
	return []any{g.id("team", i), int64(start), int64(start), 0, fmt.Sprintf("Team %d", i), fmt.Sprintf("team-%d", i), "",
		fmt.Sprintf("team%d@example.com", i), kind, "", "", g.id("invite", i), i%2 == 0}
}

func (g *generator) user(i int) []any {
	r := g.w.at(g.o.Seed, streamUser, i)
	name := fmt.Sprintf("%s.%d", g.w.vocab[r.IntN(vocabulary)], i)
	var data any // NULL for a user with a password
	service, roles := "", "system_user"
	if i%5 != 0 {
		data, service = fmt.Sprint(1000+i), "gitlab"
	}
	if i == 0 {
		roles = "system_admin system_user"
	}
	return []any{g.id("user", i), int64(start + i), int64(start + i), 0, name, "", data, service,
		fmt.Sprintf("user%d@example.com", i), true, "", strings.ToUpper(name[:1]), "Ö'Brien-" + name, roles, false,
		`{}`, `{"push": "mention", "email": "true", "channel": "true", "desktop": "mention", "first_name": "false"}`,
		"de", false, `{"useAutomaticTimezone": "true", "manualTimezone": "", "automaticTimezone": "Europe/Berlin"}`}
}

func (g *generator) teamMember(i int) []any {
	return []any{g.id("team", i%g.o.Teams), g.id("user", i), "", 0, true, i == 0, false, int64(start)}
}

func (g *generator) channel(i int) []any {
	kind, team := "O", any(g.id("team", i%g.o.Teams))
	switch i % 5 {
	case 3:
		kind = "P"
	case 4:
		kind, team = "D", ""
	}
	return []any{g.id("channel", i), int64(start), int64(start), 0, team, kind, fmt.Sprintf("Channel %d", i),
		fmt.Sprintf("channel-%d", i), "", "what channel " + fmt.Sprint(i) + " is for", int64(start + span), 100, g.id("user", 0), 90}
}

func (g *generator) channelMember(i int) []any {
	per := min(g.o.Users, 25)
	c, k := i/per, i%per
	u := (c*7 + k) % g.o.Users
	return []any{g.id("channel", c), g.id("user", u), "", int64(start + span), 100, 0,
		`{"push": "default", "email": "default", "desktop": "default", "mark_unread": "all"}`, int64(start), true, k == 0, false, 0, 90, 0}
}

// root tells which posts start a thread: every tenth; the one after it replies.
func (g *generator) post(i int) []any {
	user, channel, at := g.place(i)
	root, fileIDs, kind, props := "", "[]", "", "{}"
	r := g.w.at(g.o.Seed, streamPost, i)
	message := g.w.message()
	hashtags := ""
	if r.IntN(40) == 0 {
		hashtags = "#" + g.w.vocab[r.IntN(500)]
		message += " " + hashtags
	}
	if i%10 == 1 {
		root = g.id("post", i-1)
		_, channel, _ = g.place(i - 1)
	}
	if n, ok := g.files[i]; ok {
		fileIDs = `["` + g.id("file", n) + `"]`
		if root != "" {
			_, channel, _ = g.place(i - 1)
		}
	}
	switch r.IntN(30) {
	case 0:
		kind, props = "system_join_channel", `{"username": "user`+fmt.Sprint(user)+`"}`
	case 1:
		props = `{"from_webhook": "true", "override_username": "gitlab", "attachments": [{"color": "#36a64f", "text": "pipeline passed"}]}`
	}
	deleted := int64(0)
	if r.IntN(100) == 0 {
		deleted = at + 60000
	}
	return []any{g.id("post", i), at, at, deleted, g.id("user", user), g.id("channel", channel), root, "", message, kind, props,
		hashtags, "[]", fileIDs, i%5 == 0, int64(0), i%997 == 0}
}

func (g *generator) reaction(i int) []any {
	r := g.w.at(g.o.Seed, streamReaction, i)
	post := i * 5
	_, channel, at := g.place(post)
	emoji := []string{"+1", "tada", "eyes", "white_check_mark", "heart"}[r.IntN(5)]
	return []any{g.id("user", r.IntN(g.o.Users)), g.id("post", post), emoji, at + 1000, at + 1000, int64(0), "", g.id("channel", channel)}
}

func (g *generator) thread(i int) []any {
	user, channel, at := g.place(i * 10)
	return []any{g.id("post", i*10), 1, at + 1000, `["` + g.id("user", user) + `"]`, g.id("channel", channel), nil, g.id("team", channel%g.o.Teams)}
}

var preferenceKinds = [4][3]string{
	{"display_settings", "use_military_time", "true"}, {"tutorial_step", "tutorial", "999"},
	{"sidebar_settings", "limit_visible_dms_gms", "20"}, {"theme", "", `{"type":"Denim","sidebarBg":"#1e325c","sidebarText":"#ffffff"}`},
}

func (g *generator) preference(i int) []any {
	k := preferenceKinds[i%4]
	return []any{g.id("user", i/4), k[0], k[1], k[2]}
}

// systems: Version stays at the last 6.x value on every newer server.
var systems = [][2]string{
	{"AsymmetricSigningKey", `{"ecdsa_key":{"curve":"P-256","x":1,"y":2,"d":3}}`},
	{"DiagnosticId", "sample"}, {"InstallationDate", "1690848000000"}, {"LastSecurityTime", "1785542400000"}, {"Version", "6.3.0"},
}

// configuration is a configuration kept in the database, with a data source of
// its own inside, as after "mmctl config migrate".
func (g *generator) configuration(int) []any {
	value := `{"ServiceSettings":{"SiteURL":"https://mattermost.example.com"},"SqlSettings":{"DriverName":"postgres",` +
		`"DataSource":"postgres://gitlab_mattermost:sample@127.0.0.1:5432/mattermost_production?sslmode=disable",` +
		`"DataSourceReplicas":[],"AtRestEncryptKey":"00000000000000000000000000000000"}}`
	return []any{g.id("config", 0), value, int64(start), true, strings.Repeat("0", 64)}
}
