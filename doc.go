// Package gitlabmattermost is the map of the GitLab Mattermost SDK: what
// GitLab's Linux package knew about running Mattermost, as independent
// packages. It holds no code; import the package that does your job.
//
// # Which package for which task
//
//   - config reads gitlab.rb without executing it, and gitlab-secrets.json, and
//     resolves them into what the Linux package would have made of them, each
//     value with its origin. config/gitlabrb is the reader and editor for any
//     GitLab setting.
//   - envmap turns settings into MM_ variables, config.json and back, for every
//     era of Mattermost, and tells what a server will honour.
//   - nginx renders, checks, compares and imports the virtual host.
//   - oauth registers the application in GitLab, performs the login flow, and
//     finds out why a login fails. oauth/oauthtest is a GitLab for your tests.
//   - database creates, checks, moves and drops the role and database.
//   - backup makes one verified unit of database, files and configuration, and
//     restores it so that nothing can be lost on the way.
//   - upgrade knows which GitLab bundled which Mattermost, and plans the way
//     from one to another, leaving the bundle included.
//
// The commands below examples compose them; each is a thin main to copy from.
//
// # Tour
//
// Read the two files of an installation, resolve them, and look at one value:
//
//	loaded, err := config.Load(config.LoadOptions{GitLabRB: "/etc/gitlab/gitlab.rb"})
//	if err != nil {
//		return err
//	}
//	inst := loaded.Installation
//	env := envmap.FromInstallation(inst)          // MM_ variables
//	site, findings, err := nginx.FromGitLab(inst) // virtual host
//	dsn := inst.Database.DataSource               // where the data lives
//
// Then write the environment, render the vhost, register the application with
// oauth, make the database with database.Manager, and keep all of it with
// backup.
//
// # Arrows
//
// config may be imported by envmap and nginx; no other public package imports
// another. They meet in your program through plain values and small interfaces.
//
// # Promises
//
// Findings, rules and errors have stable ids; their texts may change. Output is
// deterministic. Until version 1 exported names may still move; CHANGELOG.md
// says when they do.
package gitlabmattermost
